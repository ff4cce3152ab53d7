"""What was counted is in the store after a flush, once: in every tier, by queue and by job, and under Sidekiq's names."""

from __future__ import annotations

import functools
import random
import threading

import msgspec
import pytest

from mainspring.metrics.histogram import BUCKETS, bucket
from mainspring.metrics.recorder import Recorder
from mainspring.metrics.series import histogram
from mainspring.store import keys, metrics, tiers
from mainspring.store.connection import Store
from mainspring.store.metrics import ALL, MOST_NAMES, OTHERS, Delta
from metrics import asking
from metrics.asking import MONDAY
from servers import Server

pytestmark = pytest.mark.both_stores

NOON = asking.NOON + 125  # 12:02:05 UTC
HOSTILE = ('"}]', "\0\n\r\n*1\r\n", "\u202e\U0001f4a3", "a:b:{c}|p", "0", "-1", "nil", "%s%n", "'; DROP")
#: Sidekiq 8's bounds, as its lib/sidekiq/metrics/shared.rb has them.
SIDEKIQS = (
    20, 30, 45, 65, 100, 150, 225, 335, 500, 750, 1100, 1700, 2500, 3800, 5750, 8500, 13000, 20000, 30000, 45000,
    65000, 100000, 150000, 225000, 335000,
)  # fmt: skip
recorded = functools.partial(asking.recorded, at=NOON)


def test_runs_waits_and_failures_arrive_in_every_tier_by_job_and_by_queue(server: Server) -> None:
    store = Store(server.url)
    delta = recorded(("low", "shop.add", 25, 3, False), ("low", "shop.add", 5000, None, True))

    assert store.run(metrics.add(delta))

    expected = [1, 1, 25, bucket(25), 1, BUCKETS + bucket(3), 1]
    starts = [NOON - 5, NOON - 125, NOON - 125, NOON - 125 - 12 * 3600, MONDAY]
    assert [tier.start(NOON) for tier in tiers.TIERS] == starts
    for tier, start in zip(tiers.TIERS, starts, strict=True):
        assert store.run(metrics.records("jobs", tier, int(start))) == {"shop.add": expected}
        assert store.run(metrics.records("queues", tier, int(start))) == {"low": expected, ALL: expected}


def test_a_job_in_two_queues_is_one_job_and_two_queues(server: Server) -> None:
    store = Store(server.url)

    store.run(metrics.add(recorded(("low", "a", 1, 1, False), ("high", "a", 9, 9, False), ("high", "b", 1, 1, True))))

    jobs = store.run(metrics.records("jobs", tiers.HOUR, tiers.HOUR.start(NOON)))
    queues = store.run(metrics.records("queues", tiers.HOUR, tiers.HOUR.start(NOON)))
    assert {name: tuple(record[:3]) for name, record in jobs.items()} == {"a": (2, 0, 10), "b": (0, 1, 0)}
    assert {name: tuple(record[:3]) for name, record in queues.items()} == {
        "low": (1, 0, 1),
        "high": (1, 1, 9),
        ALL: (2, 1, 10),
    }


def test_sidekiqs_pages_read_the_same(server: Server) -> None:
    store = Store(server.url)
    runs = ("low", "shop.add", 25, 3, False), ("low", "shop.add", 5000, None, True)

    store.run(metrics.add(recorded(*runs)))

    assert server.client.hgetall("j|261121|12:02") == {b"shop.add|p": b"2", b"shop.add|f": b"1", b"shop.add|ms": b"25"}
    assert server.client.hgetall("j|261121|12:0") == {b"shop.add|p": b"2", b"shop.add|f": b"1", b"shop.add|ms": b"25"}
    assert store.run(metrics.runs("shop.add", NOON)) == [0, 1] + [0] * 24


def test_sidekiqs_histogram_holds_what_it_would_have_counted_itself(server: Server) -> None:
    store, rng = Store(server.url), random.Random(3)
    near = [bound + by for bound in SIDEKIQS for by in (-0.01, 0, 0.01)]
    durations = [*near, *(10 ** rng.uniform(-3, 9) for _ in range(1000)), 0.0]
    expected = [0] * 26
    for duration in durations:
        expected[next((n for n, bound in enumerate(SIDEKIQS) if duration < bound), 25)] += 1

    store.run(metrics.add(recorded(*(("low", "add", duration, 3, False) for duration in durations))))

    assert store.run(metrics.runs("add", NOON)) == expected


def test_what_others_wrote_in_sidekiqs_places_stops_nothing(server: Server) -> None:
    store = Store(server.url)
    for key in ("j|261121|12:02", "h|add-21-12:2"):
        server.client.set(key, "no hash", ex=60)
    server.client.lpush("j|261121|12:0", "no hash")
    server.client.expire("j|261121|12:0", 60)

    assert store.run(metrics.add(recorded(("low", "add", 25, 3, False))))

    record = store.run(metrics.record("jobs", tiers.MINUTE, tiers.MINUTE.start(NOON), "add"))
    assert record is not None
    assert record[0] == 1


def test_a_full_bucket_of_sidekiqs_stays_full_rather_than_starting_over(server: Server) -> None:
    store = Store(server.url)

    for token in ("a", "b"):
        store.run(metrics.add(Delta(token, NOON, {"add": (65_000, 0, 0, 0, 65_000)}, {})))

    assert store.run(metrics.runs("add", NOON))[0] == 65_535


