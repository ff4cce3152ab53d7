"""Whatever a process job does to its process, its worker lives, and the job ends as a failure that says why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scenarios.harness import ROOT, Office, Process
from scenarios.process_jobs import is_alive
from scenarios.program import boot_time
from scenarios.record import at_length
from support import until


def push(office: Office, name: str, *args: Any, **options: Any) -> str:
    """Enqueue a job that only the workers know."""
    return office.app.enqueue(name, args, options or None, queue="default").jid


@pytest.fixture
def worker(office: Office) -> Process:
    """Give a worker that knows process jobs, and ends in time for each test."""
    return office.start(processes=True, concurrency=3).ready()


def failed(office: Office, jid: str) -> dict[str, Any]:
    """Return the job once it waits for its retry."""
    found = until(lambda: next((job for job in office.app.retries if job.jid == jid), None), timeout=20)
    return {"error": (found.error_class or "").rpartition(".")[2], "message": found.error_message or ""}


def forked(office: Office) -> list[int]:
    return [line["pid"] for line in office.runs("forked")]


# --- what ends it ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manner", "error", "message"),
    [
        ("segfault", "ProcessDied", "the job's process died: killed by signal SIGSEGV"),
        ("exit", "ProcessDied", "the job's process died: exited with code 3"),
        ("abort", "ProcessDied", "the job's process died: killed by signal SIGABRT"),
        ("kill", "ProcessDied", "killed by signal SIGKILL, perhaps since the machine ran out of memory"),
        ("raise", "ValueError", "as it was told"),
        ("leave", "SystemExit", "4"),
    ],
)
def test_each_end_is_a_failure_with_a_reason_and_the_worker_lives(office, worker, manner, error, message):
    jid = push(office, "pfall", manner)

    found = failed(office, jid)

    assert found["error"] == error
    assert message in found["message"]
    after = push(office, "pwork")
    office.until_done([after])
    assert worker.popen.poll() is None
    assert len(office.runs("start", jid)) == 1
    assert office.app.stats().failed == 1


def test_a_limit_of_memory_is_a_failure_with_a_reason(offices, server, monkeypatch):
    monkeypatch.setenv("MAINSPRING_PROCESS_MEMORY", "1GB")
    office = offices(server)
    office.start(processes=True).ready()
    jid = push(office, "pfall", "memory")

    found = failed(office, jid)

    assert (found["error"], found["message"]) == (
        "OutOfMemory",
        "the job's process died: ran out of memory: it may have 1,000 MB",
    )
    after = push(office, "pwork")
    office.until_done([after])


def test_a_process_is_killed_when_its_jobs_time_is_up(office, worker):
    jid = push(office, "pstuck")
    (start,) = until(lambda: office.runs("start", jid))

    found = failed(office, jid)

    assert found == {"error": "JobTimeout", "message": "took longer than 0.3 s"}
    until(lambda: not is_alive(start["pid"]))


def test_a_cancelled_job_is_killed_and_no_other(office, worker):
    other = push(office, "pwork", 1500)
    jid = push(office, "phold", 60)
    (start,) = until(lambda: office.runs("start", jid))

    assert office.app.cancel(jid) == "told"

    told = boot_time()
    until(lambda: not is_alive(start["pid"]), every=0.001)
    took = boot_time() - told
    office.until_done([other])
    assert took < at_length(5, 0.5)  # of sixty seconds
    assert not office.stored()
    ((facts),) = [line for line in worker.events("job.discard") if line.get("jid") == jid]
    assert facts["reason"] == "cancelled"
    assert office.app.stats().failed == 0


# --- what it knows -----------------------------------------------------------------------


def test_it_knows_all_that_a_job_in_a_thread_knows(office, worker):
    record = {"class": "ptell", "args": ["t\N{SNOWMAN}"], "kwargs": {"number": 7}, "jid": "a" * 24, "retry_count": 1}
    record |= {"queue": "default", "carry": {"tenant": "acme"}, "created_at": 1.0, "enqueued_at": 1.0}
    office.server.client.lpush("queue:default", json.dumps(record))

    (told,) = until(lambda: office.runs("done"))

    assert (told["text"], told["number"], told["tenant"]) == ("t\N{SNOWMAN}", 7, "acme")
    assert (told["attempt"], told["queue"], told["fence"]) == (3, "default", 1)
    assert (told["stopping"], told["lost"]) == (False, False)
    assert str(worker.pid) in told["process"]
    assert told["pid"] != worker.pid
    assert office.runs("around")
    assert [line["jid"] for line in until(lambda: worker.events("job.log"))] == ["a" * 24]


def test_an_async_def_may_run_there_too(office, worker):
    jid = push(office, "pawait", 10)

    office.until_done([jid])

    assert office.runs("done", jid)[0]["pid"] != worker.pid


def test_its_progress_is_shown(office, worker):
    jid = push(office, "pprogress")

    shown = until(lambda: (job := office.app.find(jid)) and job.progress)

    assert (shown.fraction, shown.note) == (0.25, "a quarter")
    office.app.cancel(jid)


def test_it_decides_about_itself(office, worker):
    jid = push(office, "psnooze")

    until(lambda: [job.jid for job in office.app.scheduled] == [jid])

    assert office.app.stats().processed == 0


# --- processes -------------------------------------------------------------------------


def test_processes_are_kept_warm_and_no_more_than_slots(office, worker):
    jids = [push(office, "pwork", 5) for _ in range(60)]

    office.until_done(jids)

    pids = {line["pid"] for line in office.runs("start")}
    assert pids <= set(forked(office))
    assert 1 <= len(pids) <= 3


def test_a_worker_that_is_told_to_end_lets_them_finish(office):
    worker = office.start(processes=True, timeout=10).ready()
    jids = [push(office, "pwork", 700), push(office, "pwatch")]
    until(lambda: len(office.runs("start")) == 2)

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0
    assert office.done() == set(jids)
    until(lambda: not any(map(is_alive, forked(office))))


def test_what_does_not_finish_is_given_back_and_counts_as_nothing(office):
    worker = office.start(processes=True, timeout=0.3).ready()
    jid = push(office, "phold", 60)
    (start,) = until(lambda: office.runs("start", jid))

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0
    assert not is_alive(start["pid"])
    assert office.stored() == {jid: 1}
    assert office.app.stats().processed == 0


def test_a_signal_to_the_whole_group_ends_no_job(office):
    worker = office.start(processes=True, timeout=10).ready()
    jid = push(office, "pwork", 500)
    until(lambda: office.runs("start", jid))

    os.killpg(worker.pid, signal.SIGTERM)

    assert worker.wait() == 0
    assert office.done() == {jid}


@pytest.mark.parametrize("machine", [False, True])
def test_no_process_outlives_its_worker(office, machine):
    first = office.start(processes=True).ready()
    jid = push(office, "pwork", 3000)
    (start,) = until(lambda: office.runs("start", jid))
    other = office.start(processes=True).ready()

    first.kill9(with_pacemaker=machine)

    until(lambda: not is_alive(start["pid"]), timeout=2, every=0.001)
    office.until_done([jid])
    again = office.runs("start", jid)[1]
    assert again["parent"] in other.children()
    assert not any(is_alive(pid) for pid in forked(office) if parent(pid) == first.pid)
    # The first never came to the end of its body: it was dead by then.
    assert [line["pid"] for line in office.runs("done", jid)] == [again["pid"]]


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_a_fork_server_that_dies_takes_no_worker_along(office, worker):
    """This one cannot be replaced, since no module holds the App."""
    office.until_done([push(office, "pwork")])
    running = push(office, "phold", 60)
    (start,) = until(lambda: office.runs("start", running))

    os.kill(start["parent"], signal.SIGKILL)

    until(lambda: not is_alive(start["pid"]))
    found = failed(office, running)
    assert found["error"] == "ProcessDied"
    assert "no imported module holds it" in found["message"]
    office.until_done([office.push("work", 1)])


# --- within a process that has threads -----------------------------------------------------


@pytest.fixture
def embedded(office: Office) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program that runs a worker within itself."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    env = os.environ | {"PYTHONPATH": paths, "ORACLE": str(office.oracle), "MAINSPRING_URL": office.server.url}
    with subprocess.Popen([sys.executable, "-m", "scenarios.embedded_program"], env=env, stdin=subprocess.PIPE) as made:
        yield made
        made.kill()


def test_there_it_is_an_interpreter_of_its_own_that_imports_the_app(office, embedded):
    jid = push(office, "pwork")
    fallen = push(office, "pfall", "segfault")

    office.until_done([jid], timeout=60)
    assert failed(office, fallen)["message"] == "the job's process died: killed by signal SIGSEGV"
    (start,) = office.runs("start", jid)
    embedded.stdin.close()
    assert embedded.wait(20) == 0
    until(lambda: not is_alive(start["parent"]))
    assert not any(map(is_alive, forked(office)))


def test_there_no_process_outlives_its_worker_either(office, embedded):
    jid = push(office, "phold", 60)
    (start,) = until(lambda: office.runs("start", jid), timeout=60)

    embedded.kill()

    until(lambda: not is_alive(start["pid"]))
    until(lambda: not is_alive(start["parent"]))
