"""Slots that are processes: each takes one delivery after the other, and dies of what its job does to it."""

from __future__ import annotations

import os
import random
import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from mainspring.base.ends import JobCancelled, JobCut, JobTimeout
from mainspring.base.errors import InvalidOption, ProcessDied
from mainspring.base.service import Service
from mainspring.context import Holding
from mainspring.worker.deadlines import Alarm
from mainspring.worker.delivery import Delivery
from mainspring.worker.executor import Executor
from mainspring.worker.plan import Plan
from mainspring.worker.runners import wire
from mainspring.worker.runners.forkserver import ForkServer, fate
from mainspring.worker.watch import Limits

#: Seconds in which a process must take a job that is given to it.
_SEND: Final = 5.0


@dataclass(eq=False, slots=True)
class Child:
    """One process of jobs; only the runner's thread changes it.

    Attributes:
        number: Its number with the fork server.
        connection: To it.
        ending: The file that tells how it ended.
        inbox: What it has said.
        delivery: What it runs; None if it is free.
        verdict: What its job has failed with when it is killed; None as long as nobody kills it.
        alarm: Rings when its job's time is up; None if it may take any time.
    """

    number: int
    connection: socket.socket
    ending: int
    inbox: wire.Inbox = field(default_factory=wire.Inbox)
    delivery: Delivery | None = None
    verdict: BaseException | None = None
    alarm: Alarm | None = None


