"""The worker that scenarios start, signal, freeze and kill; and its jobs, which write down what they do.

Each run appends a line when it starts and one when it is done, each with a single
``write`` to a file opened for appending: what stands there has happened, whatever died
afterwards. `main` is a worker process, which the `nursery` forks; imported, it gives a test
the same jobs to enqueue.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mainspring import App, Retry, current_job
from mainspring.base import logs
from mainspring.base.timesource import TimeSource
from mainspring.features.iteration import running
from mainspring.worker import CapsuleSettings, Worker


def note(event: str, **facts: object) -> None:
    """Append one line about the running job to the oracle."""
    job = current_job()
    record = {"event": event, "jid": job.jid, "name": job.name, "fence": job.fence, "pid": os.getpid()}
    append(os.environ["ORACLE"], record | {"at": boot_time(), **facts})


def append(path: str, record: dict[str, Any]) -> None:
    """Append one record to the file at *path*, in one write."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, json.dumps(record).encode() + b"\n")
    finally:
        os.close(file)


def boot_time() -> float:
    """Return seconds on a clock that all processes of this machine share."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def pause(seconds: float) -> None:
    """Do nothing, in one call of C that no exception interrupts."""
    select.select([], [], [], seconds)


# --- jobs ------------------------------------------------------------------------


def work(milliseconds: float) -> None:
    note("start")
    pause(milliseconds / 1000)
    note("done")


async def awork(milliseconds: float) -> None:
    note("start")
    await asyncio.to_thread(pause, milliseconds / 1000)
    note("done")


def fail_after(milliseconds: float) -> None:
    note("start")
    pause(milliseconds / 1000)
    note("done")
    raise ValueError("as it was told")


def fail_if_first(milliseconds: float) -> None:
    """Fail at the first delivery, after a while; be done at once at the next."""
    note("start")
    if is_first():
        pause(milliseconds / 1000)
        note("failed")
        raise ValueError("too late")
    note("done")


def fail_once() -> None:
    """Fail at the first try."""
    if current_job().attempt == 1:
        raise ValueError("once")
    note("start")
    note("done")


def abort(manner: str, milliseconds: float = 0) -> None:
    """End this process, as a fault in a C library would."""
    note("start")
    pause(milliseconds / 1000)
    if manner == "abort":
        os.abort()
    elif manner == "exit":
        os._exit(11)
    os.kill(os.getpid(), signal.SIGKILL)
    pause(60)


def sleeper(first: float, later: float = 0) -> None:
    """Take *first* seconds at the first delivery, *later* at those after a shutdown, deaf to everything."""
    note("start")
    pause(first if is_first() else later)
    note("done")


def stubborn(seconds: float) -> None:
    """Swallow whatever is raised, for *seconds*, at the first delivery."""
    note("start")
    end = boot_time() + (seconds if is_first() else 0)
    while boot_time() < end:
        try:
            while boot_time() < end:
                pause(0.01)
        except BaseException:  # noqa: BLE001 - that is its fault
            continue
    note("done")


def polite(seconds: float) -> None:
    """Look often whether the worker shuts down, and be cut short by nothing but that."""
    note("start")
    end = boot_time() + (seconds if is_first() else 0)
    try:
        while boot_time() < end:
            pause(0.01)
    except BaseException:
        note("cut")
        raise
    note("done")


async def blocker(seconds: float) -> None:
    """Block the event loop."""
    note("start")
    pause(seconds if is_first() else 0)
    note("done")


async def swallower(seconds: float) -> None:
    """Swallow cancellations, for *seconds*."""
    note("start")
    end = boot_time() + (seconds if is_first() else 0)
    while boot_time() < end:
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.05)
        except (asyncio.CancelledError, TimeoutError):
            continue
    note("done")


async def waiter(seconds: float) -> None:
    """Wait on the event loop, as a good job does."""
    note("start")
    try:
        await asyncio.wait_for(asyncio.Event().wait(), seconds if is_first() else 0.01)
    except TimeoutError:
        note("done")
    except BaseException:
        note("cut")
        raise


def burn(seconds: float) -> None:
    """Keep the processor busy in Python."""
    note("start")
    end = boot_time() + seconds
    while boot_time() < end:
        sum(range(10_000))
    note("done")


def forker(manner: str) -> None:
    """Fork; the child returns from the job, as one that was forgotten does."""
    note("start")
    child = os.fork()
    if child == 0:
        return
    os.waitpid(child, 0)
    note("done", child=child)


async def aforker(manner: str) -> None:
    note("start")
    child = os.fork()
    if child == 0:
        return
    await asyncio.to_thread(os.waitpid, child, 0)
    note("done", child=child)


def is_first() -> bool:
    """Return True unless this job has started before."""
    jid = current_job().jid
    with Path(os.environ["ORACLE"]).open(encoding="ascii") as file:
        return sum(f'"jid": "{jid}"' in line and '"start"' in line for line in file) <= 1


JOBS: tuple[Callable[..., Any], ...] = (
    work,
    awork,
    fail_after,
    fail_if_first,
    fail_once,
    abort,
    sleeper,
    stubborn,
    polite,
    blocker,
    swallower,
    waiter,
    burn,
    forker,
    aforker,
)


class Steady(TimeSource):
    """The machine's clocks; whoever sleeps does so by a call that libfaketime leaves alone."""

    def sleep(self, seconds: float) -> None:
        """Return after *seconds*."""
        pause(seconds)


def make(url: str) -> App:
    """Return an App that knows all jobs of this file, by their short names."""
    app = App(url, name="scenario", time=Steady())
    for function in JOBS:
        app.job(name=function.__name__, retry=Retry(max=25, backoff="fixed", base=0.3))(function)
    # They write with the functions of this file, so it cannot import them at its top.
    from scenarios import more_jobs

    more_jobs.add(app)
    return app


# --- the process -------------------------------------------------------------------


def main(settings: dict[str, Any]) -> int:
    """Run a worker until it is told to end, and write down what it becomes."""
    logs.configure(service="worker", fmt="json", stream=sys.stderr, level=settings.get("level", "info"))
    app = make(os.environ["MAINSPRING_URL"])
    if settings.get("processes"):
        from scenarios import process_jobs

        process_jobs.add(app)
    app.on("exit", lambda: pause(settings.get("exit_takes", 0)))
    running.EVERY = settings.get("cursor_every", running.EVERY)  # type: ignore[misc]
    _spoil(settings.get("mutant", ""))
    worker = Worker(
        app,
        settings.get("concurrency", 4),
        settings.get("queues", ["default"]),
        capsules=[CapsuleSettings.parse(text) for text in settings.get("capsules", [])],
        timeout=settings.get("timeout", 1.0),
    )
    worker.became = lambda state: append(os.environ["ORACLE"], _life(state))
    return worker.run()


def _life(state: str) -> dict[str, Any]:
    return {"event": state, "pid": os.getpid(), "at": boot_time()}


def _spoil(mutant: str) -> None:
    """Bring a known fault into this process, which the checker must find."""
    if mutant:
        from scenarios import mutants

        mutants.apply(mutant)
