"""A job's outcome is recorded once, in the step that takes it off its process, and by nobody else."""

from __future__ import annotations

import pytest

from mainspring.store import keys, processes, queues
from mainspring.store.connection import Store
from mainspring.store.queues import DEAD_MOST, DEAD_SECONDS, Settlement

ME = "host:1:aaaaaaaaaaaa"
DAY = "2026-11-21"
NOW = 1_790_000_000.5
HELD = keys.inflight("default", ME)

EACH = {
    "retry": Settlement(keys.RETRY, NOW + 15.25, b"again", fails=True),
    "dead": Settlement(keys.DEAD, NOW, b"died", fails=True),
    "snooze": Settlement(keys.SCHEDULE, NOW + 60, b"later", runs=False),
    "discard": Settlement(),
    "failed and dropped": Settlement(fails=True),
}


@pytest.fixture
def store(server):
    store = Store(server.url)
    store.run(queues.push("default", [b"job"]))
    store.run(queues.fetch("default", ME, 1, "1", "_req"))
    yield store
    store.close()


def settle(store, what, seq=1):
    return store.run(queues.settle("default", ME, seq, what, now=NOW, day=DAY))


def counts(server):
    read = server.client.get
    total = (read(keys.STAT_PROCESSED), read(keys.STAT_FAILED))
    daily = (read(keys.stat_processed_day(DAY)), read(keys.stat_failed_day(DAY)))
    assert total == daily
    return tuple(int(count or 0) for count in total)


@pytest.mark.parametrize(
    ("name", "runs", "fails"),
    [("retry", 1, 1), ("dead", 1, 1), ("snooze", 0, 0), ("discard", 1, 0), ("failed and dropped", 1, 1)],
)
def test_each_outcome_goes_to_its_place_and_is_counted(server, store, name, runs, fails):
    what = EACH[name]

    assert settle(store, what) == 1

    assert counts(server) == (runs, fails)
    assert server.client.hkeys(HELD) == [b"_req"]
    for place in (keys.RETRY, keys.SCHEDULE, keys.DEAD):
        stored = [(what.payload, what.score)] if place == what.place else []
        assert server.client.zrange(place, 0, -1, withscores=True) == stored


@pytest.mark.parametrize("name", EACH)
def test_an_outcome_is_recorded_once(server, store, name):
    settle(store, EACH[name])
    before = server.snapshot()

    assert settle(store, EACH[name]) == 0

    assert server.snapshot() == before


@pytest.mark.parametrize("name", EACH)
def test_an_outcome_after_the_process_was_declared_dead_changes_nothing(server, store, name):
    store.run(processes.reclaim("default", ME, grace_ms=0, now=NOW, certain=True))
    before = server.snapshot()

    assert settle(store, EACH[name]) == 0

    assert server.snapshot() == before
    assert server.client.lrange(keys.queue("default"), 0, -1) == [b"job"]


def test_daily_counters_fade_after_five_years(server, store):
    settle(store, EACH["retry"])

    for key in (keys.stat_processed_day(DAY), keys.stat_failed_day(DAY)):
        assert 157_680_000 - 60 < server.client.ttl(key) <= 157_680_000


def test_a_retry_that_is_due_first_rings_the_bell_and_a_later_one_does_not(server, store):
    settle(store, EACH["retry"])
    assert server.client.llen(keys.BELL) == 1
    assert 0 < server.client.ttl(keys.BELL) <= 60
    server.client.delete(keys.BELL)
    store.run(queues.push("default", [b"next"]))
    store.run(queues.fetch("default", ME, 1, "2", "_req"))

    settle(store, Settlement(keys.RETRY, NOW + 999, b"later", fails=True), seq=2)

    assert not server.exists(keys.BELL)


def test_the_dead_set_forgets_what_is_half_a_year_old(server, store):
    limit = NOW - DEAD_SECONDS
    server.client.zadd(keys.DEAD, {b"old": limit - 1, b"at the limit": limit, b"young": NOW - 1})

    settle(store, EACH["dead"])

    assert server.client.zrange(keys.DEAD, 0, -1) == [b"at the limit", b"young", b"died"]


def test_the_dead_set_keeps_the_newest_ten_thousand(server, store):
    server.client.zadd(keys.DEAD, {b"%d" % i: NOW - DEAD_MOST + i for i in range(DEAD_MOST)})

    settle(store, EACH["dead"])

    assert server.client.zcard(keys.DEAD) == DEAD_MOST
    assert server.client.zscore(keys.DEAD, b"0") is None
    assert server.client.zscore(keys.DEAD, b"1") is not None
    assert server.client.zscore(keys.DEAD, b"died") == NOW


def test_a_retry_leaves_the_dead_set_alone(server, store):
    server.client.zadd(keys.DEAD, {b"old": 1.0})

    settle(store, EACH["retry"])

    assert server.client.zrange(keys.DEAD, 0, -1) == [b"old"]


@pytest.mark.parametrize(("payload", "kept"), [(b"", b"job"), (b",end", b"jo,end")])
def test_what_is_too_long_is_buried_as_it_is_stored_without_being_sent_back(server, store, payload, kept):
    assert settle(store, Settlement(keys.DEAD, NOW, payload, fails=True)) == 1

    assert server.client.zrange(keys.DEAD, 0, -1, withscores=True) == [(kept, NOW)]
    assert settle(store, Settlement(keys.DEAD, NOW, payload, fails=True)) == 0
    assert server.client.zcard(keys.DEAD) == 1
