"""The meter counts each run once and where it belongs, and what a store did not take it brings again, once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mainspring.base.errors import StoreRefused, StoreUnavailable
from mainspring.base.payload import Payload
from mainspring.base.timesource import TimeSource
from mainspring.metrics.histogram import BUCKETS, bucket
from mainspring.metrics.recorder import STRIDE
from mainspring.metrics.series import histogram
from mainspring.store import keys, metrics, tiers
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.metrics import ALL, Record
from mainspring.store.queues import Settlement
from mainspring.worker import meter as module
from mainspring.worker.delivery import Delivery
from mainspring.worker.meter import EVERY, Meter
from servers import Server

NOON = 1_795_262_400.0
FAILED = Settlement(keys.RETRY, 1.0, b"x", fails=True)
EXPIRED = Settlement(runs=False, tally="expired")
SNOOZED = Settlement(keys.SCHEDULE, 1.0, b"x", what="later")


class Steered(TimeSource):
    passed = 0.0

    def now(self) -> float:
        return NOON + self.passed

    def monotonic(self) -> float:
        return 1000.0 + self.passed


class Unreliable(Store):
    """A store that may do what it is told and not say so, or not do it, or refuse it."""

    mood = "good"
    calls = 0

    def run(self, command: Any) -> Any:
        self.calls += 1
        if self.mood == "gone":
            raise StoreUnavailable("gone", applied=False)
        if self.mood == "full":
            raise StoreRefused("OOM", "full")
        answer = super().run(command)
        if self.mood == "silent":
            raise StoreUnavailable("silent", applied=None)
        return answer


@pytest.fixture
def store(server: Server) -> Iterator[Unreliable]:
    store = Unreliable(server.url)
    yield store
    store.close()


@pytest.fixture
def clock() -> Steered:
    return Steered()


def done(
    job: str = "add",
    queue: str = "low",
    *,
    ran: float = 0.021,
    waited: Any = 0.5,
    what: Settlement | None = None,
    **more: Any,
) -> Delivery:
    """Return a delivery that ended just now, after it had waited and run for so many seconds."""
    since = waited(NOON) if callable(waited) else NOON - ran - waited
    payload = Payload(name=job, jid="a", enqueued_at=since, **more)
    kind = job if what is None and not more and isinstance(since, float) else None
    times = {"started": 1000.0 - ran, "ended": 1000.0}
    return Delivery(queue, 1, b"", "me", 0.0, payload=payload, settlement=what, kind=kind, **times)


def found(store: Store, family: Any, name: str, at: float = NOON) -> Record | None:
    return store.run(metrics.record(family, tiers.MINUTE, tiers.MINUTE.start(at), name))


def test_runs_are_counted_by_queue_and_by_job_in_whatever_order_they_come(store, clock):
    meter = Meter(clock)

    meter.count([done("add"), done("sub"), done("add"), done("add", "high", ran=0.2), done("add", what=FAILED)])
    meter.count([done("add", "high", what=FAILED), done("sub", "high", what=SNOOZED)])
    meter.flush(store)

    add, sub, low = found(store, "jobs", "add"), found(store, "jobs", "sub"), found(store, "queues", "low")
    assert [tuple(each[:3]) for each in (add, sub, low)] == [(3, 2, 242), (2, 0, 42), (3, 1, 63)]
    assert tuple(found(store, "queues", ALL)[:3]) == (5, 2, 284)
    assert [histogram(add, "run")[bucket(ms)] for ms in (21, 200)] == [2, 1]
    assert histogram(add, "wait")[bucket(500)] == 5


@pytest.mark.parametrize(
    ("delivery", "runs", "waits"),
    [
        (done(), 1, 1),
        (done(what=FAILED), 0, 1),
        (done(retry_count=0), 1, 0),
        (done(what=FAILED, retry_count=3), 0, 0),
        (done(what=EXPIRED), 0, 0),
        (done(waited=lambda now: None), 1, 0),
        (done(waited=lambda now: "x"), 1, 0),
        (done(waited=lambda now: int(now * 1000) - 521), 1, 1),
        (done(waited=-100.0), 1, 1),
        (done(waited=1e300), 1, 1),
        (Delivery("low", 1, b"junk", "me", 0.0, started=1.0, ended=2.0), 0, 0),
        (Delivery("low", 1, b"", "me", 0.0, payload=Payload(name="add", jid="a")), 0, 0),
    ],
)
def test_what_failed_is_not_timed_and_of_retries_the_wait_is_not_counted(store, clock, delivery, runs, waits):
    meter = Meter(clock)

    meter.count([done("other"), delivery])
    meter.flush(store)

    record = found(store, "jobs", "add") or (0, 0, 0)
    assert (sum(histogram(record, "run")), sum(histogram(record, "wait"))) == (runs, waits)
    assert record[0] == runs


def test_each_duration_is_in_its_bucket(store, clock):
    meter, seconds = Meter(clock), [0.0, 0.0009, 0.001, 0.0199, 0.02, 0.9, 61.0, 86_400.0, 1e9]

    meter.count([done(ran=ran, waited=lambda now: now) for ran in seconds])
    meter.flush(store)

    expected = [0] * BUCKETS
    for ran in seconds:
        expected[bucket((1000.0 - (1000.0 - ran)) * 1000)] += 1
    assert list(histogram(found(store, "jobs", "add"), "run")) == expected


def test_of_a_crowd_each_run_is_counted_and_some_are_timed_for_others(store, clock):
    meter, rng = Meter(clock), random.Random(7)
    slow = rng.sample(range(40_000), 4_000)
    crowd = [done() for _ in range(40_000)]
    for number in slow:
        crowd[number].started -= 2.0
    for number in rng.sample(range(40_000), 100):
        crowd[number] = done("rare", ran=0.3)

    for first in range(0, len(crowd), 600):
        meter.count([*crowd[first : first + 600], done(what=FAILED), done(what=SNOOZED)])
    meter.flush(store)

    common, rare = found(store, "jobs", "add"), found(store, "jobs", "rare")
    batches = -(-40_000 // 600)
    assert tuple(common[:2]) == (39_900 + batches, batches)
    assert tuple(rare[:3]) == (100, 0, 30_000)
    assert found(store, "queues", "low")[0] == 40_000 + batches
    assert 0 <= sum(histogram(common, "run")) - common[0] < STRIDE
    assert sum(histogram(common, "run")[bucket(1000) :]) / common[0] == pytest.approx(0.1, abs=0.02)
    assert common[2] / 1000 == pytest.approx(0.021 * common[0] + 2 * 4_000, rel=0.15)
    assert meter_timed(crowd) < 4_000


def test_of_those_that_are_known_to_be_alike_the_same_is_counted(store, clock):
    crowd, timed = [done(ran=0.3) for _ in range(30_000)], []
    for are_alike in (True, False):
        meter = Meter(clock)
        for first in range(0, len(crowd), 700):
            meter.count(crowd[first : first + 700], are_alike=are_alike)
            meter.count([], are_alike=are_alike)
        timed.append(meter._recorder.of("low", "add").timed)
        meter.count([done("rare", ran=0.3), done(), done(what=FAILED)])
        meter.flush(store)

    common, rare = found(store, "jobs", "add"), found(store, "jobs", "rare")
    assert tuple(common[:2]) == (60_002, 2)
    assert tuple(rare[:3]) == (2, 0, 600)
    assert timed[0] == timed[1] < 3_000


def meter_timed(crowd: list[Delivery]) -> int:
    """Return how many of a crowd a meter times."""
    meter = Meter(Steered())
    meter.count(crowd)
    return meter._recorder.of("low", "add").timed


def test_it_writes_every_ten_seconds_if_there_is_something(clock, store):
    meter = Meter(clock)
    assert meter.due_in == float("inf")
    clock.passed = 4

    meter.count([done()])

    assert meter.due_in == EVERY - 4
    clock.passed = EVERY
    assert meter.due_in == 0
    meter.beat(store)
    assert meter.due_in == float("inf")
    assert found(store, "jobs", "add")[0] == 1


def test_what_ended_before_a_minute_did_is_counted_in_it(store, clock):
    meter = Meter(clock)
    clock.passed = 59.9
    meter.count([done()])
    clock.passed = 60.1
    meter.count([done(), done()])

    meter.flush(store)

    assert [found(store, "jobs", "add", at)[0] for at in (NOON, NOON + 60)] == [1, 2]


@pytest.mark.parametrize("mood", ["gone", "full", "silent"])
def test_what_a_store_did_not_take_or_did_not_say_it_took_is_brought_again_and_counts_once(store, clock, server, mood):
    meter, store.mood = Meter(clock), mood
    meter.count([done(), done()])
    meter.flush(store)
    meter.flush(store)
    assert meter.due_in == EVERY

    store.mood, clock.passed = "good", EVERY
    meter.count([done()])
    meter.flush(store)

    assert found(store, "jobs", "add")[0] == 3
    assert server.client.hget("j|261121|12:00", "add|p") == b"3"
    assert meter.due_in == float("inf")


def test_a_store_that_stays_away_fills_no_memory_and_costs_a_call_at_a_time(store, clock):
    meter, store.mood = Meter(clock), "gone"
    for turn in range(200):
        clock.passed = turn * EVERY
        meter.count([done()])
        meter.flush(store)
    assert store.calls == 200
    assert len(meter._batches) <= 60

    store.mood = "good"
    meter.flush(store)

    total = store.run(metrics.record("jobs", tiers.DAILY, tiers.DAILY.start(NOON), "add"))[0]
    assert 50 <= total <= 60


def test_what_is_too_old_to_be_known_again_is_dropped(store, clock):
    meter, store.mood = Meter(clock), "silent"
    meter.count([done()])
    meter.flush(store)

    store.mood, clock.passed = "good", metrics.TOKEN_TTL + 1
    meter.flush(store)

    assert meter.due_in == float("inf")
    assert store.calls == 1


def test_the_tests_notice_a_flush_that_counts_twice(store, clock, monkeypatch):
    def forgetful(delta: metrics.Delta) -> Command[bool]:
        tokens.append(delta.token)
        return add(metrics.Delta(str(len(tokens)), delta.at, delta.jobs, delta.queues))

    add: Callable[[metrics.Delta], Command[bool]] = metrics.add
    tokens: list[str] = []
    monkeypatch.setattr(module.metrics, "add", forgetful)
    meter, store.mood = Meter(clock), "silent"
    meter.count([done()])
    meter.flush(store)
    store.mood = "good"
    meter.flush(store)

    assert found(store, "jobs", "add")[0] == 2
