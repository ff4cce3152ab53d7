"""A full server refuses new jobs and says so; its workers drain it, and the living are not taken for dead."""

from __future__ import annotations

import pytest

from mainspring import App, PushFailed
from mainspring.base.errors import StoreRefused
from mainspring.store import attempts, entries, failures, keys, periodic, processes, queues, sets
from mainspring.store.connection import Store
from mainspring.store.entries import Definition
from mainspring.store.failures import Noted
from mainspring.store.periodic import Attempt, TickJob
from mainspring.store.queues import Settlement
from mainspring.store.ties import Trace
from servers import KINDS

ME, DEAD, LEAVER = "host:1:aaaaaaaaaaaa", "host:2:bbbbbbbbbbbb", "host:3:cccccccccccc"
Q, DAY, JOB = "default", "2026-11-21", b"x" * 1000


@pytest.fixture(params=KINDS)
def full(request, private_server):
    """A server with jobs in every place, that has reached its limit."""
    server = private_server(request.param)
    store = Store(server.url)
    for _ in range(3):
        store.run(queues.push(Q, [JOB + b"%d" % i for i in range(1000)]))
    for identity in (ME, DEAD, LEAVER):
        store.run(processes.register(Q, identity, 30_000))
        store.run(queues.fetch(Q, identity, 5, "1", "_req"))
    server.client.delete(keys.lease(Q, DEAD))
    store.run(processes.suspect(Q, DEAD))
    for key in (keys.SCHEDULE, keys.RETRY, keys.DEAD):
        server.client.zadd(key, {JOB + b"%d" % i: i for i in range(10)})
    store.run(entries.define("", [Definition("report", "1", "1", b"{}")], origin="api"))
    server.client.config_set("maxmemory", "1mb")
    yield server, store
    store.close()


REFUSED = {
    "push": queues.push(Q, [b"a"]),
    "schedule": sets.add([(1.0, b"a")]),
    "tick": periodic.claim_tick("", Attempt("report", "1", "4000000000.000", 0.0, TickJob(Q, b"a"))),
    "run": periodic.push_run("", "report", TickJob(Q, b"a"), record=b"{}"),
    "entry": entries.define("", [Definition("report", "2", "2", b"{}")], origin="api"),
    "suspect": processes.suspect(Q, DEAD),
    "failures": failures.note([Noted("ab", ("a", "b", "c", "d", "e", "f"), 1, 1.0, 1.0, ["a"])], now=2.0),
    "finished": attempts.note([Trace("a", b"[1]", 60_000, JOB, 60_000)]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_fill_it_further_is_refused_before_anything_is_written(full, name):
    server, store = full
    before = server.snapshot()

    with pytest.raises(StoreRefused) as caught:
        store.run(REFUSED[name])

    assert caught.value.code == "OOM"
    assert caught.value.applied is False
    assert server.snapshot() == before


def test_an_enqueue_fails_for_certain_and_says_the_way_out(full):
    server, _ = full
    app = App(server.url)
    before = server.client.llen(keys.queue(Q)), server.client.zcard(keys.SCHEDULE)

    for enqueue in (lambda: app.enqueue("x"), lambda: app.enqueue("x", at=4e9)):
        with pytest.raises(PushFailed, match=r"the store is full.*raise maxmemory") as caught:
            enqueue()
        assert len(caught.value.jids) == 1

    assert (server.client.llen(keys.queue(Q)), server.client.zcard(keys.SCHEDULE)) == before
    app.close()


def test_workers_drain_it_to_the_last_job(full):
    _, store = full
    done, request = 0, 2

    while seqs := [seq for seq, _ in store.run(queues.fetch(Q, ME, 700, str(request), "_req")).jobs]:
        done += sum(store.run(queues.done(Q, ME, seqs, DAY)))
        request += 1

    assert done == 3000 - 15
    assert store.run(queues.size(Q)) == 0


def test_every_outcome_can_be_recorded(full):
    server, store = full
    outcomes = [
        Settlement(),
        Settlement(keys.RETRY, 99.0, JOB + b"retried", fails=True, trace=Trace("a", b"[1]", 60_000)),
        Settlement(keys.DEAD, 5e9, JOB + b"died", fails=True),
        Settlement(keys.SCHEDULE, 99.0, JOB + b"snoozed", runs=False),
    ]

    for seq, what in enumerate(outcomes, 1):
        assert store.run(queues.settle(Q, ME, seq, what, now=100.0, day=DAY)) == 1

    assert server.client.zscore(keys.RETRY, JOB + b"retried") == 99.0
    assert server.client.lrange(keys.attempts("a"), 0, -1) == [b"[1]"]
    assert server.client.zscore(keys.DEAD, JOB + b"died") == 5e9
    assert server.client.zscore(keys.SCHEDULE, JOB + b"snoozed") == 99.0


def test_jobs_can_be_marked_given_back_forwarded_and_moved(full):
    _, store = full

    assert store.run(queues.mark(Q, ME, 1)) == 1
    assert store.run(queues.give_back(Q, ME, [1, 2])) == [1, 1]
    assert store.run(sets.forward(keys.RETRY, Q, [(JOB + b"1", JOB + b"1 again")])) == 1
    assert store.run(sets.move(keys.RETRY, keys.DEAD, JOB + b"2", JOB + b"2 dead", 5.0)) == 1
    assert store.run(queues.move(Q, keys.DEAD, JOB + b"99", score=6.0)) == 1


def test_the_living_renew_their_leases_and_are_shown(full):
    server, store = full

    assert store.run(processes.beat(Q, ME, 30_000)) == 1
    assert store.run(processes.register(Q, "host:4:dddddddddddd", 30_000)) == 1
    assert store.run(processes.show(ME, {"busy": 1}, {"slot": JOB})) == []

    assert server.client.hgetall(keys.work(ME)) == {b"slot": JOB}


def test_the_dead_are_reclaimed_and_leavers_give_back(full):
    _, store = full
    before = store.run(queues.size(Q))

    assert store.run(processes.reclaim(Q, DEAD, grace_ms=0, now=1.0)) == 5
    assert store.run(processes.leave(Q, LEAVER)) == 5

    assert store.run(queues.size(Q)) == before + 10
