"""The slots of one capsule: threads for ``def`` jobs, a loop for ``async def`` jobs, processes, and what waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Protocol

from mainspring.worker.delivery import Delivery
from mainspring.worker.executor import Executor
from mainspring.worker.runners.loop import LoopRunner
from mainspring.worker.runners.processes import ProcessRunner
from mainspring.worker.runners.threads import ThreadRunner

_RUNS_IN: Final = attrgetter("runs_in")


class Runner(Protocol):
    """One kind of slots."""

    @property
    def has_work(self) -> bool:
        """True if something runs or waits here."""

    def start(self) -> None:
        """Begin to run what comes."""

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Hand deliveries over."""

    def waiting(self) -> int:
        """Count deliveries that no slot has taken."""

    def surrender(self) -> Iterator[Delivery]:
        """Take back what no slot has taken."""

    def busy(self) -> list[tuple[str, Delivery]]:
        """Return which slots run what."""

    def leave(self, delivery: Delivery, settle: Callable[[], None]) -> bool:
        """Let another have the slot of a run that does not end; False if it is not here."""

    def cancel(self, jid: str) -> bool:
        """End the run of a cancelled job; False if it is not here, or its kind cannot be ended."""

    def cut(self) -> None:
        """Cut short what runs."""


class Slots:
    """Runs a number of deliveries at once, of any kind; used by one capsule's thread.

    Attributes:
        elsewhere: Where those jobs run that do not run in threads, by name.
    """

    def __init__(
        self,
        name: str,
        size: int,
        *,
        executor: Executor,
        finished: Callable[[Delivery], None],
        processes: ProcessRunner | None = None,
    ) -> None:
        """Make *size* slots; nothing runs yet.

        Args:
            name: The capsule's name.
            size: How many deliveries run at once.
            executor: Runs each.
            finished: Called with each delivery that has run, in whatever thread ran it.
            processes: Slots that are processes; None if no job needs them.
        """
        self._size = size
        self.elsewhere = executor.elsewhere
        self._threads = ThreadRunner(name, size, run=executor.run, finished=finished)
        self._loop = LoopRunner(name, size, run=executor.arun, finished=finished)
        self._processes = processes
        # The kinds of which there are jobs, beside threads.
        self._others: dict[str, Runner] = {}
        if "async" in executor.elsewhere.values():
            self._others["async"] = self._loop
        if self._processes is not None:
            self._others["process"] = self._processes
        self._runners: Mapping[str, Runner] = {"": self._threads, **self._others}
        self._pending: deque[Delivery] = deque()  # not handed to any yet

    def start(self) -> None:
        """Start the threads, and what else any job needs."""
        for runner in self._runners.values():
            runner.start()

    def put(self, deliveries: Iterable[Delivery]) -> None:
        """Let deliveries wait for their turn, which `deal` gives."""
        self._pending.extend(deliveries)

    def put_first(self, delivery: Delivery) -> None:
        """Let one delivery have the next turn."""
        self._pending.appendleft(delivery)

    def deal(self, unfinished: int) -> None:
        """Hand what waits to the threads, the loop and the processes.

        Each kind runs as many at once as there are slots, whatever was fetched ahead. Where several have work,
        they must not do so together: then only as many are handed out as there are slots.

        Args:
            unfinished: How many deliveries have not finished, those that wait here included.
        """
        pending = self._pending
        if not pending:
            return
        others = self._others
        if not others or not (any(map(_RUNS_IN, pending)) or any(runner.has_work for runner in others.values())):
            self._threads.put(pending)
            pending.clear()
        else:
            self._deal_to_all(self._size - unfinished + len(pending))

    def _deal_to_all(self, free: int) -> None:
        working = {kind for kind, runner in self._runners.items() if runner.has_work}
        given: dict[str, list[Delivery]] = {}
        while self._pending:
            kind = self._pending[0].runs_in
            if free <= 0 and (working | given.keys()) - {kind}:
                break
            given.setdefault(kind, []).append(self._pending.popleft())
            free -= 1
        for kind, deliveries in given.items():
            self._runners[kind].put(deliveries)

    def waiting(self) -> int:
        """Count deliveries that no slot has taken."""
        return len(self._pending) + sum(runner.waiting() for runner in self._runners.values())

    def surrender(self) -> Iterator[Delivery]:
        """Take back what no slot has taken."""
        for runner in self._runners.values():
            yield from runner.surrender()
        while self._pending:
            yield self._pending.popleft()

    def busy(self) -> list[tuple[str, Delivery]]:
        """Return the slots that run something, and what."""
        return [each for runner in self._runners.values() for each in runner.busy()]

    def tasks(self) -> list[Any]:
        """Return the tasks of the event loop, for a dump of their stacks."""
        return self._loop.tasks()

    def leave(self, delivery: Delivery, settle: Callable[[], None]) -> bool:
        """Let another have the slot of a run that does not end; False if it is not here."""
        return any(runner.leave(delivery, settle) for runner in self._runners.values())

    def stuck(self) -> int:
        """Count the threads that have lost their slots and have not ended."""
        return self._threads.stuck()

    def cancel(self, jid: str) -> bool:
        """End the run of a cancelled job; False if it is not here, or in a thread, which must ask for itself."""
        return any(runner.cancel(jid) for runner in self._runners.values())

    def cut(self) -> None:
        """Cut short what still runs."""
        for runner in self._runners.values():
            runner.cut()

    def stop(self) -> None:
        """Ask the threads to end when they are free; returns at once."""
        self._threads.stop()

    def end(self) -> None:
        """End the loop and the processes' keeper; what still runs is left where it is."""
        self._loop.stop()
        if self._processes is not None:
            self._processes.stop()
