"""A run that did not go well leaves its mark in the step that settles its job, and marks are few and short-lived."""

from __future__ import annotations

import pytest

from mainspring.api.attempts import read_kept
from mainspring.base.errors import InvalidOption
from mainspring.store import attempts, keys, processes, queues
from mainspring.store.attempts import MOST_FINISHED, MOST_JOBS, NEWEST, Record
from mainspring.store.connection import Store
from mainspring.store.queues import Settlement
from mainspring.store.ties import Trace

ME, DAY, NOW, JID = "host:1:aaaaaaaaaaaa", "2026-11-22", 1_790_000_000.5, "50e0c1d2a3b4c5d6e7f80910"
HOUR_MS = 3_600_000


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def record(number=1, **fields):
    return Record(
        number, ME, "slot-1", NOW, NOW + 1, **({"outcome": "retry", "error_class": "E", "message": "no"} | fields)
    )


def settle(store, trace, seq=1):
    failed = Settlement(keys.RETRY, NOW + 15, b"again", fails=True, trace=trace)
    return store.run(queues.settle("default", ME, seq, failed, now=NOW, day=DAY))


def held(store, count=1):
    store.run(queues.push("default", [b"job%d" % n for n in range(count)]))
    store.run(queues.fetch("default", ME, count, "1", "_req"))


def trace(number=1, jid=JID, **fields):
    return Trace(jid, attempts.written(record(number, **fields)), HOUR_MS)


def test_a_failure_and_its_attempt_are_one_step(server, store):
    held(store)

    assert settle(store, trace()) == 1

    (found,) = read_kept(store, JID).attempts
    assert (found.number, found.process, found.slot, found.seconds) == (1, ME, "slot-1", 1.0)
    assert (found.outcome, found.error_class, found.error_message) == ("retry", "E", "no")
    assert HOUR_MS - 5000 < server.client.pttl(keys.attempts(JID)) <= HOUR_MS
    assert server.client.zrange(keys.RETRY, 0, -1) == [b"again"]


def test_who_does_not_hold_a_job_leaves_no_attempt_of_it(server, store):
    held(store)
    store.run(processes.reclaim("default", ME, grace_ms=0, now=NOW, certain=True))
    before = server.snapshot()

    assert settle(store, trace()) == 0

    assert server.snapshot() == before


def test_the_newest_twenty_five_attempts_are_kept(store):
    held(store, 30)
    for number in range(1, 31):
        settle(store, trace(number), seq=number)

    assert [attempt.number for attempt in read_kept(store, JID).attempts] == list(range(30, 30 - NEWEST, -1))


def test_what_an_attempt_has_in_common_with_the_one_before_is_read_from_there(store):
    held(store, 3)
    settle(store, trace(1, message="first", backtrace="WyJhIl0="))
    settle(store, trace(2, message=None, backtrace=None), seq=2)
    settle(store, trace(3, message="other", backtrace=None), seq=3)

    assert [attempt.error_message for attempt in read_kept(store, JID).attempts] == ["other", "first", "first"]


def test_of_too_many_jobs_with_attempts_those_go_that_would_go_first(server, store):
    server.client.zadd(keys.ATTEMPTS, {f"j{n}": NOW * 1000 + n for n in range(MOST_JOBS)})
    server.client.lpush(keys.attempts("j0"), b"[]")
    server.client.lpush(keys.attempts("j7"), b"[]")
    server.client.expire(keys.attempts("j7"), 60)
    held(store)

    settle(store, trace())

    assert server.client.zcard(keys.ATTEMPTS) == MOST_JOBS - 1
    assert not server.exists(keys.attempts("j0"))
    assert server.exists(keys.attempts("j7"))
    assert len(read_kept(store, JID).attempts) == 1
    assert not [key for key in server.lasting() if key.startswith(keys.ROOT)]


@pytest.mark.parametrize("key", [keys.ATTEMPTS, keys.attempts(JID)])
def test_a_key_that_somebody_made_another_type_costs_the_attempt_and_no_job(server, store, key):
    server.client.set(key, "theirs", ex=60)
    held(store)

    assert settle(store, trace()) == 1

    assert server.client.zrange(keys.RETRY, 0, -1) == [b"again"]
    assert server.client.get(key) == b"theirs"


# --- what went well ----------------------------------------------------------------


def test_a_run_that_went_well_is_told_beside_those_that_failed_only(server, store):
    held(store)
    settle(store, trace())
    ok = attempts.written(record(2, outcome="ok", error_class="", message=""))

    store.run(attempts.note([Trace(JID, ok, HOUR_MS), Trace("another", ok, HOUR_MS)]))

    assert [attempt.outcome for attempt in read_kept(store, JID).attempts] == ["ok", "retry"]
    assert read_kept(store, JID).attempts[0].error_message is None
    assert not server.exists(keys.attempts("another"))


def test_a_job_that_is_done_can_be_looked_at_for_its_time(server, store):
    raw = b'{"jid":"%b","class":"add","args":[1],"queue":"low","tags":["a"],"created_at":5.5}' % JID.encode()
    done = attempts.done(record(outcome="ok", error_class="", message=""), raw)

    assert store.run(attempts.note([Trace(JID, finished=done, finished_ms=HOUR_MS)])) == 0

    found = read_kept(store, JID).finished
    assert (found.jid, found.name, found.queue, list(found.args), found.tags) == (JID, "add", "low", [1], ["a"])
    assert (found.created_at, found.outcome, found.raw, found.is_cut) == (5.5, "ok", raw, False)
    # Its one run stands nowhere else.
    assert read_kept(store, JID).attempts == [found.last]
    assert HOUR_MS - 5000 < server.client.pttl(keys.finished(JID)) <= HOUR_MS
    assert server.lasting() == set()


def test_of_too_many_jobs_that_are_done_those_go_that_would_go_first(server, store):
    server.client.zadd(keys.FINISHED, {f"j{n}": n for n in range(MOST_FINISHED)})
    server.client.set(keys.finished("j0"), b"x", ex=60)

    assert store.run(attempts.note([Trace(JID, finished=b"[]\n{}", finished_ms=HOUR_MS)])) == 1

    assert server.client.zcard(keys.FINISHED) == MOST_FINISHED
    assert not server.exists(keys.finished("j0"))


@pytest.mark.parametrize("stored", [b"", b"x", b"[]\n{}", b"\xff\n{}", attempts.done(record(), b"no job")])
def test_what_a_stranger_put_there_is_no_job(server, store, stored):
    server.client.set(keys.finished(JID), stored, ex=60)
    server.client.lpush(keys.attempts(JID), stored)
    server.client.expire(keys.attempts(JID), 60)

    assert read_kept(store, JID).finished is None
    assert [attempt.number for attempt in read_kept(store, JID).attempts] in ([], [1])


def test_what_can_be_no_id_is_refused(store):
    with pytest.raises(InvalidOption):
        read_kept(store, 7)
