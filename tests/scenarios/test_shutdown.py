"""A worker that is told to end ends in time, whatever its jobs do, and each of them runs again exactly once elsewhere."""

from __future__ import annotations

import signal
import time
from collections import Counter

import pytest

from scenarios.harness import check, eventually

THREADS = ("sleeper", "stubborn", "polite")
TASKS = ("swallower", "waiter")
TIMEOUT = 1.0


def started(office, jids):
    eventually(lambda: {line["jid"] for line in office.runs("start")} >= set(jids))


def test_jobs_that_end_in_time_are_waited_for(office):
    worker = office.start(timeout=10).ready()
    jids = [office.push("work", 700), office.push("awork", 700)]
    started(office, jids)

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0
    assert office.done() == set(jids)
    assert not office.in_flight()
    assert worker.events("process.stopped")


@pytest.mark.parametrize("names", [TASKS, ("blocker", *THREADS)], ids="-".join)
def test_jobs_that_ignore_the_shutdown_run_again_elsewhere_exactly_once(office, names):
    worker = office.start(timeout=TIMEOUT, concurrency=8).ready()
    jids = [office.push(name, 60) for name in names]
    started(office, jids)
    other = office.start(concurrency=8).ready()

    begun = time.monotonic()
    worker.signal(signal.SIGTERM)
    code = worker.wait(timeout=TIMEOUT + 8)
    seconds = time.monotonic() - begun

    office.until_done(jids)
    found = check(office, "shutdown", names=names, seconds=round(seconds, 2))
    assert code == 0
    assert seconds < TIMEOUT + 5
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert all(office.runs("done", jid)[0]["pid"] == other.pid for jid in jids)
    assert max(Counter(line["jid"] for line in office.runs("start")).values()) == 2


@pytest.mark.parametrize("names", [("waiter", "polite"), (*THREADS, "swallower")], ids="-".join)
def test_a_second_int_gives_up_at_once(office, names):
    worker = office.start(timeout=60, concurrency=8).ready()
    jids = [office.push(name, 60) for name in names]
    started(office, jids)

    worker.signal(signal.SIGINT)
    worker.became("stopping")
    begun = time.monotonic()
    worker.signal(signal.SIGINT)
    code = worker.wait()
    seconds = time.monotonic() - begun

    print(f"second INT to exit: {seconds:.2f} s, {names}")  # noqa: T201
    assert code == 130
    assert seconds < 2
    assert set(office.stored()) == set(jids)
    assert not office.in_flight()


def test_tstp_starts_nothing_more_and_gives_back_what_waits(office):
    worker = office.start(concurrency=1, timeout=30).ready()
    # Short ones first, so that jobs are fetched ahead of the slot.
    office.push_many("work", [(1,)] * 200)
    long = office.push("sleeper", 3)
    rest = office.push_many("work", [(1,)] * 200)
    started(office, [long])

    begun = time.monotonic()
    worker.signal(signal.SIGTSTP)
    worker.became("quiet")
    eventually(lambda: len(office.in_flight()) == 1 and office.server.client.llen("queue:default") == len(rest))

    assert time.monotonic() - begun < 2
    office.until_done([long])
    assert not set(rest) & {line["jid"] for line in office.runs("start")}
    assert office.server.client.llen("queue:default") == len(rest)
    assert worker.popen.poll() is None
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0


def test_ttin_writes_the_stacks_of_threads_and_tasks(office):
    worker = office.start(concurrency=4).ready()
    jids = [office.push("sleeper", 2), office.push("waiter", 2)]
    started(office, jids)

    worker.signal(signal.SIGTTIN)

    eventually(lambda: len(worker.events("process.stacks")) > 3)
    eventually(lambda: any("in waiter" in str(line) for line in worker.events("process.stacks")))
    assert any("in sleeper" in str(line) for line in worker.events("process.stacks"))


def test_ttin_works_while_the_worker_waits_for_its_jobs_to_end(office):
    worker = office.start(concurrency=4, timeout=20).ready()
    started(office, [office.push("sleeper", 3)])
    worker.signal(signal.SIGTERM)
    worker.became("stopping")

    worker.signal(signal.SIGTTIN)

    eventually(lambda: any("in sleeper" in str(line) for line in worker.events("process.stacks")))
    assert worker.wait() == 0


def test_signals_that_come_through_the_store_are_obeyed(office):
    worker = office.start().ready()
    (identity,) = office.server.client.smembers("processes")
    key = identity + b"-signals"

    office.server.client.lpush(key, "TSTP")
    worker.became("quiet")
    office.server.client.lpush(key, "NONSENSE", "TTIN")
    eventually(lambda: worker.events("process.stacks"))
    office.server.client.lpush(key, "TERM")

    assert worker.wait() == 0
    assert not office.server.client.smembers("processes")
