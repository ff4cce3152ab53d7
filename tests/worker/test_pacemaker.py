"""A worker keeps its jobs while it lives, whatever they do; and they are given back at once when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from mainspring import App
from mainspring.store import keys, processes, queues
from mainspring.worker.pacemaker import Orders, Spawned, is_stopped
from servers import Server
from support import until

PROGRAM = Path(__file__).with_name("pacemaker_program.py")
SHORT = {"MAINSPRING_LEASE": "1.5", "MAINSPRING_BEAT": "0.3", "MAINSPRING_SWEEP": "0.3", "MAINSPRING_GRACE": "0.5"}
LONG = {"MAINSPRING_LEASE": "600", "MAINSPRING_BEAT": "1", "MAINSPRING_SWEEP": "600", "MAINSPRING_GRACE": "600"}

Start = Callable[[dict[str, str]], "subprocess.Popen[bytes]"]


@pytest.fixture
def oracle(tmp_path: Path) -> Path:
    path = tmp_path / "oracle"
    path.touch()
    return path


@pytest.fixture
def start(server: Server, oracle: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def start(timing: dict[str, str]) -> subprocess.Popen[bytes]:
        env = os.environ | timing | {"MAINSPRING_URL": server.url, "ORACLE": str(oracle)}
        process = subprocess.Popen([sys.executable, str(PROGRAM)], env=env, stderr=subprocess.DEVNULL)
        running.append(process)
        until(lambda: server.client.scard(keys.PROCESSES) >= len(running))
        return process

    yield start
    for process in running:
        process.kill()
        process.wait(10)
    # The pacemakers of the killed are still giving back; the next test must not meet them.
    until(lambda: not server.client.smembers(keys.owners("default")), timeout=15)


def lines(oracle: Path) -> list[str]:
    return [line.split()[0] for line in oracle.read_text().splitlines()]


def test_a_job_that_lets_no_thread_run_for_longer_than_the_lease_is_not_given_to_another(
    server: Server, start: Start, oracle: Path
) -> None:
    app = App(server.url)
    start(SHORT)
    app.enqueue("hog", [5.0])
    until(lambda: lines(oracle) == ["start"])

    start(SHORT)

    until(lambda: "done" in lines(oracle), timeout=20)
    assert lines(oracle) == ["start", "done"]
    until(lambda: server.client.get(keys.STAT_PROCESSED) == b"1")


@pytest.mark.parametrize("threaded", ["", "1"], ids=["forked", "spawned"])
def test_the_jobs_of_a_killed_worker_are_given_back_long_before_its_lease_runs_out(
    server: Server, start: Start, oracle: Path, threaded: str
) -> None:
    app = App(server.url)
    worker = start(LONG | {"THREADED": threaded})
    app.enqueue("last", [600])
    until(lambda: lines(oracle) == ["start"])

    worker.kill()

    until(lambda: app.queue("default").size == 1)
    assert holding(server, ":p:") == []


@pytest.mark.parametrize("threaded", ["", "1"], ids=["forked", "spawned"])
@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_a_worker_that_cannot_end_because_a_job_lets_no_thread_run_is_ended_and_no_job_is_blamed(
    server: Server, start: Start, oracle: Path, threaded: str, name: str
) -> None:
    app = App(server.url)
    worker = start(LONG | {"THREADED": threaded, "TIMEOUT": "0.5"})
    app.enqueue("hog", [60.0])
    until(lambda: lines(oracle) == ["start"])

    worker.send_signal(getattr(signal, f"SIG{name}"))
    if name == "INT":
        # The first comes when no thread runs, and so does the second.
        worker.send_signal(signal.SIGINT)

    assert worker.wait(0.5 + 5 + 3) == -signal.SIGKILL
    until(lambda: app.queue("default").size == 1)
    (waiting,) = app.queue("default").jobs().items
    assert "recovered" not in waiting.fields


def test_an_alarm_that_was_not_for_the_worker_ends_nothing(server: Server, start: Start, oracle: Path) -> None:
    app = App(server.url)
    worker = start(SHORT | {"TIMEOUT": "0"})
    app.enqueue("ring", [])
    until(lambda: "rung" in lines(oracle))
    app.enqueue("last", [6.0])

    until(lambda: "done" in lines(oracle), timeout=20)

    assert worker.poll() is None


def test_a_worker_that_is_stopped_is_not_kept_alive(server: Server, start: Start, oracle: Path) -> None:
    app = App(server.url)
    frozen = start(SHORT)
    app.enqueue("last", [0.1])
    until(lambda: lines(oracle) == ["start", "done"])

    frozen.send_signal(signal.SIGSTOP)
    try:
        until(lambda: is_stopped(frozen.pid))
        until(lambda: not holding(server, ":l:"))
    finally:
        frozen.send_signal(signal.SIGCONT)


def test_a_worker_that_ends_in_peace_takes_its_pacemaker_along(server: Server, start: Start) -> None:
    worker = start(LONG)
    until(lambda: server.client.client_list() and pacemakers(server))

    worker.terminate()

    assert worker.wait(10) == 0
    until(lambda: not pacemakers(server))
    assert holding(server, ":tomb:") == []


def pacemakers(server: Server) -> list[object]:
    return [each for each in server.client.client_list() if each["name"] == "mainspring-pacemaker"]


def holding(server: Server, part: str) -> list[str]:
    return [key for key in sorted(server.keys()) if part in key]


def test_a_worker_that_lives_keeps_its_jobs_although_a_job_closed_the_bond(server: Server) -> None:
    holder = "host:1:abc"
    app = App(server.url)
    app.enqueue("x", [])
    app.store.run(processes.register("default", holder, 60_000))
    assert app.store.run(queues.fetch("default", holder, 1, "1", "_req")).jobs
    orders = Orders(server.url, "", [("default", holder)], 60_000, 1.0, os.getpid())
    before = server.dump(keys.inflight("default", holder))

    pacemaker = Spawned()
    os.write(pacemaker.pipe, json.dumps(asdict(orders)).encode() + b"\n")
    until(lambda: pacemakers(server))
    pacemaker.end(20)

    assert not pacemaker.is_running()
    assert server.dump(keys.inflight("default", holder)) == before
    assert holding(server, ":tomb:") == []
