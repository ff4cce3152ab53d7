"""Once a minute somebody writes how long each queue's oldest job has waited: one process of all, and for good."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from mainspring.metrics.sampler import Sampler, sample
from mainspring.store import keys, metrics, queues, tiers
from mainspring.store.connection import Store
from metrics.asking import NOON, Clock, asked
from servers import Server

pytestmark = pytest.mark.both_stores


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    store = Store(server.url)
    yield store
    store.close()


def wait(store: Store, queue: str, since: object, **more: object) -> None:
    store.run(queues.push(queue, [json.dumps({"enqueued_at": since, **more}).encode()]))


def test_the_oldest_job_of_each_queue_is_sampled_at_its_age(store: Store) -> None:
    wait(store, "low", NOON - 90)
    wait(store, "low", NOON - 5)
    wait(store, "ruby", int(NOON - 40) * 1000)
    wait(store, "ahead", NOON + 1000)

    assert sample(store, NOON)

    ask = asked(store, NOON + 5)
    assert ask.oldest("low", "5m") == [(NOON, 90.0)]
    assert ask.oldest("ruby", "24h") == [(NOON, 40.0)]
    assert ask.oldest("ahead", "7d") == [(NOON, 0.0)]
    assert ask.oldest(period="90d") == [(NOON - 43_200, 90.0)]


def test_of_an_hour_the_worst_sample_stays_and_of_minutes_each(store: Store) -> None:
    wait(store, "low", NOON - 90)
    sample(store, NOON)
    store.run(queues.push("low", [b'{"enqueued_at": %d}' % (NOON + 55)]))
    store.run(queues.fetch("low", "me:1:a", 1, "1", "_req"))

    sample(store, NOON + 60)

    ask = asked(store, NOON + 65)
    assert ask.oldest("low", "1h") == [(NOON, 90.0), (NOON + 60, 5.0)]
    assert ask.oldest("low", "7d") == [(NOON, 90.0)]


def test_a_queue_without_jobs_has_waited_for_nothing_and_a_minute_without_a_sample_is_a_gap(store: Store) -> None:
    wait(store, "low", NOON)
    sample(store, NOON + 30)
    sample(store, NOON + 150)

    assert asked(store, NOON + 180).oldest("empty", "5m") == [(NOON, 0.0), (NOON + 120, 0.0)]


def test_who_idles_asks_for_little_and_is_still_known_to_have_idled(store: Store, server: Server) -> None:
    store.run(queues.push("low", [b"{}"]))
    store.run(queues.fetch("low", "me:1:a", 1, "1", "_req"))
    sample(store, NOON)
    before = server.client.info("stats")["total_commands_processed"]

    sample(store, NOON + 60)

    # That it is asked, the claim, the queues, one look at each, and what is written of this minute.
    assert server.client.info("stats")["total_commands_processed"] - before <= 6
    assert asked(store, NOON + 65).oldest(period="7d") == [(NOON, 0.0)]
    assert asked(store, NOON + 65).oldest("low", "1h") == [(NOON, 0.0), (NOON + 60, 0.0)]


def test_of_many_processes_one_takes_the_sample_of_a_minute(store: Store, server: Server) -> None:
    clock = Clock()
    samplers = [Sampler(store, clock) for _ in range(5)]

    assert [sampler.look() for sampler in samplers] == [False] * 5
    assert server.keys() == set()
    clock.at = NOON + 60
    assert [sampler.look() for sampler in samplers] == [True, False, False, False, False]
    clock.at = NOON + 119
    assert [sampler.look() for sampler in samplers] == [False] * 5
    clock.at = NOON + 120
    assert [sampler.look() for sampler in samplers] == [True, False, False, False, False]


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[]", b'{"enqueued_at": "x"}', b'{"enqueued_at": 1e400}', b"\xff", b"[" * 9999]
)
def test_what_is_no_job_has_no_age(store: Store, junk: bytes) -> None:
    store.run(queues.push("low", [junk]))
    wait(store, "high", NOON - 7)

    assert sample(store, NOON)

    assert asked(store, NOON).oldest("low", "5m") == [(NOON, 0.0)]
    assert asked(store, NOON).oldest("high", "5m") == [(NOON, 7.0)]


def test_samples_expire(store: Store, server: Server) -> None:
    wait(store, "low", NOON - 90)

    sample(store, NOON)

    assert server.lasting() == {keys.QUEUES, keys.queue("low")}
    assert server.client.ttl(keys.metrics("ages", "1h", int(NOON))) > tiers.HOUR.keep - 60


def test_a_thousand_queues_are_sampled_as_500(store: Store) -> None:
    for number in range(1000):
        store.run(queues.push(f"q{number}", [b'{"enqueued_at": %d}' % (NOON - 5)]))

    sample(store, NOON)

    assert len(store.run(metrics.ages(tiers.MINUTE, int(NOON)))) == metrics.MOST_NAMES + 1


def test_a_store_that_refuses_costs_the_caller_nothing(store: Store, server: Server) -> None:
    clock = Clock()
    sampler = Sampler(store, clock, release="r1")
    server.client.set(keys.RELEASES, "no zset", ex=100)
    clock.at = NOON + 60

    assert sampler.look() is False

    server.client.delete(keys.RELEASES)
    assert sampler.look() is True
    assert [deploy.label for deploy in asked(store, NOON + 60).deploys("1h")] == ["r1"]
