"""A tick is enqueued once, whoever asks and however often; a claim without its job cannot be."""

from __future__ import annotations

import threading

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.schedule.ticks import text
from mainspring.store import keys, periodic
from mainspring.store.connection import Store
from mainspring.store.periodic import Claim

JOB = b'{"class":"report","args":[],"jid":"a"}'


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def server_now(server):
    seconds, microseconds = server.client.time()
    return seconds + microseconds / 1e6


def queue(server, name="default"):
    return server.client.lrange(keys.queue(name), 0, -1)


# --- claiming --------------------------------------------------------------------


def test_a_claim_enqueues_the_job_and_remembers_the_tick(server, store):
    assert store.run(periodic.claim("report", "1700000000.200", "default", JOB)) is Claim.WON

    assert queue(server) == [JOB]
    assert server.client.smembers(keys.QUEUES) == {b"default"}
    assert server.client.hgetall(keys.PERIODIC_LAST) == {b"report": b"1700000000.200"}


@pytest.mark.parametrize("tick", ["1700000000.200", "1700000000.199", "1699999940.000", "999999999.999"])
def test_a_tick_that_is_not_newer_is_refused_and_writes_nothing(server, store, tick):
    store.run(periodic.claim("report", "1700000000.200", "default", JOB))
    before = server.snapshot()

    assert store.run(periodic.claim("report", tick, "late", JOB)) is Claim.TAKEN

    assert server.snapshot() == before


def test_a_claim_without_a_job_takes_the_tick_and_writes_nothing_else(server, store):
    assert store.run(periodic.claim("report", "1700000000.200", "default", b"")) is Claim.WON
    assert store.run(periodic.claim("report", "1700000000.200", "default", JOB)) is Claim.TAKEN

    assert server.keys() == {keys.PERIODIC_LAST}


def test_a_job_for_later_goes_to_the_scheduled_set_and_rings(server, store):
    assert store.run(periodic.claim("report", "1700000000.200", "default", JOB, at=1_700_000_060.5)) is Claim.WON

    assert server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True) == [(JOB, 1_700_000_060.5)]
    assert server.keys() == {keys.PERIODIC_LAST, keys.SCHEDULE, keys.BELL}


def test_the_same_claim_sent_again_after_a_lost_answer_enqueues_nothing(server, store):
    command = periodic.claim("report", "1700000000.200", "default", JOB)

    assert [store.run(command) for _ in range(3)] == [Claim.WON, Claim.TAKEN, Claim.TAKEN]

    assert queue(server) == [JOB]


def test_ticks_are_compared_as_numbers_to_the_millisecond(server, store):
    # As texts, "1000000000.000" sorts before "999999999.999".
    ticks = ["999999999.999", "1000000000.000", "1000000000.001", "1000000000.010", "1000000000.100"]

    assert [store.run(periodic.claim("report", tick, "default", JOB)) for tick in ticks] == [Claim.WON] * 5


def test_a_tick_that_is_not_due_by_the_servers_clock_is_refused_and_writes_nothing(server, store):
    later = text(server_now(server) + 30)

    assert store.run(periodic.claim("report", later, "default", JOB)) is Claim.EARLY

    assert server.snapshot() == {}


def test_entries_do_not_know_each_other(server, store):
    store.run(periodic.claim("report", "1700000000.000", "default", JOB))

    assert store.run(periodic.claim("sweep", "1600000000.000", "low", JOB)) is Claim.WON

    assert queue(server, "low") == [JOB]


def test_the_newest_job_is_at_the_head_as_with_every_push(server, store):
    for tick, job in (("1.000", b"first"), ("2.000", b"second")):
        store.run(periodic.claim("report", tick, "default", job))

    assert queue(server) == [b"second", b"first"]


def test_a_claim_whose_push_fails_leaves_the_tick_open(server, store):
    server.client.set(keys.queue("default"), "no list", ex=60)

    with pytest.raises(StoreRefused, match="WRONGTYPE"):
        store.run(periodic.claim("report", "1700000000.000", "default", JOB))

    assert not server.exists(keys.PERIODIC_LAST)
    server.client.delete(keys.queue("default"))
    assert store.run(periodic.claim("report", "1700000000.000", "default", JOB)) is Claim.WON


