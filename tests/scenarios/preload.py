"""A parent that uses an App and then forks children that use it, as a server of web pages with preloading does.

Each process writes one line of JSON: what it pushed, what was wrong with its answers, and which sockets it talked on.
As a program: ``preload.py MANNER CHILDREN CALLS MUTANT``, with MAINSPRING_URL and PYTHONPATH set. MANNER is ``fork``,
``multiprocessing``, or ``embedded``, where a worker runs in the parent meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from mainspring import App
from mainspring.base.errors import MainspringError
from mainspring.store.command import Command, blob, integer, plain
from mainspring.worker import Worker
from scenarios import program


def echo(value: str) -> Command[bytes]:
    return plain("ECHO", args=(value,), decode=blob)


#: Asks the server for the number of the connection.
WHO: Command[int] = plain("CLIENT", args=("ID",), decode=integer)


def sockets() -> set[str]:
    """Return the sockets that this process has open."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


class Use:
    """One process's use of an App, blocking and awaiting."""

    def __init__(self, app: App, calls: int) -> None:
        self._app, self._calls = app, calls
        self.jids: list[str] = []
        self.wrong = 0
        self.blocking: set[int] = set()
        self.awaiting: set[int] = set()

    def block(self) -> None:
        job, store = self._app.jobs["work"], self._app.store
        for number in range(self._calls):
            self.jids.append(job.enqueue(0).jid)
            value = f"{os.getpid()} {number}"
            self.wrong += store.run(echo(value)) != value.encode()
            self.blocking.add(store.run(WHO))

    async def wait(self) -> None:
        job, store = self._app.jobs["work"], self._app.async_store
        for number in range(self._calls):
            self.jids.append((await job.aenqueue(0)).jid)
            value = f"{os.getpid()} {number}"
            self.wrong += await store.run(echo(value)) != value.encode()
            self.awaiting.add(await store.run(WHO))

    def report(self, role: str, before: set[str]) -> None:
        """Write down what came of it; *before* are the sockets that were open at the beginning."""
        facts: dict[str, Any] = {"role": role, "pid": os.getpid(), "jids": self.jids, "wrong": self.wrong}
        facts |= {"blocking": sorted(self.blocking), "awaiting": sorted(self.awaiting)}
        facts |= {"inherited": sorted(before & sockets()), "own": sorted(sockets() - before)}
        os.write(1, json.dumps(facts).encode() + b"\n")


async def apart(app: App, calls: int, role: str, before: set[str]) -> None:
    """Use an App on an event loop of one's own, and in blocking calls."""
    use = Use(app, calls)
    try:
        use.block()
        await use.wait()
    except MainspringError:
        use.wrong += 1
    use.report(role, before)


def child(app: App, calls: int, before: set[str]) -> None:
    asyncio.run(apart(app, calls, "child", before))


def fork(app: App, calls: int, count: int, before: set[str]) -> Callable[[], None]:
    """Fork children that use the App; return what waits for them."""
    pids = []
    for _ in range(count):
        pid = os.fork()
        if pid == 0:
            try:
                child(app, calls, before)
            finally:
                os._exit(0)
        pids.append(pid)
    return lambda: [os.waitpid(pid, 0) for pid in pids] and None


def spawn(app: App, calls: int, count: int, before: set[str]) -> Callable[[], None]:
    """Do as `fork`, by the standard library's means."""
    context = multiprocessing.get_context("fork")
    made = [context.Process(target=child, args=(app, calls, before)) for _ in range(count)]
    for process in made:
        process.start()
    return lambda: [process.join() for process in made] and None


async def parent(app: App, manner: str, count: int, calls: int) -> None:
    """Use the App, on an event loop that stays open, fork, and go on using it beside the children."""
    use = Use(app, calls)
    use.block()
    await use.wait()
    before = sockets()
    # A child of this loop's cannot run another in the same thread, so it forks in one without.
    start = spawn if manner == "multiprocessing" else fork
    wait = await asyncio.to_thread(start, app, calls, count, before)
    use.block()
    await use.wait()
    await asyncio.to_thread(wait)
    use.block()
    await use.wait()
    use.report("parent", set())


def main(manner: str, count: int, calls: int, mutant: str) -> None:
    app = program.make(os.environ["MAINSPRING_URL"])
    if mutant:
        from scenarios import mutants

        mutants.apply(mutant)
    with Worker(app, 2, ["elsewhere"]) if manner == "embedded" else nullcontext():
        asyncio.run(parent(app, manner, count, calls))


if __name__ == "__main__":
    signal.alarm(60)
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
