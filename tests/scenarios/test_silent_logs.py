"""Whatever becomes of the log and of the standard output, jobs run, and what failed is tried again."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from scenarios.harness import Office, Verdict, check, eventually
from scenarios.record import at_length, record

JOBS = at_length(100, 5_000)
pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is played by /dev/full")
MANNERS = ("closed", "cut_off", "full", "absent", "raising")


def work(office: Office, *mutants: str) -> Verdict:
    """Run jobs that are done, fail, or are recovered after a kill; and then let the store be gone for a moment."""
    workers = [office.start(mutant, concurrency=4).ready() for mutant in mutants]
    office.push_many("work", [(1,)] * JOBS)
    office.push_many("awork", [(1,)] * JOBS)
    office.push_many("fail_once", [()] * JOBS)
    office.server.client.client_kill_filter(_type="normal", skipme=True)
    office.until_done(timeout=90 + JOBS / 50)
    long = office.push("sleeper", 60, 0)
    eventually(lambda: office.runs("start", long))
    victim = next(worker for worker in workers if worker.pid == office.runs("start", long)[0]["pid"])
    victim.kill9()
    office.until_done(timeout=90)
    return check(office, "silent-logs", mutants=mutants)


@pytest.mark.parametrize("manner", MANNERS)
def test_jobs_run_and_retries_are_recorded_without_a_log(office, manner):
    found = work(office, *[f"silent_logs.{manner}"] * 2)

    survivor = next(worker for worker in office.processes if worker.popen.poll() is None)
    survivor.signal(signal.SIGTERM)
    code = survivor.wait()
    failed = int(office.server.client.get("stat:failed"))
    record(
        "F40",
        f"standard output and log {manner.replace('_', ' ')}",
        "retries still recorded, jobs run on",
        jobs=found.done,
        retries_recorded=failed,
        lost=found.lost,
        twice=found.dup,
    )
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert failed == JOBS
    assert {line["pid"] for line in office.runs("start")} == {worker.pid for worker in office.processes}
    assert code == 0


def test_the_checker_finds_workers_that_a_log_can_end(office):
    office.start("silent_logs.unguarded", concurrency=4)
    office.push_many("fail_once", [()] * 20)

    with pytest.raises(AssertionError, match="not true within"):
        office.until_done(timeout=4)

    assert check(office, "silent-logs-mutant").done < 20