def test_a_full_server_refuses_the_claim_and_the_tick_stays_open(private_server, server):
    full = private_server(server.kind)
    store = Store(full.url)
    full.client.config_set("maxmemory", 1)

    with pytest.raises(StoreRefused) as refused:
        store.run(periodic.claim("report", "1700000000.000", "default", JOB))

    assert refused.value.code == "OOM"
    assert full.snapshot() == {}
    full.client.config_set("maxmemory", 0)
    assert store.run(periodic.claim("report", "1700000000.000", "default", JOB)) is Claim.WON


def test_what_a_stranger_wrote_as_newest_tick_does_not_stop_the_entry(server, store):
    server.client.hset(keys.PERIODIC_LAST, "report", "yesterday")

    assert store.run(periodic.claim("report", "1700000000.000", "default", JOB)) is Claim.WON
    assert server.client.hget(keys.PERIODIC_LAST, "report") == b"1700000000.000"


def test_eight_claimants_at_once_enqueue_each_of_a_hundred_ticks_once(server):
    won, start = [], threading.Barrier(8)

    def claim():
        store = Store(server.url)
        start.wait()
        for tick in range(1, 101):
            answer = store.run(periodic.claim("report", text(tick), "default", b"%d" % tick))
            if answer is Claim.WON:
                won.append(tick)
        store.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(won) == list(range(1, 101))
    assert queue(server)[::-1] == [b"%d" % tick for tick in range(1, 101)]


# --- registering -------------------------------------------------------------------


def test_a_new_entry_is_anchored_at_the_servers_time(server, store):
    before = server_now(server)

    known = store.run(periodic.register(["report"]))

    assert before - 0.001 <= known.now <= server_now(server)
    assert known.since == [(known.now, None)]
    assert server.client.hgetall(keys.PERIODIC_ANCHOR) == {b"report": text(known.now).encode()}


def test_an_anchor_is_never_moved(server, store):
    first = store.run(periodic.register(["report"]))
    before = server.snapshot()

    second = store.run(periodic.register(["report"]))

    assert second.since == first.since
    assert second.now >= first.now
    assert server.snapshot() == before


def test_the_newest_claimed_tick_comes_back_exactly(store):
    store.run(periodic.claim("report", "1700000000.123", "default", JOB))

    assert store.run(periodic.register(["report"])).since[0][1] == 1_700_000_000.123


def test_answers_come_in_the_order_asked_with_old_and_new_mixed(server, store):
    server.client.hset(keys.PERIODIC_ANCHOR, mapping={"b": "200.000", "d": "400.500"})
    server.client.hset(keys.PERIODIC_LAST, mapping={"d": "500.250"})

    known = store.run(periodic.register(["a", "b", "c", "d"]))

    assert known.since == [(known.now, None), (200.0, None), (known.now, None), (400.5, 500.25)]


def test_a_thousand_entries_are_registered_in_one_call(server, store):
    names = [f"entry {n}" for n in range(periodic.MOST)]

    known = store.run(periodic.register(names))

    assert known.since == [(known.now, None)] * periodic.MOST
    assert server.client.hlen(keys.PERIODIC_ANCHOR) == periodic.MOST


def test_what_is_anchored_already_can_be_read_from_a_full_server(private_server, server):
    full = private_server(server.kind)
    store = Store(full.url)
    known = store.run(periodic.register(["report"]))
    full.client.config_set("maxmemory", 1)

    assert store.run(periodic.register(["report"])).since == known.since


def test_the_servers_time_is_in_unix_seconds(server, store):
    before = server_now(server)

    now = store.run(periodic.server_time())

    assert before <= now <= server_now(server)


def test_a_prefix_keeps_two_apps_apart(server):
    for prefix in ("one:", "two:"):
        store = Store(server.url, prefix=prefix)
        assert store.run(periodic.claim("report", "1700000000.000", "default", JOB)) is Claim.WON
        store.close()

    # The fixture looks for keys of the data model, which has no prefixes.
    assert server.keys() == {
        f"{app}:{key}" for app in ("one", "two") for key in (keys.PERIODIC_LAST, keys.queue("default"), keys.QUEUES)
    }
    server.flush()
