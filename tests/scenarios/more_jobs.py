"""More jobs for scenarios: what takes any arguments, ends its process from C, or holds the interpreter."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mainspring import App, Retry, iterate
from scenarios import batch_jobs, lane_jobs, lock_jobs
from scenarios.program import boot_time, is_first, note, pause

#: Longer than any scenario: what failed stays where it is.
_LATER = Retry(max=25, backoff="fixed", base=3600)


def take(*args: Any, **kwargs: Any) -> None:
    """Take whatever arguments there are."""
    note("done")


async def atake(*args: Any, **kwargs: Any) -> None:
    """Take whatever arguments there are, on the event loop."""
    note("done")


def typed(count: int, name: str = "") -> None:
    """Take arguments of these types only."""
    note("done")


def shout(size: int) -> None:
    """Fail with a text of *size* characters."""
    raise ValueError("\N{SNOWMAN}" * size)


def weigh(document: object) -> None:
    """Note how much memory this process has held at most so far, in bytes."""
    note("start")
    note("done", peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def crash(manner: str, milliseconds: float = 0) -> None:
    """End this process as faults outside of Python do, or run into a limit of memory, which ends nothing."""
    note("start")
    pause(milliseconds / 1000)
    if manner == "segfault":
        ctypes.string_at(0)
    elif manner == "abort":
        os.abort()
    elif manner == "kill":
        # What the kernel does when memory runs out.
        os.kill(os.getpid(), signal.SIGKILL)
        pause(60)
    elif is_first():
        _outgrow()
    note("done")


def _outgrow() -> None:
    """Ask for more memory than the process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    held = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + (1 << 27), hard))
    try:
        bytearray(1 << 33)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def holder(seconds: float) -> None:
    """Hold the interpreter's lock in one call of C, for *seconds*, at the first delivery."""
    note("start")
    end = boot_time() + (seconds if is_first() else 0)
    while boot_time() < end:
        # No bytecode runs in it, and `PyDLL` keeps the lock, so no other thread gets its turn.
        ctypes.PyDLL(None).usleep(30_000_000)
    note("done")


def breeder(seconds: float) -> None:
    """Leave behind a child that has copies of all that its parent has open, for *seconds*."""
    note("start")
    child = os.fork()
    if child == 0:
        pause(seconds)
        os._exit(0)
    note("done", child=child)


def walk(cursor: int | None, table: str, seen: str) -> Iterator[int]:
    """Go through a CSV file, and write down each row that is done."""
    note("start", cursor=cursor)
    file = os.open(seen, os.O_WRONLY | os.O_APPEND)
    try:
        for row, reached in iterate.csv(table, cursor):
            pause(0.0005)
            os.write(file, f"{row['number']} {os.getpid()} {boot_time()}\n".encode())
            yield reached
    finally:
        os.close(file)
    note("done")


def add(app: App) -> None:
    """Make the functions of this file jobs of *app*, by their short names."""
    for function in (take, atake, typed, shout, weigh):
        app.job(name=function.__name__, retry=_LATER)(function)
    for function in (crash, holder, breeder):
        app.job(name=function.__name__, retry=Retry(max=25, backoff="fixed", base=0.3))(function)
    app.job(name="walk", iterable=True)(walk)
    batch_jobs.add(app)
    lock_jobs.add(app)
    lane_jobs.add(app)
