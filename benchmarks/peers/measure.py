"""One round of one peer: its own client fills the queue, then one worker process runs what is there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.catalogue import Peer
from benchmarks.peers.family import Family
from benchmarks.process import Silent
from benchmarks.server import Server

#: Jobs whose enqueueing is timed; as many as in our own benchmark.
TIMED = 3_000

#: Seconds after the last job in which one that ran twice would show.
_GRACE = 0.3


@dataclass(frozen=True)
class Run:
    """What one round showed.

    Attributes:
        rate: Jobs a second, from the first to the last.
        cpu: Seconds of CPU a job, of the worker and all its processes.
        rss: MB at most, of all of them.
        enqueued: Jobs enqueued a second, one by one.
        twice: How many jobs ran more than once.
    """

    rate: float
    cpu: float
    rss: float
    enqueued: float
    twice: int


def measure(server: Server, peer: Peer, programs: Path, jobs: int) -> Run:
    """Run one round.

    Args:
        server: Is emptied first.
        peer: Who runs.
        programs: The directory of its environment's programs.
        jobs: How many jobs.

    Raises:
        Silent: If fewer jobs ran than were pushed.
    """
    server.client.flushall()
    settings = {"BENCH_JOBS": jobs, "BENCH_SLOTS": peer.slots, "BENCH_TIMED": TIMED}
    environment = {"BENCH_URL": server.url, **peer.environment} | {name: str(n) for name, n in settings.items()}
    fill = [str(programs / "python"), "-m", "benchmarks.peers.programs.fill", peer.package]
    with Family(fill, environment) as program:
        enqueued = program.event("filled", timeout=120)["rate"]
        program.wait(timeout=30)
    executable, *arguments = peer.command
    with Family([str(programs / executable), *arguments], environment) as program:
        program.event("began", timeout=60)
        began = program.cpu()
        done = program.event("done", timeout=120)
        cpu = program.cpu() - began
        rss = program.rss(highest=True)
        twice = _count_extra(program)
    return Run(jobs / done["seconds"], cpu / jobs, rss, enqueued, twice)


def _count_extra(program: Family) -> int:
    deadline = time.monotonic() + _GRACE
    for count in range(1_000_000):
        try:
            program.event("extra", timeout=max(0.0, deadline - time.monotonic()))
        except Silent:
            return count
    raise AssertionError("no round has that many jobs")
