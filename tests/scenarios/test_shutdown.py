"""A worker that is told to end ends in time, whatever its jobs do, and each of them runs again exactly once elsewhere."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from scenarios.harness import Office, check, eventually
from scenarios.record import at_length, record

THREADS = ("sleeper", "stubborn", "polite")
TASKS = ("swallower", "waiter")
TIMEOUT = 1.0
#: Seconds that a loaded machine may add to a bar.
BUSY = 1.0


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


def shut_down(office: Office, names: Sequence[str], mutant: str = "", **settings: float) -> tuple[int, float]:
    """Tell a worker to end while jobs run that do not care, let another run them; return its code and the seconds."""
    worker = office.start(mutant, timeout=TIMEOUT, concurrency=8, **settings).ready()
    jids = []
    for name in names:
        # One after the other: where one holds the interpreter, none begins after it.
        jids.append(office.push(name, 60))
        started(office, jids)
    other = office.start(concurrency=8).ready()

    begun = time.monotonic()
    worker.signal(signal.SIGTERM)
    code = worker.wait(timeout=TIMEOUT + 20)
    seconds = time.monotonic() - begun

    office.until_done(jids)
    assert {office.runs("done", jid)[-1]["pid"] for jid in jids} == {other.pid}
    other.signal(signal.SIGTERM)
    other.wait()
    return code, seconds


@pytest.mark.parametrize("names", [TASKS, ("blocker", *THREADS), ("waiter", "sleeper", "holder")], ids="-".join)
def test_jobs_that_ignore_the_shutdown_run_again_elsewhere_exactly_once(office, names):
    ends = [shut_down(office, names) for _ in range(at_length(1, 5))]

    most = round(max(seconds for _, seconds in ends), 2)
    found = check(office, "shutdown", names=names, seconds=most)
    runs = Counter(line["jid"] for line in office.runs("start"))
    record(
        "F24",
        f"{len(ends)} shutdowns with a timeout of {TIMEOUT:g} s while jobs go on: {', '.join(names)}",
        "exit within timeout + 5 s; each run again exactly once; OVERLAP 0",
        exit_s=most,
        again=max(runs.values()) - 1,
        overlap=found.overlap,
        lost=found.lost,
        seed=office.seed,
    )
    # Only who holds the interpreter must be ended by the pacemaker.
    assert {code for code, _ in ends} == {-signal.SIGKILL if "holder" in names else 0}
    assert most < TIMEOUT + 5 + BUSY
    assert (found.lost, found.dup, found.overlap, found.copies, found.dead) == (0, 0, 0, 0, 0)
    assert set(runs.values()) == {2}


def test_jobs_that_cannot_be_ended_stay_with_their_process_while_its_exit_handlers_run(office):
    shut_down(office, THREADS, exit_takes=1.5)

    assert check(office, "shutdown-handlers").overlap == 0


def test_the_checker_finds_a_worker_that_gives_back_what_still_runs_and_lives_on(office):
    shut_down(office, ["sleeper"], mutant="mutants_shutdown.lives_on")

    assert check(office, "shutdown-mutant").overlap > 0


def test_the_checker_finds_a_worker_that_cannot_notice_its_end(office):
    worker = office.start("mutants_shutdown.no_alarm", timeout=TIMEOUT).ready()
    started(office, [office.push("holder", 60)])

    worker.signal(signal.SIGTERM)

    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(timeout=TIMEOUT + 5)


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
    # Each of them would take a minute, and so would the worker; a crowded machine is slow.
    assert seconds < at_length(20, 2)
    assert set(office.stored()) == set(jids)
    assert not office.in_flight()


def test_tstp_starts_nothing_more_and_gives_back_what_waits(office):
    worker = office.start(concurrency=1, timeout=30).ready()
    # Short ones first, so that jobs are fetched ahead of the slot.
    office.push_many("work", [(1,)] * 200)
    long = office.push("sleeper", 4)
    rest = office.push_many("work", [(1,)] * 200)
    started(office, [long])

    worker.signal(signal.SIGTSTP)
    worker.became("quiet")
    eventually(lambda: len(office.in_flight()) == 1 and office.server.client.llen("queue:default") == len(rest))

    assert long not in office.done()
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
