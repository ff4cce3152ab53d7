"""One round of one peer: its own client fills the queue, then one worker process runs what is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
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
        twice: How many jobs ran more than once.
    """

    rate: float
    cpu: float
    rss: float
    twice: int = 0


@dataclass(frozen=True)
class Fill:
    """How one client filled a queue: jobs a second one by one, and seconds of its CPU for each."""

    rate: float
    cpu: float


def measure(server: Server, peer: Peer, programs: Path, jobs: int) -> tuple[Fill, Run]:
    """Run one round.

    Args:
        server: Is emptied first.
        peer: Who runs.
        programs: The directory of its environment's programs.
        jobs: How many jobs.

    Raises:
        Silent: If fewer jobs ran than were pushed.
    """
    environment = {**peer.environment, "BENCH_SLOTS": str(peer.slots)}
    filled = fill(server, str(programs / "python"), peer.package, jobs, environment)
    executable, *arguments = peer.command
    with Family([str(programs / executable), *arguments], _settings(server, jobs) | environment) as program:
        program.event("began", timeout=60)
        began = program.cpu()
        done = program.event("done", timeout=120)
        cpu = program.cpu() - began
        rss = program.rss(highest=True)
        twice = _count_extra(program)
    return filled, Run(jobs / done["seconds"], cpu / jobs, rss, twice)


def fill(server: Server, interpreter: str, program: str, jobs: int, environment: Mapping[str, str]) -> Fill:
    """Empty the server, and let one of `benchmarks.peers.programs` enqueue *jobs* jobs one by one."""
    server.client.flushall()
    command = [interpreter, "-m", "benchmarks.peers.programs.fill", program]
    with Family(command, _settings(server, jobs) | dict(environment)) as running:
        filled = running.event("filled", timeout=120)
        running.wait(timeout=30)
    return Fill(filled["rate"], filled["cpu"])


def _settings(server: Server, jobs: int) -> dict[str, str]:
    return {"BENCH_URL": server.url, "BENCH_JOBS": str(jobs), "BENCH_TIMED": str(TIMED), "BENCH_SLOTS": "0"}


def _count_extra(program: Family) -> int:
    deadline = time.monotonic() + _GRACE
    for count in range(1_000_000):
        try:
            program.event("extra", timeout=max(0.0, deadline - time.monotonic()))
        except Silent:
            return count
    raise AssertionError("no round has that many jobs")
