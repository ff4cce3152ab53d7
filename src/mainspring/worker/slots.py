"""The slots of one capsule: threads for ``def`` jobs, a loop for ``async def`` jobs, and what waits for either."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any, Final

from mainspring.worker.delivery import Delivery
from mainspring.worker.executor import Executor
from mainspring.worker.runners.loop import LoopRunner
from mainspring.worker.runners.threads import ThreadRunner

_IS_ASYNC: Final = attrgetter("is_async")


class Slots:
    """Runs a number of deliveries at once, of either kind; used by one capsule's thread."""

    def __init__(self, name: str, size: int, *, executor: Executor, finished: Callable[[Delivery], None]) -> None:
        """Make *size* slots; nothing runs yet.

        Args:
            name: The capsule's name.
            size: How many deliveries run at once.
            executor: Runs each.
            finished: Called with each delivery that has run, in whatever thread ran it.
        """
        self._size = size
        self._has_async = bool(executor.async_jobs)
        self._threads = ThreadRunner(name, size, run=executor.run, finished=finished)
        self._loop = LoopRunner(name, size, run=executor.arun, finished=finished)
        self._pending: deque[Delivery] = deque()  # not handed to either yet

    def start(self) -> None:
        """Start the threads, and the loop if any job needs one."""
        self._threads.start()
        if self._has_async:
            self._loop.start()

    def put(self, deliveries: Iterable[Delivery]) -> None:
        """Let deliveries wait for their turn, which `deal` gives."""
        self._pending.extend(deliveries)

    def put_first(self, delivery: Delivery) -> None:
        """Let one delivery have the next turn."""
        self._pending.appendleft(delivery)

    def deal(self, unfinished: int) -> None:
        """Hand what waits to the threads and to the loop.

        Either runs as many at once as there are slots, whatever was fetched ahead. Where both have work, they
        must not do so together: then only as many are handed out as there are slots.

        Args:
            unfinished: How many deliveries have not finished, those that wait here included.
        """
        pending = self._pending
        if not pending:
            return
        if not (self._loop.has_work or (self._has_async and any(map(_IS_ASYNC, pending)))):
            self._threads.put(pending)
            pending.clear()
        else:
            self._deal_to_both(self._size - unfinished + len(pending))

    def _deal_to_both(self, free: int) -> None:
        threads: list[Delivery] = []
        tasks: list[Delivery] = []
        with_threads, with_tasks = self._threads.has_work, self._loop.has_work
        while self._pending:
            is_async = self._pending[0].is_async
            if free <= 0 and (with_threads or threads if is_async else with_tasks or tasks):
                break
            (tasks if is_async else threads).append(self._pending.popleft())
            free -= 1
        self._threads.put(threads)
        if tasks:
            self._loop.put(tasks)

    def waiting(self) -> int:
        """Count deliveries that no slot has taken."""
        return len(self._pending) + self._threads.waiting() + self._loop.waiting()

    def surrender(self) -> Iterator[Delivery]:
        """Take back what no slot has taken."""
        yield from self._threads.surrender()
        yield from self._loop.surrender()
        while self._pending:
            yield self._pending.popleft()

    def busy(self) -> list[tuple[str, Delivery]]:
        """Return the slots that run something, and what."""
        return self._threads.busy() + self._loop.busy()

    def tasks(self) -> list[Any]:
        """Return the tasks of the event loop, for a dump of their stacks."""
        return self._loop.tasks()

    def cut(self) -> None:
        """Cut short what still runs."""
        self._threads.cut()
        self._loop.cut()

    def stop(self) -> None:
        """Ask the threads to end when they are free; returns at once."""
        self._threads.stop()

    def end(self) -> None:
        """End the loop; what still runs is left where it is."""
        self._loop.stop()
