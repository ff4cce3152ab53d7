"""How a job ended is written in the step that ends it, by nobody else, and for its time; who waits is woken with it."""

from __future__ import annotations

import json
import threading

import pytest

from mainspring import App
from mainspring.base.errors import StoreRefused
from mainspring.store import flows, keys, processes, queues, results
from mainspring.store.connection import Store
from mainspring.store.queues import Settlement
from mainspring.store.ties import Ties
from servers import KINDS
from support import until

ME, OTHER = "host:1:aaaaaaaaaaaa", "host:2:bbbbbbbbbbbb"
JID, DAY = "50e0c1d2a3b4c5d6e7f80910", "2026-11-22"
TIES = Ties(JID, result=b'{"class":"add","value":3}', result_ms=60_000)
KEY = keys.result(JID)


@pytest.fixture
def store(server):
    store = Store(server.url)
    store.run(queues.push("default", [b"job"]))
    store.run(queues.fetch("default", ME, 1, "1", "_req"))
    yield store
    store.close()


def finish(who=ME, seq=1):
    return flows.finish("default", who, [(seq, TIES)], DAY)


def settle(who=ME, seq=1):
    died = Settlement(keys.DEAD, 5.0, b"died", fails=True, what="dead", ties=TIES)
    return queues.settle("default", who, seq, died, now=5.0, day=DAY)


@pytest.mark.parametrize("ending", [finish, settle])
def test_the_end_of_a_job_and_its_result_are_one_step(server, store, ending):
    store.run(ending())

    assert server.client.lrange(KEY, 0, -1) == [TIES.result]
    assert 59_000 < server.client.pttl(KEY) <= 60_000
    assert not server.client.hexists(keys.inflight("default", ME), "1")


@pytest.mark.parametrize("ending", [finish, settle])
def test_who_does_not_hold_a_job_writes_no_result_of_it(server, store, ending):
    for call in (ending(who=OTHER), ending(seq=7)):
        assert store.run(call) in (0, [0])
    store.run(processes.reclaim("default", ME, grace_ms=0, now=5.0, certain=True))
    assert store.run(ending()) in (0, [0])

    assert not server.exists(KEY)


@pytest.mark.parametrize("ending", [finish, settle])
def test_a_later_end_takes_the_place_of_an_earlier_one_whatever_lay_there(server, store, ending):
    server.client.set(KEY, "a stranger's", px=5)
    server.client.persist(KEY)

    store.run(ending())

    assert store.run(results.read(JID)) == TIES.result
    assert server.client.llen(KEY) == 1


def test_waiting_takes_nothing_and_prolongs_nothing(server, store):
    store.run(finish())
    server.client.pexpire(KEY, 30_000)

    assert [store.run(results.wait(JID, 5.0)) for _ in range(3)] == [TIES.result] * 3

    assert server.client.lrange(KEY, 0, -1) == [TIES.result]
    assert 29_000 < server.client.pttl(KEY) <= 30_000


def test_all_who_wait_are_woken_by_the_step_that_ends_the_job(server, store):
    woken = []
    waiting = [threading.Thread(target=lambda: woken.append(store.run(results.wait(JID, 20.0)))) for _ in range(20)]
    for thread in waiting:
        thread.start()
    until(lambda: server.client.info("clients")["blocked_clients"] == 20)

    other = Store(server.url)
    other.run(finish())
    other.close()
    for thread in waiting:
        thread.join(10)

    assert woken == [TIES.result] * 20
    assert 59_000 < server.client.pttl(KEY) <= 60_000


def test_who_waits_in_vain_gets_nothing_and_leaves_nothing(server, store):
    assert store.run(results.wait(JID, 0.01)) is None

    assert not server.exists(KEY)


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_server_takes_a_result_and_gives_it_to_who_waits(private_server, kind):
    server = private_server(kind)
    app = App(server.url)
    record = {"class": "add", "args": [], "jid": JID, "flow": {"result_ttl": 60.0}}
    app.store.run(queues.push("default", [json.dumps(record).encode()]))
    app.store.run(queues.fetch("default", ME, 1, "1", "_req"))
    server.client.config_set("maxmemory", "1mb")
    with pytest.raises(StoreRefused):
        app.store.run(results.wait(JID, 1.0))
    found = []
    asking = threading.Thread(target=lambda: found.append(app.result(JID, timeout=20.0)))
    asking.start()

    app.store.run(finish())
    asking.join(20)

    assert found == [3]
    app.close()
