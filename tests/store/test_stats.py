"""Counters read as numbers, whether they exist or not; the server tells its time and what it is."""

from __future__ import annotations

import time

import pytest

from mainspring.store import keys, queues, stats
from mainspring.store.connection import Store


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def test_counters_that_never_counted_are_zero(server, store):
    assert store.run(stats.counters(["2026-11-21"])) == [0, 0, 0, 0]

    assert server.snapshot() == {}


def test_counters_come_for_ever_and_then_by_day(server, store):
    server.client.mset({keys.STAT_PROCESSED: 2**62, keys.STAT_FAILED: 3})
    server.client.set(keys.stat_failed_day("2026-11-20"), 1, ex=60)

    assert store.run(stats.counters(["2026-11-21", "2026-11-20"])) == [2**62, 3, 0, 0, 0, 1]


def test_what_was_acknowledged_is_counted_on_its_day(server, store):
    store.run(queues.push("default", [b"a", b"b"]))
    store.run(queues.fetch("default", "me", 2, "1", "_req"))
    store.run(queues.done("default", "me", [1, 2], stats.day(0.0)))

    assert store.run(stats.counters(["1970-01-01"])) == [2, 0, 2, 0]


def test_the_servers_clock_is_read_in_unix_seconds(server, store):
    before = time.time()

    assert before - 1 <= store.run(stats.server_time()) <= time.time() + 1


def test_the_server_says_what_it_is(server, store):
    info = store.run(stats.server_info())

    assert info["role"] == "master"
    assert int(info["used_memory"]) > 0
    assert store.run(stats.ping()) is True


@pytest.mark.parametrize(
    ("now", "day"),
    [(0.0, "1970-01-01"), (1_709_164_799.999, "2024-02-28"), (1_709_164_800, "2024-02-29"), (4e9, "2096-10-02")],
)
def test_a_day_is_a_utc_day(now, day):
    assert stats.day(now) == day
