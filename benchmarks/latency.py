"""How soon an idle worker starts a job, how punctual a scheduled one is, and what idling costs.

Pusher and worker are two processes with one clock, CLOCK_MONOTONIC. A push is timed from
before the call, so its own round trip is part of the figure. The pauses between pushes let the
worker go back to sleep and are of random length, so that nothing beats in step.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from benchmarks import table
from benchmarks.process import Program
from benchmarks.programs import STAMP
from benchmarks.server import Server
from benchmarks.subjects import python
from mainspring import App


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--tries", type=int, default=1_000, help="pushes of each kind")
    parser.add_argument("--pause", type=float, default=0.01, help="seconds between two pushes, on average")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds for which commands are counted")
    parser.add_argument("--scheduled", type=int, default=200, help="jobs scheduled over five seconds")
    parser.add_argument("--due-at-once", type=int, default=20_000, help="jobs that are due at one moment")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    with Server() as server:
        _pickup(server, arguments)
        _punctuality(server, arguments)
        _forwarding(server, arguments.due_at_once)
        _idling(server, arguments.idle)


def _pickup(server: Server, arguments: argparse.Namespace) -> None:
    app = App(server.url)
    job = app.job(name=STAMP)(_stamp)
    job.enqueue(0)
    raw = server.client.lpop("queue:default")
    ways: dict[str, Callable[[int], object]] = {
        "our push": job.enqueue,
        "a foreign LPUSH": lambda number: server.client.lpush("queue:default", _numbered(raw, number)),
    }
    rows = []
    for name, push in ways.items():
        pushed, started = _timed(server, push, arguments)
        waits = [started[number] - at for number, at in pushed.items()]
        rows.append((name, str(len(waits)), *(table.milli(table.percentile(waits, p)) for p in (50, 99, 100))))
    app.close()
    table.show("From push to start, idle worker", ("", "tries", "p50", "p99", "max"), rows)


def _timed(
    server: Server, push: Callable[[int], object], arguments: argparse.Namespace
) -> tuple[dict[int, float], dict[int, float]]:
    """Return when each job was pushed, and when it started."""
    server.client.flushall()
    pushed: dict[int, float] = {}
    with Program(python("worker"), _environment(server)) as program:
        program.event("ready", timeout=30)
        time.sleep(0.5)
        for number in range(arguments.tries):
            time.sleep(random.uniform(0.5, 1.5) * arguments.pause)
            pushed[number] = time.monotonic()
            push(number)
        time.sleep(0.5)
        program.end()
        starts = program.event("total", timeout=30)["starts"]
    return pushed, {number: at for number, at, _ in starts}


def _punctuality(server: Server, arguments: argparse.Namespace) -> None:
    """Schedule some jobs, our way, and tell how late each starts."""
    server.client.flushall()
    app = App(server.url)
    job = app.job(name=STAMP)(_stamp)
    with Program(python("worker"), _environment(server)) as program:
        program.event("ready", timeout=30)
        now = time.time()
        due = {number: now + 1 + 5 * random.random() for number in range(arguments.scheduled)}
        for number, at in due.items():
            job.enqueue_at(at, number)
        time.sleep(7)
        program.end()
        starts = program.event("total", timeout=30)["starts"]
    app.close()
    late = [at - due[number] for number, _, at in starts]
    cells = (str(len(late)), *(table.milli(table.percentile(late, p)) for p in (50, 99, 100)))
    table.show("From its time to its start, scheduled job", ("", "jobs", "p50", "p99", "max"), [("enqueue_at", *cells)])


def _forwarding(server: Server, jobs: int) -> None:
    """Schedule many jobs for one moment, and tell when the last has left the scheduled set, and has run."""
    server.client.flushall()
    app = App(server.url)
    job = app.job(name="nop")(_stamp)
    with Program(python("worker"), _environment(server) | {"BENCH_JOBS": str(jobs)}) as program:
        program.event("ready", timeout=30)
        due = time.time() + 5
        job.using(at=due).enqueue_many((number,) for number in range(jobs))
        time.sleep(max(0.0, due - time.time() - 0.05))
        while server.client.zcard("schedule"):
            time.sleep(0.01)
        forwarded = time.time() - due
        program.event("done", timeout=60)
        ran = time.time() - due
    app.close()
    row = (table.count(jobs), table.milli(forwarded), table.milli(ran))
    table.show("Scheduled jobs that are due at once", ("jobs", "all forwarded after", "all run after"), [row])


def _idling(server: Server, seconds: float) -> None:
    """Count what an idle worker asks of the server, and what CPU that costs."""
    server.client.flushall()
    with Program(python("worker"), _environment(server)) as program:
        program.event("ready", timeout=30)
        time.sleep(3)
        before, cpu = server.calls(), program.cpu()
        time.sleep(seconds)
        after, cpu = server.calls(), program.cpu() - cpu
    rates = {name: (calls - before.get(name, 0)) / seconds for name, calls in after.items() if name != "info"}
    rows = [(name, f"{rate:.1f}") for name, rate in sorted(rates.items(), key=lambda item: -item[1]) if rate]
    rows.append(("in all", f"{sum(rates.values()):.1f}"))
    rows.append(("the worker's CPU", f"{cpu / seconds * 100:.2f} %"))
    table.show("An idle worker, one queue: commands a second, those within scripts included", ("", "a second"), rows)


def _stamp(number: int) -> None:
    """Stand for the worker's job of the same name."""


def _numbered(raw: bytes, number: int) -> bytes:
    return raw.replace(b'"args":[0]', b'"args":[%d]' % number)


def _environment(server: Server) -> dict[str, str]:
    return {"BENCH_URL": server.url}
