"""Jobs that run in processes of their own, and do there what would end a worker."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import Callable, Generator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final

from mainspring import App, Retry, Snooze, current_job
from scenarios.program import append, boot_time, note, pause

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")

#: Longer than any scenario: what failed stays where it is.
_LATER: Final = Retry(max=25, backoff="fixed", base=3600)


def pwork(milliseconds: float = 0) -> None:
    """Take a while."""
    note("start", parent=os.getppid())
    pause(milliseconds / 1000)
    note("done")


def pfall(manner: str) -> None:
    """End this process in one of many manners."""
    note("start")
    if manner == "segfault":
        ctypes.string_at(0)
    elif manner == "exit":
        os._exit(3)
    elif manner == "abort":
        os.abort()
    elif manner == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
        pause(60)
    elif manner == "memory":
        held = []
        while True:
            held.append(bytearray(10_000_000))
    elif manner == "raise":
        raise ValueError("as it was told")
    elif manner == "leave":
        raise SystemExit(4)


def phold(seconds: float) -> None:
    """Be deaf to everything, holding the interpreter."""
    note("start", parent=os.getppid())
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))
    note("done")


async def pawait(milliseconds: float) -> None:
    """Wait on an event loop."""
    note("start")
    await asyncio.to_thread(pause, milliseconds / 1000)
    note("done")


def ptell(text: str, *, number: int = 0) -> str:
    """Note all that a job knows."""
    job = current_job()
    job.progress(0.5, "half")
    job.check()
    note(
        "done",
        text=text,
        number=number,
        tenant=tenant.get(),
        attempt=job.attempt,
        queue=job.queue,
        process=job.process,
        stopping=job.is_stopping(),
        lost=job.is_lost(),
    )
    job.log.info("told")
    return text.upper()


def pprogress() -> None:
    """Say how far it has come, until it is ended."""
    note("start")
    while True:
        current_job().progress(0.25, "a quarter")
        pause(0.01)


def pwatch() -> None:
    """End when the worker shuts down."""
    note("start")
    while not current_job().is_stopping():
        pause(0.01)
    note("done")


def psnooze() -> None:
    """Run again much later."""
    raise Snooze(3600)


def pempty() -> None:
    """Do nothing."""


async def twait() -> None:
    """Wait on the event loop until it is ended, and note when that was."""
    note("start")
    try:
        await asyncio.Event().wait()
    finally:
        note("cut")


def tspin() -> None:
    """Be busy in Python until it is ended, and note when that was."""
    note("start")
    try:
        while True:
            sum(range(100))
    finally:
        note("cut")


def task() -> None:
    """Ask until it was cancelled, and note when that was."""
    note("start")
    while not current_job().is_cancelled():
        pause(0.001)
    note("cut")


def tclose() -> None:
    """Take less than it may."""
    end = boot_time() + 0.02
    while boot_time() < end:
        sum(range(100))


def tstuck() -> None:
    """Be in one call of C that knows nothing of Python."""
    note("start")
    ctypes.CDLL(None).usleep(60_000_000)


JOBS: Final[tuple[Callable[..., Any], ...]] = (
    pwork, pfall, phold, pawait, ptell, pprogress, pwatch, psnooze, pempty,
)  # fmt: skip


def add(app: App) -> None:
    """Make *app* know the jobs of this file, by their short names."""
    for function in JOBS:
        app.job(name=function.__name__, retry=_LATER, runs_in="process")(function)
    app.job(name="pstuck", retry=_LATER, runs_in="process", timeout=0.3)(_stuck)
    for function, timeout in ((twait, 0.3), (tspin, 0.3), (tstuck, 0.3), (tclose, 0.05)):
        app.job(name=function.__name__, retry=_LATER, timeout=timeout)(function)
    app.job(name="await", retry=_LATER)(twait)
    app.job(name="task", retry=_LATER)(task)
    app.carry(tenant)
    app.use(perform=_around)
    app.on("fork", _forked)


def _stuck() -> None:
    note("start")
    ctypes.PyDLL(None).usleep(60_000_000)


def _around(job: Any) -> Generator[None, Any, None]:
    if job.name == "ptell":
        note("around")
    yield


def _forked() -> None:
    append(os.environ["ORACLE"], {"event": "forked", "pid": os.getpid(), "at": boot_time()})


def is_alive(pid: int) -> bool:
    """Return True if the process *pid* runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
