"""What every peer's program shares: where the server is, counting jobs, and filling a queue."""

from __future__ import annotations

import itertools
import mmap
import os
import time
from collections.abc import Awaitable, Callable

from benchmarks.programs.tally import tell

URL = os.environ["BENCH_URL"]
JOBS = int(os.environ["BENCH_JOBS"])
SLOTS = int(os.environ["BENCH_SLOTS"])
_TIMED = min(JOBS - 1, int(os.environ["BENCH_TIMED"]))


class Tally:
    """Counts the jobs that run, as `benchmarks.programs.tally` does, and says when the first and the last ran."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._began = 0.0

    def one(self) -> None:
        """Note that a job runs."""
        number = next(self._numbers)  # one bytecode in C, so no two threads get the same
        if number == 1:
            self._began = time.monotonic()
            tell("began")
        elif number >= JOBS:
            tell("done" if number == JOBS else "extra", seconds=time.monotonic() - self._began)


class ForkedTally:
    """The same for a worker that forks for each job: one job at a time, counted in memory that all share."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 16)

    def one(self) -> None:
        """Note that a job runs."""
        number = int.from_bytes(self._shared[:8], "little") + 1
        self._shared[:8] = number.to_bytes(8, "little")
        if number == 1:
            self._shared[8:] = time.monotonic_ns().to_bytes(8, "little")
            tell("began")
        elif number >= JOBS:
            began = int.from_bytes(self._shared[8:], "little")
            tell("done" if number == JOBS else "extra", seconds=(time.monotonic_ns() - began) / 1e9)


def fill(push: Callable[[int], object]) -> None:
    """Enqueue all jobs one by one, and tell how fast the first of them were, without the very first."""
    push(0)
    began = time.monotonic(), time.process_time()
    for number in range(_TIMED):
        push(number)
    seconds, cpu = time.monotonic() - began[0], time.process_time() - began[1]
    for number in range(JOBS - 1 - _TIMED):
        push(number)
    tell("filled", rate=_TIMED / seconds, cpu=cpu / _TIMED)


async def afill(push: Callable[[int], Awaitable[object]]) -> None:
    """Do the same for a client that is awaited; one call after the other."""
    await push(0)
    began = time.monotonic(), time.process_time()
    for number in range(_TIMED):
        await push(number)
    seconds, cpu = time.monotonic() - began[0], time.process_time() - began[1]
    for number in range(JOBS - 1 - _TIMED):
        await push(number)
    tell("filled", rate=_TIMED / seconds, cpu=cpu / _TIMED)