class ProcessRunner(Service):
    """A number of processes that are kept warm, and the thread that gives them jobs."""

    def __init__(
        self,
        name: str,
        size: int,
        *,
        executor: Executor,
        finished: Callable[[Delivery], None],
        forks: ForkServer,
        holding: Callable[[str], Holding],
        limits: Limits,
        rng: random.Random,
    ) -> None:
        """Make a runner for *size* processes at once; none runs yet.

        Args:
            name: The capsule's name.
            size: How many at once.
            executor: Admits each delivery, and judges those that cannot tell how they ended.
            finished: Called with each delivery that has run, in this runner's thread.
            forks: Makes processes.
            holding: Makes what all jobs have in common that run under one identity.
            limits: Rings when a job's time is up.
            rng: The source of jitter.
        """
        super().__init__(f"processes-{name}", rng=rng)
        self._name = name
        self._size = size
        self._executor = executor
        self._finished = finished
        self._forks = forks
        self._holding = holding
        self._limits = limits
        self._waiting: deque[Delivery] = deque()
        self._doomed: deque[tuple[Delivery, BaseException]] = deque()  # others ask for the end of these
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._rung, self._ringing = os.pipe()
        os.set_blocking(self._rung, False)
        os.set_blocking(self._ringing, False)
        self._selector.register(self._rung, selectors.EVENT_READ)

    # --- for the capsule -----------------------------------------------------------------

    def start(self) -> None:
        """Start the thread, and the first process, so that it is warm."""
        with suppress(OSError):
            self._hatch()
        super().start()

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Hand deliveries over."""
        self._waiting.extend(deliveries)
        self.wake()

    def waiting(self) -> int:
        """Count deliveries that no process has taken."""
        return len(self._waiting)

    @property
    def has_work(self) -> bool:
        """True if something runs or waits here."""
        return bool(self._waiting) or any(child.delivery is not None for child in list(self._children))

    def surrender(self) -> Iterator[Delivery]:
        """Take back what no process has taken."""
        while True:
            try:
                yield self._waiting.popleft()
            except IndexError:
                return

    def busy(self) -> list[tuple[str, Delivery]]:
        """Return which processes run what."""
        children = list(self._children)
        return [
            (f"{self._name}-process-{each.number}", each.delivery) for each in children if each.delivery is not None
        ]

    def leave(self, delivery: Delivery, settle: Callable[[], None]) -> bool:  # noqa: ARG002 - as the other runners
        """Return False: a process can always be ended."""
        return False

    def cancel(self, jid: str) -> bool:
        """Kill the process that runs the job *jid*; False if none does."""
        found = [delivery for _, delivery in self.busy() if delivery.jid == jid]
        for delivery in found:
            self.doom(delivery, JobCancelled(jid))
        return bool(found)

    def cut(self) -> None:
        """Kill all processes that run a job; the jobs are given back."""
        for _, delivery in self.busy():
            self.doom(delivery, JobCut())

    def doom(self, delivery: Delivery, verdict: BaseException) -> None:
        """End the process that runs *delivery*, if it still does; its job has failed with *verdict*."""
        self._doomed.append((delivery, verdict))
        self.wake()

    def wake(self) -> None:
        """End the present wait; safe from any thread."""
        with suppress(OSError):
            os.write(self._ringing, b".")

    # --- the loop --------------------------------------------------------------------------

    def turn(self) -> float:
        """Hand out, then wait for what the processes say, or for their ends."""
        self._kill_doomed()
        self._fill()
        for key, _ in self._selector.select():
            if key.data is None:
                with suppress(BlockingIOError):
                    os.read(self._rung, 65536)
            elif key.fileobj == key.data.ending:
                self._ended(key.data)
            elif key.data in self._children:
                self._listen(key.data)
        return 0.0

    def end(self) -> None:
        """Close what belongs to the processes; the fork server ends them."""
        for child in self._children:
            child.connection.close()
            os.close(child.ending)
        self._selector.close()

    def _fill(self) -> None:
        """Give what waits to processes that are free."""
        while self._waiting:
            child = next((each for each in self._children if each.delivery is None and each.verdict is None), None)
            if child is None and len(self._children) >= self._size:
                return
            try:
                delivery = self._waiting.popleft()
            except IndexError:
                return
            found = self._executor.admit_elsewhere(delivery)
            if found is None:
                self._finished(delivery)
                continue
            try:
                self._give(child or self._hatch(), delivery, found)
            except (OSError, InvalidOption) as error:
                self._executor.fail(delivery, ProcessDied(f"none could be started: {error}"))
                self._finished(delivery)

    def _hatch(self) -> Child:
        try:
            made = self._forks.hatch()
        except OSError:
            # The fork server may have died; were it for lack of memory, the next may live.
            self._forks.stop()
            self._forks.start()
            made = self._forks.hatch()
        child = Child(*made)
        child.connection.settimeout(_SEND)
        self._children.append(child)
        self._selector.register(child.connection, selectors.EVENT_READ, child)
        self._selector.register(child.ending, selectors.EVENT_READ, child)
        return child

    def _give(self, child: Child, delivery: Delivery, found: Plan) -> None:
        child.delivery = delivery
        task = wire.Task(delivery.queue, delivery.seq, delivery.raw, delivery.holder, delivery.is_suspect)
        try:
            wire.send(child.connection, task)
        except OSError:
            # It died while it was free, or does not read. It has not started the job, and its end is told soon.
            child.delivery, child.verdict = None, ProcessDied("it took no job")
            self._forks.kill(child.number)
            self._waiting.appendleft(delivery)
            return
        seconds = self._executor.limit(delivery, found)
        if seconds is not None:
            child.alarm = _Alarm(self, delivery, seconds)
            self._limits.deadlines.put(child.alarm, seconds)

    def _kill_doomed(self) -> None:
        while self._doomed:
            delivery, verdict = self._doomed.popleft()
            for child in self._children:
                # It may have ended in the meantime, and its process may have begun another.
                if child.delivery is delivery and child.verdict is None:
                    child.verdict = verdict
                    self._forks.kill(child.number)

    # --- what the processes say ------------------------------------------------------------

    def _listen(self, child: Child) -> None:
        try:
            is_open = child.inbox.feed(child.connection)
        except OSError:
            is_open = False
        for message in child.inbox.upward():
            self._heard(child, message)
        if not is_open:
            # Its end is told by its parent.
            self._selector.unregister(child.connection)

    def _heard(self, child: Child, message: wire.Upward) -> None:
        delivery = child.delivery
        if delivery is None:
            return
        holding = self._holding(delivery.holder)
        match message:
            case wire.Report():
                self._settle(child, delivery, message)
            case wire.Said(fraction=fraction, note=note):
                holding.progress(delivery.jid, fraction, note)
            case wire.Ask():
                signs = wire.Signs(holding.is_stopping(), holding.is_quiet(), holding.is_lost())
                with suppress(OSError):
                    wire.send(child.connection, signs)

    def _settle(self, child: Child, delivery: Delivery, report: wire.Report) -> None:
        self._free(child)
        if report.is_last:
            child.verdict = ProcessDied("it has had its fill")
        self._executor.ended(
            delivery,
            report.settlement,
            trace=report.trace,
            is_given_up=report.is_given_up,
            is_gone=report.is_gone,
        )
        self._finished(delivery)

    def _ended(self, child: Child) -> None:
        """Take a process off the list that has ended; what it did not tell is judged by how it did."""
        end = fate(os.read(child.ending, 4))
        # What it said at last may still lie there.
        with suppress(OSError, KeyError):
            child.connection.setblocking(False)
            while child.connection in self._selector.get_map() and child.inbox.feed(child.connection):
                pass
        for message in child.inbox.upward():
            self._heard(child, message)
        self._forget(child)
        delivery = child.delivery
        if delivery is not None:
            self._free(child)
            # If nobody can tell how it ended, the fork server has died, and the kernel has killed it with its parent.
            self._executor.fail(delivery, child.verdict or (JobCut() if end is None else ProcessDied(end)))
            self._finished(delivery)

    def _free(self, child: Child) -> None:
        child.delivery = None
        if child.alarm is not None:
            self._limits.deadlines.withdraw(child.alarm)
            child.alarm = None

    def _forget(self, child: Child) -> None:
        with suppress(KeyError):
            self._selector.unregister(child.connection)
        self._selector.unregister(child.ending)
        child.connection.close()
        os.close(child.ending)
        self._children.remove(child)


class _Alarm:
    """Kills a process whose job's time is up."""

    __slots__ = ("_delivery", "_runner", "_seconds", "tick")

    def __init__(self, runner: ProcessRunner, delivery: Delivery, seconds: float) -> None:
        self._runner = runner
        self._delivery = delivery
        self._seconds = seconds
        self.tick = 0

    def ring(self) -> float:
        self._runner.doom(self._delivery, JobTimeout(self._seconds))
        return 0.0
