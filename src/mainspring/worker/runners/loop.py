"""An event loop of its own for ``async def`` jobs, so that no job can hold up the worker's own work."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mainspring.worker.delivery import Delivery
from mainspring.worker.runners.forks import Home, leave_child

if TYPE_CHECKING:
    import asyncio


class LoopRunner:
    """Runs up to a number of coroutines at once, on a loop in a thread."""

    def __init__(
        self,
        name: str,
        size: int,
        *,
        run: Callable[[Delivery], Coroutine[Any, Any, None]],
        finished: Callable[[Delivery], None],
    ) -> None:
        """Make a runner for *size* coroutines at once; no loop runs yet.

        Args:
            name: The capsule's name.
            size: How many at once.
            run: Runs one delivery.
            finished: Called with each delivery that has run, in the loop's thread.
        """
        self._name = name
        self._size = size
        self._run = run
        self._finished = finished
        self._waiting: deque[Delivery] = deque()
        self._tasks: dict[Any, Delivery] = {}  # only the loop's thread writes this
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._home = Home()

    def start(self) -> None:
        """Start the loop; uvloop's, if it is installed."""
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._serve, name=f"mainspring-loop-{self._name}", daemon=True)
        self._thread.start()

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Hand deliveries to the loop, all in one call."""
        assert self._loop is not None  # noqa: S101 - a capsule puts only after it has started its runners
        self._waiting.extend(deliveries)
        self._loop.call_soon_threadsafe(self._fill)

    def waiting(self) -> int:
        """Count deliveries that have not started."""
        return len(self._waiting)

    @property
    def has_work(self) -> bool:
        """True if something runs or waits here."""
        return bool(self._waiting or self._tasks)

    def surrender(self) -> Iterator[Delivery]:
        """Take back what has not started."""
        while True:
            try:
                yield self._waiting.popleft()
            except IndexError:
                return

    def busy(self) -> list[tuple[str, Delivery]]:
        """Return what runs; names of slots are numbers of tasks."""
        running = list(self._tasks.values())
        return [(f"{self._name}-async-{number}", delivery) for number, delivery in enumerate(running, 1)]

    def leave(self, delivery: Delivery, settle: Callable[[], None]) -> bool:
        """Let another have the place of a task that does not end; False if it is not here. Called on the loop."""
        for task, running in self._tasks.items():
            if running is delivery:
                del self._tasks[task]
                settle()
                self._finished(delivery)
                self._fill()
                return True
        return False

    def cancel(self, jid: str) -> bool:
        """Cancel the job *jid*; False if it does not run here."""
        if self._loop is None or not any(delivery.jid == jid for delivery in list(self._tasks.values())):
            return False
        self._loop.call_soon_threadsafe(self._cancel, jid)
        return True

    def cut(self) -> None:
        """Cancel what runs."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cancel)

    def stop(self) -> None:
        """End the loop; what still runs is left where it is."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)

    def tasks(self) -> list[Any]:
        """Return the tasks, for a dump of their stacks."""
        return list(self._tasks)

    def _serve(self) -> None:
        import asyncio

        assert self._loop is not None  # noqa: S101 - `start` has made it
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        if not self._tasks:
            # The store's connections of this loop are closed with its generators.
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    def _fill(self) -> None:
        assert self._loop is not None  # noqa: S101 - runs on the loop
        self._leave_if_forked()
        while len(self._tasks) < self._size:
            try:
                delivery = self._waiting.popleft()
            except IndexError:
                return
            task = self._loop.create_task(self._run_here(delivery), context=contextvars.Context())
            self._tasks[task] = delivery
            task.add_done_callback(self._ended)

    async def _run_here(self, delivery: Delivery) -> None:
        self._leave_if_forked()
        await self._run(delivery)
        # At once: whatever else is ready on the loop would have its turn before `_ended`.
        self._leave_if_forked()

    def _ended(self, task: asyncio.Task[None]) -> None:
        delivery = self._tasks.pop(task, None)
        if delivery is None:
            # It was left to itself long ago.
            return
        if task.cancelled() or task.exception() is not None:
            # The executor judges whatever a job raises; here the run itself was cut.
            delivery.is_given_up = True
        self._finished(delivery)
        if self._waiting:
            self._fill()

    def _leave_if_forked(self) -> None:
        # The child has a copy of the loop, with all that runs and waits on it.
        if self._home.is_left:
            leave_child()

    def _cancel(self, jid: str = "") -> None:
        """Cancel one job, or all."""
        for task, delivery in list(self._tasks.items()):
            if jid in {"", delivery.jid}:
                task.cancel()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        import asyncio

        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
