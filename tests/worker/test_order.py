"""Which job comes next: strict and weighted order, paused queues, and capsules."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter

import pytest

from mainspring.base.errors import InvalidOption
from mainspring.worker import CapsuleSettings, Worker
from support import until


@pytest.fixture
def ran(bench):
    """Make a job that notes which it was; return the notes."""
    notes: list[str] = []

    def note(name: str) -> None:
        notes.append(name)

    bench.job(note)
    return notes


def test_jobs_of_one_queue_run_in_the_order_of_their_pushes(bench, ran):
    for number in range(200):
        bench.push("note", str(number))

    bench.run(concurrency=1)

    assert ran == [str(number) for number in range(200)]


def test_strict_order_looks_at_a_queue_only_when_those_before_it_are_empty(bench, ran):
    for queue in ("low", "high", "middle"):
        for _ in range(20):
            bench.push("note", queue, queue=queue)

    bench.run(concurrency=1, queues=("high", "middle", "low"))

    assert ran == ["high"] * 20 + ["middle"] * 20 + ["low"] * 20


def test_weighted_order_lets_no_queue_starve_and_prefers_the_heavy(bench):
    settings = CapsuleSettings.of(["heavy,9", "light,1"])
    rng = random.Random(7)

    first = Counter(settings.order(rng)[0] for _ in range(10_000))

    assert 8700 < first["heavy"] < 9300
    assert settings.mode == "weighted"
    assert all(set(settings.order(rng)) == {"heavy", "light"} for _ in range(10))


def test_a_weighted_worker_empties_all_its_queues(bench, ran):
    for queue in ("light", "heavy"):
        for _ in range(100):
            bench.push("note", queue, queue=queue)

    bench.run(concurrency=1, queues=("heavy,3", "light,1"))

    assert Counter(ran) == {"heavy": 100, "light": 100}


@pytest.mark.parametrize("by", ["us", "ruby"])
def test_a_paused_queue_starts_nothing_and_goes_on_when_it_is_resumed(bench, ran, by):
    bench.work(queues=("stopped", "going"))
    if by == "us":
        bench.app.queue("stopped").pause()
    else:
        bench.client.sadd("paused", "stopped")
    bench.push("note", "stopped", queue="stopped")
    bench.push("note", "going", queue="going")
    until(lambda: ran == ["going"])
    bench.push("note", "going", queue="going")
    until(lambda: ran == ["going", "going"])
    assert bench.client.llen("queue:stopped") == 1

    bench.client.srem("paused", "stopped")

    until(lambda: ran == ["going", "going", "stopped"])


def test_capsules_keep_slots_for_their_own_queues(bench):
    release, going = threading.Event(), []

    def hold(name: str) -> None:
        going.append(name)
        release.wait(20)

    bench.job(hold)
    bench.work(concurrency=1, capsules=[CapsuleSettings.parse("quick=1:urgent")])
    bench.push("hold", "slow")
    until(lambda: going == ["slow"])
    bench.push("hold", "also slow")
    bench.push("hold", "urgent", queue="urgent")

    until(lambda: going == ["slow", "urgent"])
    assert bench.in_flight() == 2
    release.set()
    bench.drained()


def test_capsules_that_share_a_queue_do_not_take_each_others_jobs(bench, ran):
    worker = bench.work(concurrency=2, capsules=[CapsuleSettings.parse("more=2:default,other")])
    for number in range(400):
        bench.push("note", str(number))
    until(lambda: len(ran) > 50)
    for capsule in worker.capsules:
        capsule._reconciliation.is_wanted = True
    bench.drained()

    assert sorted(ran, key=int) == [str(number) for number in range(400)]


def test_two_capsules_of_one_name_are_refused(bench):
    with pytest.raises(InvalidOption, match="one name"):
        Worker(bench.app, capsules=[CapsuleSettings.parse("default=1:low")])


def test_no_more_than_concurrency_jobs_run_at_once_threads_and_tasks_together(bench):
    lock, now, most = threading.Lock(), Counter(), []

    def begin() -> None:
        with lock:
            now["running"] += 1
            most.append(now["running"])

    def end() -> None:
        with lock:
            now["running"] -= 1

    def step() -> None:
        begin()
        threading.Event().wait(0.002)
        end()

    async def astep() -> None:
        begin()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.002)
        end()

    bench.job(step)
    bench.job(astep)
    for _ in range(150):
        bench.push("step")
        bench.push("astep")

    bench.run(concurrency=2)

    assert max(most) == 2