def test_a_second_take_holds_nothing() -> None:
    recorder = Recorder()
    recorder.of("low", "add").failed += 1
    recorder.take(NOON, "t")

    assert not recorder
    assert recorder.take(NOON, "t").jobs == {}


def test_what_is_sent_again_counts_once(server: Server) -> None:
    store, delta = Store(server.url), recorded(("low", "add", 1, 1, False))

    assert store.run(metrics.add(delta))
    before = server.snapshot()
    assert not store.run(metrics.add(delta))

    assert server.snapshot() == before


def test_many_processes_that_flush_at_once_add_up(server: Server) -> None:
    def flush(process: int) -> None:
        store = Store(server.url)
        for number in range(20):
            durations = [(queue, "add", 7.0 * number, 3.0, number % 3 == 0) for queue in ("low", "high")]
            store.run(metrics.add(recorded(*durations, token=f"{process}-{number}")))
        store.close()

    threads = [threading.Thread(target=flush, args=(process,)) for process in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    start = tiers.MINUTE.start(NOON)
    record = Store(server.url).run(metrics.record("queues", tiers.MINUTE, start, ALL))
    assert record is not None
    assert tuple(record[:2]) == (4 * 2 * 13, 4 * 2 * 7)
    assert sum(histogram(record, "run")) == 4 * 2 * 13
    assert histogram(record, "wait")[bucket(3)] == 4 * 2 * 20


def test_minutes_meet_at_their_border_and_belong_to_the_same_hour(server: Server) -> None:
    store, border = Store(server.url), 1_795_262_400.0 + 3600

    for number, at in enumerate((border - 0.001, border, border + 59.999, border + 60)):
        store.run(metrics.add(recorded(("low", "add", 1, 1, False), at=at, token=str(number))))

    def ok(tier: tiers.Tier, at: float) -> int:
        return (store.run(metrics.record("jobs", tier, tier.start(at), "add")) or (0,))[0]

    assert [ok(tiers.MINUTE, border + offset) for offset in (-60, 0, 60)] == [1, 2, 1]
    assert [ok(tiers.HOUR, border + offset) for offset in (-3600, 0)] == [1, 3]
    assert [ok(tier, border) for tier in (tiers.FIVE, tiers.DAILY, tiers.WEEKLY)] == [3, 4, 4]


def test_every_key_expires_when_its_tier_says(server: Server) -> None:
    store, delta = Store(server.url), recorded(("low", "add", 1, 1, False))

    store.run(metrics.add(delta))

    for family in ("jobs", "queues"):
        for tier in tiers.TIERS:
            assert 0 < tier.keep - server.client.ttl(keys.metrics(family, tier.name, tier.start(NOON))) + 1 < 60
    assert 0 < server.client.ttl(keys.metrics_flushed("t")) <= metrics.TOKEN_TTL
    assert server.lasting() == set()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_name(server: Server, name: str) -> None:
    store = Store(server.url)

    for token in "ab":
        store.run(metrics.add(recorded((name, name, 1, 1, False), token=token)))

    for family in ("jobs", "queues"):
        found = store.run(metrics.records(family, tiers.MINUTE, tiers.MINUTE.start(NOON)))
        assert set(found) - {ALL} == {name}
        assert found[name][0] == 2


def test_a_producer_of_names_without_end_fills_neither_memory_nor_store(server: Server) -> None:
    store = Store(server.url)
    for flush in range(3):
        runs = [("low", f"job{flush}-{number}", 1.0, None, False) for number in range(MOST_NAMES - 50)]
        delta = recorded(
            *runs, *(("low", f"{'x' * 300}{number}", 1.0, None, False) for number in range(80)), token=str(flush)
        )
        assert len(delta.jobs) <= MOST_NAMES + 1
        store.run(metrics.add(delta))

    found = store.run(metrics.records("jobs", tiers.DAILY, tiers.DAILY.start(NOON)))
    assert len(found) <= MOST_NAMES + 1
    assert sum(record[0] for record in found.values()) == 3 * (MOST_NAMES + 30)
    assert found[OTHERS][0] == 3 * (MOST_NAMES + 30) - (len(found) - 1)
    assert store.run(metrics.record("queues", tiers.DAILY, tiers.DAILY.start(NOON), ALL))[0] == 3 * (MOST_NAMES + 30)


@pytest.mark.parametrize(
    "junk", [b"", b"x", b"\xc1", b"\x93\x01", msgspec.msgpack.encode({"a": 1}), b"\x93\xa1a\x01\x02"]
)
def test_what_somebody_else_wrote_there_is_replaced_and_stops_nothing(server: Server, junk: bytes) -> None:
    store, key = Store(server.url), keys.metrics("jobs", "1m", tiers.MINUTE.start(NOON))
    server.client.hset(key, "add", junk)
    server.client.expire(key, 100)
    assert store.run(metrics.records("jobs", tiers.MINUTE, tiers.MINUTE.start(NOON))) == {}

    assert store.run(metrics.add(recorded(("low", "add", 1, 1, False))))

    assert store.run(metrics.records("jobs", tiers.MINUTE, tiers.MINUTE.start(NOON)))["add"][0] == 1


def test_sums_are_exact_far_beyond_what_32_bits_hold(server: Server) -> None:
    store, many = Store(server.url), 3_000_000_000_001
    for token in "ab":
        store.run(metrics.add(Delta(token, NOON, {"add": (many, many, many, 0, many)}, {})))

    found = store.run(metrics.record("jobs", tiers.MINUTE, tiers.MINUTE.start(NOON), "add"))

    assert found == [2 * many] * 3 + [0, 2 * many]
