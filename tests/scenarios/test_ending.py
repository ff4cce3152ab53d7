"""A run that is to end ends, at once where that can be; where it cannot, it keeps nobody else from running."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from statistics import median

import pytest

from scenarios.harness import Office, eventually
from scenarios.process_jobs import is_alive
from scenarios.program import boot_time
from scenarios.record import at_length, record
from scenarios.test_process_jobs import failed, push
from support import until

ROUNDS = at_length(3, 30)
#: Seconds that a loaded machine may add to a bar.
BUSY = 2.0
STUCK = 10


def cut(office: Office, jid: str) -> float:
    """Return when the run of a job noted that it was ended."""
    return float(eventually(lambda: office.runs("cut", jid), 10)[0]["at"])


def killed(office: Office, jid: str) -> float:
    """Return when the process of a job was seen dead."""
    (start,) = office.runs("start", jid)
    until(lambda: not is_alive(start["pid"]), every=0.002)
    return boot_time()


def started(office: Office, name: str) -> tuple[str, float]:
    """Push a job; return its id, and when it began."""
    jid = push(office, name)
    return jid, float(eventually(lambda: office.runs("start", jid), 10)[0]["at"])


def late(office: Office, name: str, ended: Callable[[Office, str], float]) -> list[float]:
    """Return by how many seconds runs outlived their time, of 0.3 seconds."""
    seconds = []
    for _ in range(ROUNDS):
        jid, begun = started(office, name)
        seconds.append(ended(office, jid) - begun - 0.3)
        assert failed(office, jid)["error"] == "JobTimeout"
    return seconds


def heard(office: Office, name: str, ended: Callable[[Office, str], float]) -> list[float]:
    """Return how many seconds after `app.cancel` runs had ended."""
    seconds = []
    for _ in range(ROUNDS):
        jid, _ = started(office, name)
        assert office.app.cancel(jid) == "told"
        told = boot_time()
        seconds.append(ended(office, jid) - told)
    return seconds


def in_ms(seconds: list[float]) -> float:
    return round(median(seconds) * 1000, 1)


def test_runs_end_when_their_time_is_up(office):
    office.start(processes=True).ready()

    found = {"async": late(office, "twait", cut), "thread": late(office, "tspin", cut)}
    found["process"] = late(office, "pstuck", killed)

    record(
        "ending",
        f"{ROUNDS} runs each in a thread, on a loop and in a process, with a timeout of 0.3 s",
        "ended within 50 ms on a loop, 100 ms in a process, at the next bytecode in a thread",
        **{f"{place}_ms": in_ms(seconds) for place, seconds in found.items()},
    )
    assert max(max(seconds) for seconds in found.values()) < BUSY


def test_runs_end_when_they_are_cancelled(office):
    office.start(processes=True).ready()

    found = {"async": heard(office, "await", cut), "thread": heard(office, "task", cut)}
    found["process"] = heard(office, "pprogress", killed)

    record(
        "ending",
        f"{ROUNDS} runs each in a thread, on a loop and in a process, cancelled",
        "ended within 50 ms on a loop, 100 ms in a process, where it asks in a thread",
        **{f"{place}_ms": in_ms(seconds) for place, seconds in found.items()},
    )
    assert max(max(seconds) for seconds in found.values()) < BUSY
    assert not office.stored()


def stuck(office: Office, mutant: str = "") -> bool:
    """Fill all slots with threads that are stuck in C; return whether other jobs are done all the same."""
    office.start(mutant, processes=True, concurrency=STUCK).ready()
    for _ in range(STUCK):
        push(office, "tstuck")
    eventually(lambda: len(office.runs("start")) == STUCK, 10)
    others = [office.push("work", 1) for _ in range(2 * STUCK)]
    try:
        eventually(lambda: set(others) <= office.done(), 5)
    except AssertionError:
        return False
    return True


@pytest.fixture
def impatient(monkeypatch, offices, server):
    """Give an office whose workers leave soon what does not end."""
    monkeypatch.setenv("MAINSPRING_STUCK", "0.3")
    return offices(server)


def test_threads_that_are_stuck_keep_no_other_job_from_running(impatient):
    assert stuck(impatient)

    worker = impatient.processes[0]
    # The first slots that are free again run all other jobs.
    eventually(lambda: len(worker.events("job.stuck")) >= STUCK)
    eventually(lambda: impatient.app.stats().failed >= STUCK)
    reported = worker.events("job.stuck")
    record(
        "ending",
        f"all of {STUCK} threads stuck in a call of C, with a timeout",
        f"each reported and replaced; {2 * STUCK} other jobs done",
        reported=len(reported),
        done=len(impatient.done()),
    )
    assert len(reported) == STUCK
    assert all("in tstuck" in line["stack"] for line in reported)
    assert impatient.app.stats().failed == STUCK


@pytest.mark.parametrize("mutant", ["no_ring", "no_new_slot"])
def test_the_checker_finds_slots_that_are_lost(impatient, mutant):
    assert not stuck(impatient, f"mutants_ending.{mutant}")


def struck(office: Office, mutant: str = "") -> int:
    """Run jobs that end before their time is up, with plain ones behind them; count plain ones that were struck."""
    worker = office.start(mutant, processes=True, concurrency=2).ready()
    for _ in range(30):
        push(office, "tclose")
        office.push("burn", 0.06)
    with suppress(AssertionError):
        # What was struck between two jobs leaves one of them in flight.
        eventually(lambda: not office.in_flight() and not office.server.client.llen("queue:default"), 15)
    retried = [line for line in worker.events("job.retry") if line["class"] == "burn"]
    return len(retried) + len(set(office.pushed) - office.done() - {line["jid"] for line in retried})


def test_no_other_job_is_struck(office):
    assert struck(office) == 0


def test_the_checker_finds_jobs_that_were_struck(office):
    assert struck(office, "mutants_ending.open_watch") > 0


def test_the_checker_finds_that_nobody_listens(office):
    office.start("mutants_ending.deaf", processes=True).ready()
    jids = [started(office, name)[0] for name in ("await", "pprogress")]

    for jid in jids:
        office.app.cancel(jid)

    with pytest.raises(AssertionError):
        eventually(lambda: office.runs("cut", jids[0]) or len(office.in_flight()) < 2, 2)


def test_the_checker_finds_processes_that_outlive_their_worker(office):
    worker = office.start("mutants_ending.orphans", processes=True).ready()
    jid = push(office, "phold", 60)
    (start,) = eventually(lambda: office.runs("start", jid))

    worker.kill9()

    with pytest.raises(AssertionError):
        eventually(lambda: not is_alive(start["pid"]), 2)
    for pid in (start["pid"], start["parent"]):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
