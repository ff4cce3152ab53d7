"""A batch of a million jobs: how fast it is pushed, what it weighs, its callbacks; and what many small ones leave."""

from __future__ import annotations

import argparse
import time

from benchmarks import table
from benchmarks.process import Program
from benchmarks.server import Server
from benchmarks.subjects import python
from benchmarks.throughput import Unequal
from mainspring import App
from mainspring.features.batches import Batch

#: Jobs in each of the small batches; each has a callback besides.
SMALL = 3
#: How many statuses are read, one after the other.
LOOKS = 200
#: Seconds after which nothing of the small batches may be there any more: what remembers a push takes a minute.
FORGOTTEN = 90.0


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--jobs", type=int, default=1_000_000, help="in the huge batch")
    parser.add_argument("--flush", type=int, default=10_000, help="after how many jobs they are sent")
    parser.add_argument("--small", type=int, default=10_000, help="how many small batches")
    parser.add_argument("--concurrency", type=int, default=10)


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    with Server() as server:
        _huge(server, arguments)
    with Server() as server:
        _small(server, arguments)


def _huge(server: Server, arguments: argparse.Namespace) -> None:
    app, jobs = App(server.url), arguments.jobs
    nop = app.job(name="nop")(_nop)
    told = app.job(name="told", queue="calls")(_told)
    began = time.monotonic()
    with app.batch("huge", on_success=told, on_complete=told, flush_every=arguments.flush) as batch:
        nop.enqueue_many((number,) for number in range(jobs))
    pushed = time.monotonic() - began
    weight = _weight(server)
    calls, looked = _look(server, batch)
    worked = _work(server, arguments, jobs)
    callbacks = int(server.client.llen("queue:calls"))
    if callbacks != 2 or not batch.status().is_success:
        raise Unequal(f"{callbacks} callbacks of a batch of {jobs:,} jobs: {batch.status()}")
    app.close()
    table.show(
        f"A batch of {jobs:,} jobs",
        ("", ""),
        [
            ("pushed in", f"{pushed:.1f} s"),
            ("bookkeeping a job, beside its payload", f"{weight / jobs:.3f} bytes"),
            ("calls for its status", f"{calls:g}"),
            ("its status read in", f"{looked * 1e6:.0f} us"),
            ("worked off in", f"{worked:.1f} s"),
            ("callbacks, of 2", str(callbacks)),
        ],
    )


def _nop(_number: int) -> None: ...


def _told() -> None: ...


def _weight(server: Server) -> int:
    """Return the bytes of all keys of batches."""
    return sum(int(server.client.memory_usage(key, samples=0)) for key in server.client.scan_iter("mainspring:batch*"))


def _look(server: Server, batch: Batch) -> tuple[float, float]:
    """Return how many calls and how many seconds it takes to read the status of a batch."""
    batch.status()
    before, began = server.calls(), time.monotonic()
    for _ in range(LOOKS):
        batch.status()
    seconds = time.monotonic() - began
    made = sum(server.calls().values()) - sum(before.values()) - 1
    return made / LOOKS, seconds / LOOKS


def _work(server: Server, arguments: argparse.Namespace, jobs: int) -> float:
    """Let a worker run that many jobs, and return the seconds."""
    environment = {
        "BENCH_URL": server.url,
        "BENCH_JOBS": str(jobs),
        "BENCH_CONCURRENCY": str(arguments.concurrency),
    }
    with Program(python("worker"), environment) as program:
        seconds: float = program.event("done", timeout=600)["seconds"]
        program.end()
        program.event("total", timeout=30)
    return seconds


def _small(server: Server, arguments: argparse.Namespace) -> None:
    app, count = App(server.url), arguments.small
    nop = app.job(name="nop")(_nop)
    began = time.monotonic()
    for number in range(count):
        with app.batch(f"small {number}", on_success=nop.step(0), linger=1):
            nop.enqueue_many([(number,)] * SMALL)
    pushed = time.monotonic() - began
    weight = _weight(server) / max(1, count)
    worked = _work(server, arguments, count * (SMALL + 1))
    began = time.monotonic()
    while (left := len(list(server.client.scan_iter("mainspring:batch*", count=1000)))) and (
        time.monotonic() - began < FORGOTTEN
    ):
        time.sleep(1)
    app.close()
    table.show(
        f"{count:,} batches of {SMALL} jobs and a callback",
        ("", ""),
        [
            ("pushed in", f"{pushed:.1f} s"),
            ("weight of each", f"{weight:,.0f} bytes"),
            ("worked off in", f"{worked:.1f} s"),
            ("keys left behind", str(left)),
        ],
    )
