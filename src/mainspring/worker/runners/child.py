"""The process of a job: runs one after the other as a slot does, and tells its worker what became of each."""

from __future__ import annotations

import os
import random
import resource
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mainspring.base import payload
from mainspring.context import Holding
from mainspring.worker import parts
from mainspring.worker.cancellations import Cancellations
from mainspring.worker.delivery import Delivery
from mainspring.worker.executor import Executor
from mainspring.worker.host import Host
from mainspring.worker.report import Reporter
from mainspring.worker.runners import wire
from mainspring.worker.runners.forks import Home, leave_child

if TYPE_CHECKING:
    import asyncio

#: Seconds for which an answer of the worker is believed, so that a job may ask as often as it likes.
BELIEVED: Final = 0.02
#: A process that has taken so much of its memory ends after its job.
_FULL: Final = 0.75


def serve(app: Host, connection: socket.socket, memory: int) -> None:
    """Run the jobs that come over *connection*, until it ends.

    Args:
        app: The App whose jobs they are.
        connection: To the worker.
        memory: Bytes of address space that the process may have; 0 for any.
    """
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    app.handlers.fire("fork")
    _Child(app, connection, memory).run()


class _Child:
    def __init__(self, app: Host, connection: socket.socket, memory: int) -> None:
        self._connection = connection
        self._memory = memory
        self._inbox = wire.Inbox()
        self._clock = app.time.monotonic
        self._limit = app.client.limit
        self._signs, self._asked = wire.Signs(), -BELIEVED
        self._executor = self._make_executor(app)
        self._elsewhere = {name for name, job in app.jobs.items() if job.is_async}
        self._runner: asyncio.Runner | None = None
        self._home = Home()

    def _make_executor(self, app: Host) -> Executor:
        return parts.executor(
            app,
            holding=self._holding,
            cancellations=Cancellations(app.time),
            # The worker ends the process instead.
            limits=None,
            lease=_Certain(),
            reporter=Reporter(app.time),
            is_stopping=lambda: False,
            rng=random.Random(),
            memory=self._memory,
        )

    def _holding(self, holder: str) -> Holding:
        return Holding(
            holder,
            lambda: self._ask().is_lost,
            lambda: self._ask().is_stopping,
            lambda: self._ask().is_quiet,
            progress=lambda _jid, fraction, note: wire.send(self._connection, wire.Said(fraction, note)),
        )

    def run(self) -> None:
        while True:
            task = self._inbox.downward(self._connection)
            if task is None:
                return
            if isinstance(task, wire.Task):
                report = self._perform(task)
                if self._home.is_left:
                    leave_child()
                _flush()
                wire.send(self._connection, report)
                if report.is_last:
                    return

    def _perform(self, task: wire.Task) -> wire.Report:
        now, job = self._clock(), payload.read(task.raw, self._limit)
        delivery = Delivery(task.queue, task.seq, task.raw, task.holder, now, job, is_suspect=task.is_suspect)
        self._asked = -BELIEVED
        if job.name in self._elsewhere:
            self._loop().run(self._executor.arun(delivery))
        else:
            self._executor.run(delivery)
        return wire.Report(delivery.settlement, delivery.trace, delivery.is_given_up, delivery.is_gone, self._is_full)

    def _loop(self) -> asyncio.Runner:
        if self._runner is None:
            import asyncio

            self._runner = asyncio.Runner()
        return self._runner

    def _ask(self) -> wire.Signs:
        """Return how things are with the worker."""
        now = self._clock()
        if now - self._asked > BELIEVED:
            wire.send(self._connection, wire.Ask())
            answer = self._inbox.downward(self._connection)
            # Without an answer the worker is dead, and its jobs go to others.
            self._signs = answer if isinstance(answer, wire.Signs) else wire.Signs(is_lost=True)
            self._asked = self._clock()
        return self._signs

    @property
    def _is_full(self) -> bool:
        """True if so little memory is left that the next job might have too little."""
        return self._memory > 0 and _address_space() > _FULL * self._memory


class _Certain:
    """The worker looks after the lease, and ends this process when it has lost it."""

    def covers(self, holder: str, now: float) -> bool:  # noqa: ARG002 - as a lease
        """Return True."""
        return True


def _address_space() -> int:
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _flush() -> None:
    # What a job has printed must not be lost with the process; a job may have put anything in the place of these.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
