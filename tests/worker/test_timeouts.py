"""A run ends when its time is up, or loses its slot; and no other run ever feels it."""

from __future__ import annotations

import asyncio
import base64
import os
import select
import threading
import time
import zlib
from dataclasses import replace

import pytest

from mainspring import Retry, current_job
from mainspring.base.ends import JobTimeout
from support import until
from worker.conftest import TIMING

#: A run that does not heed the end of its time is left soon.
IMPATIENT = replace(TIMING, stuck=0.2)


def spin(seconds: float) -> None:
    """Be busy in Python."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(range(100))


def stuck(fd: int) -> None:
    """Be in one call of C until somebody writes to *fd*."""
    select.select([fd], [], [])


def error_of(bench):
    ((record, _),) = until(lambda: bench.found("retry") or bench.found("dead"))
    return record["error_class"].rpartition(".")[2], record["error_message"]


# --- threads -------------------------------------------------------------------------


def test_a_run_in_a_thread_is_ended_and_counts_as_a_failure(bench):
    bench.job(spin, timeout=0.1)
    bench.push("spin", 30)
    start = time.monotonic()

    bench.run()

    assert error_of(bench) == ("JobTimeout", "took longer than 0.1 s")
    assert bench.counted() == (1, 1)
    assert time.monotonic() - start < 5


def test_the_record_says_for_how_long_and_the_job_only_where_it_does_not(bench):
    job = bench.job(spin, timeout=60)
    job.using(timeout=0.1).enqueue(30)

    bench.run()

    assert error_of(bench) == ("JobTimeout", "took longer than 0.1 s")


def test_an_except_exception_does_not_swallow_it(bench):
    seen = []

    def swallows() -> None:
        try:
            spin(30)
        except Exception as error:  # noqa: BLE001 - that is what is tried
            seen.append(error)

    bench.job(swallows, timeout=0.1)
    bench.push("swallows")

    bench.run()

    assert seen == []
    assert error_of(bench)[0] == "JobTimeout"


def test_a_policy_may_name_it(bench):
    bench.job(spin, timeout=0.1, retry=Retry(unless=(JobTimeout,)))
    bench.push("spin", 30)

    bench.run()

    assert bench.only("dead")["error_class"].endswith("JobTimeout")


def test_a_run_that_ends_in_time_is_left_alone(bench):
    bench.job(spin, timeout=5)
    for _ in range(20):
        bench.push("spin", 0.001)

    bench.run()

    assert bench.counted() == (20, 0)


def test_no_other_run_feels_it(bench):
    ended = []

    def close(seconds: float) -> None:
        spin(seconds)
        ended.append(1)

    bench.job(close, timeout=0.04, retry=0)
    bench.job(spin)
    # Their time is up just when they end, and plain ones come behind them in the same threads.
    for _ in range(60):
        bench.push("close", 0.039)
        bench.push("spin", 0.003)

    bench.run(timeout=30)

    dead = [record for record, _ in bench.found("dead")]
    assert {record["error_class"].rpartition(".")[2] for record in dead} <= {"JobTimeout"}
    assert {record["class"] for record in dead} <= {"close"}
    assert bench.counted() == (120, len(dead))
    assert not bench.found("retry")


@pytest.fixture
def gate():
    reading, writing = os.pipe()
    yield reading, lambda: os.write(writing, b"x" * 100)
    os.close(writing)
    os.close(reading)


def test_a_thread_that_is_stuck_is_reported_and_its_slot_runs_other_jobs(bench, gate, spoken):
    fd, release = gate
    done = threading.Event()
    bench.job(stuck, timeout=0.1)
    bench.app.job(name="tell")(lambda: done.set())  # noqa: PLW0108 - a built-in has no signature
    bench.push("stuck", fd)

    worker = bench.work(concurrency=1, timing=IMPATIENT)
    ((facts),) = until(lambda: spoken("job.stuck"))
    bench.push("tell")

    assert done.wait(10)
    assert "in stuck" in facts["stack"]
    assert error_of(bench) == ("JobTimeout", "took longer than 0.1 s")
    assert "in stuck" in backtrace(bench)
    until(lambda: worker.busy() == 0)
    release()


def backtrace(bench):
    return zlib.decompress(base64.b64decode(bench.only("retry")["error_backtrace"])).decode()


def test_what_was_stuck_acknowledges_nothing_when_it_returns_and_its_thread_ends(bench, gate, spoken):
    fd, release = gate
    bench.job(stuck, timeout=0.1)
    bench.push("stuck", fd)
    bench.work(concurrency=1, timing=IMPATIENT)
    until(lambda: bench.found("retry"))
    threads = threading.active_count()

    release()

    until(lambda: threading.active_count() < threads)
    assert bench.counted() == (1, 1)
    assert not spoken("service.error")
    assert not spoken("job.fenced")


def test_ten_stuck_threads_leave_ten_slots(bench, gate, spoken):
    fd, release = gate
    met = threading.Barrier(11)
    bench.job(stuck, timeout=0.1, retry=0)
    bench.app.job(name="meet")(lambda: met.wait(10))
    for _ in range(10):
        bench.push("stuck", fd)

    bench.work(concurrency=10, timing=IMPATIENT)
    until(lambda: len(spoken("job.stuck")) == 10)
    for _ in range(10):
        bench.push("meet")

    met.wait(10)
    release()


def test_a_job_that_swallows_it_loses_its_slot_too(bench, spoken):
    over = threading.Event()

    def stubborn() -> None:
        while not over.is_set():
            try:
                while not over.is_set():
                    spin(0.01)
            except BaseException:  # noqa: BLE001 - that is its fault
                continue

    bench.job(stubborn, timeout=0.1)
    bench.push("stubborn")

    bench.work(concurrency=1, timing=IMPATIENT)
    until(lambda: bench.found("retry"))
    over.set()

    assert error_of(bench)[0] == "JobTimeout"
    assert len(spoken("job.stuck")) == 1


def test_a_shutdown_still_cuts_a_run_with_a_time_limit(bench):
    started = threading.Event()

    def long() -> None:
        started.set()
        spin(30)

    bench.job(long, timeout=60)
    bench.push("long")
    worker = bench.work()
    assert started.wait(10)

    assert worker.stop(0.1)

    assert bench.waiting() == 1
    assert bench.counted() == (0, 0)


# --- the loop ------------------------------------------------------------------------


async def wait(seconds: float) -> None:
    await asyncio.wait_for(asyncio.Event().wait(), seconds)


def test_a_task_is_cancelled(bench):
    cut = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.append(current_job().jid)
            raise

    bench.job(waits, timeout=0.1)
    jid = bench.push("waits")

    bench.run()

    assert cut == [jid]
    assert error_of(bench) == ("JobTimeout", "took longer than 0.1 s")


def test_a_task_that_ends_in_time_is_left_alone(bench):
    async def quick() -> None:
        await asyncio.to_thread(spin, 0.001)

    bench.job(quick, timeout=5)
    bench.push("quick")

    bench.run()

    assert bench.counted() == (1, 0)


def test_a_task_that_swallows_it_loses_its_place(bench, spoken):
    over = threading.Event()
    ran = []

    async def stubborn() -> None:
        while not over.is_set():
            try:
                await asyncio.wait_for(asyncio.Event().wait(), 0.02)
            except (asyncio.CancelledError, TimeoutError):
                continue

    async def other() -> None:
        ran.append(1)

    bench.job(stubborn, timeout=0.1)
    bench.job(other)
    bench.push("stubborn")
    bench.work(concurrency=1, timing=IMPATIENT)
    ((facts),) = until(lambda: spoken("job.stuck"))
    bench.push("other")

    until(lambda: ran)
    over.set()

    assert "in stubborn" in facts["stack"]
    assert error_of(bench)[0] == "JobTimeout"
    assert until(lambda: bench.counted() == (2, 1))
