"""Runs an iterable job in a worker: from its cursor, item by item, until it ends or is stopped."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from dataclasses import replace
from typing import Any, Final

from mainspring.base import codec, payload
from mainspring.base.ends import JobInterrupted
from mainspring.base.errors import Discard, LeaseLost, StoreError, StoreUnavailable, WrongArguments
from mainspring.base.loggers import Log
from mainspring.base.timesource import TimeSource
from mainspring.context import JobContext
from mainspring.features.iteration.made import CURSOR, Iteration, of
from mainspring.store import cursors
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.cursors import Saved, State

_log: Final = Log("mainspring.job")

#: Seconds between two saves: what at most is done again after a death, and the time of one item.
EVERY: Final = 5.0


def runner(function: Callable[..., Any], *, store: Store, time: TimeSource) -> Runner | None:
    """Return what runs a job's *function* item by item; None if it is no iterable job."""
    found = of(function)
    return None if found is None else Runner(found, store=store, time=time, every=EVERY)


class Runner:
    """Runs jobs of one class, item by item, in a worker."""

    def __init__(self, iteration: Iteration, *, store: Store, time: TimeSource, every: float) -> None:
        """Prepare to run.

        Args:
            iteration: What `of` found.
            store: Where cursors lie.
            time: The clocks.
            every: Seconds between two saves.
        """
        self._iteration = iteration
        self._store = store
        self._time = time
        self._every = every

    def call(self, context: JobContext) -> None:
        """Run a job from its cursor, in a thread.

        Raises:
            JobInterrupted: If the worker is quiet or stops; the cursor is saved, and the job may go back to its queue.
            LeaseLost: If the job was given to another process.
            Discard: If somebody has cancelled it.
        """
        journey = self._journey(context, self._load(context))
        try:
            self._walk(journey, self._iteration.steps(journey.start, *context.args, **context.kwargs))
        finally:
            self._save_last(journey)

    def _walk(self, journey: _Journey, steps: Generator[object, None, None]) -> None:
        # Closed before the cursor is saved for the last time: what the job does at its end belongs to what was done.
        with closing(steps):
            for cursor in steps:
                if journey.reached(cursor):
                    self._save(journey)
            journey.has_ended = True

    async def acall(self, context: JobContext) -> None:
        """Run a job from its cursor, on an event loop; raises as `call`."""
        import asyncio

        journey = self._journey(context, await asyncio.to_thread(self._load, context))
        try:
            await self._awalk(journey, self._iteration.steps(journey.start, *context.args, **context.kwargs))
        finally:
            await asyncio.to_thread(self._save_last, journey)

    async def _awalk(self, journey: _Journey, steps: AsyncGenerator[object, None]) -> None:
        import asyncio

        async with aclosing(steps):
            async for cursor in steps:
                if journey.reached(cursor):
                    await asyncio.to_thread(self._save, journey)
            journey.has_ended = True

    def _save(self, journey: _Journey) -> None:
        try:
            answer = self._write(journey)
        except StoreError as error:
            journey.postponed(error)
        else:
            journey.saved(answer)

    def _save_last(self, journey: _Journey) -> None:
        """Save where it ends; what the job raised, or its success, matters more than what comes of that."""
        if not journey.is_unsaved:
            return
        try:
            self._write(journey)
        except StoreError as error:
            journey.postponed(error)

    def _write(self, journey: _Journey) -> Saved:
        held = self._store.run(cursors.held(*journey.place)) if journey.is_marked else None
        return self._store.run(journey.save(held))

    def _load(self, context: JobContext) -> State:
        try:
            return self._store.run(cursors.load(context.jid))
        except StoreUnavailable as error:
            # Where it has come to is not known now; from the start, all would be done again.
            raise JobInterrupted(context.jid) from error

    def _journey(self, context: JobContext, state: State) -> _Journey:
        if state.cancelled:
            raise Discard("cancelled")
        return _Journey(self._iteration, context, state, time=self._time, every=self._every)


class _Journey:
    """One run: where it has come to, and what of that is saved.

    Attributes:
        start: The cursor it begins with.
        has_ended: True once there are no more items.
        is_marked: True if the job as it is stored says what no longer holds once it has come farther.
    """

    def __init__(
        self, iteration: Iteration, context: JobContext, state: State, *, time: TimeSource, every: float
    ) -> None:
        self.has_ended = False
        self._context = context
        self._convert = iteration.cursor.bind
        self._state = replace(state, runs=state.runs + 1)
        self._time = time
        self._every = every
        self._began = self._saved_at = self._time.monotonic()
        self._wire: object = None
        self._has_moved = self._is_lost = False
        self._is_stored = state.cursor is not None
        self.is_marked = context.recoveries > 0 or context.expires_at is not None
        self.start = iteration.first
        if state.cursor is not None and (stored := codec.decode(state.cursor)) is not None:
            ((self.start,), _) = iteration.cursor.restore([stored], {})
            self._wire = stored
        context.cursor = self.start

    def reached(self, cursor: object) -> bool:
        """Note that all items up to *cursor* are done, and return whether it is time to save that.

        Raises:
            JobInterrupted: If the job should stop here.
            LeaseLost: If the job may have been given to another process.
            WrongArguments: If *cursor* is nothing to go on from.
        """
        if cursor is None:
            raise WrongArguments(self._context.name, CURSOR, "None was yielded; yield where to go on after the item")
        # At once, and not when it is saved: the job may change a list after it has yielded it.
        ((self._wire,), _) = self._convert([cursor], {})
        self._has_moved = True
        context = self._context
        context.cursor = cursor
        if context.is_interrupted():
            raise JobInterrupted(context.jid)
        context.check()
        return self._time.monotonic() - self._saved_at >= self._every

    @property
    def place(self) -> tuple[str, str, int]:
        """Where the job is in flight: queue, process and delivery."""
        return self._context.queue, self._context.process, self._context.fence

    @property
    def is_unsaved(self) -> bool:
        """True if the place where it ends is to be saved, and its own to save."""
        # Also at its very end, if it was saved before: if the process dies before that is recorded, the next run
        # shall find nothing to do.
        return (self._is_stored if self.has_ended else self._has_moved) and not self._is_lost

    def save(self, held: bytes | None = None) -> Command[Saved]:
        """Return the call that saves where it is; *held* is the job as it is stored, if it is marked."""
        now = self._saved_at = self._time.monotonic()
        runtime = self._state.runtime + now - self._began
        state = replace(self._state, cursor=codec.encode(self._wire), runtime=runtime)
        ttl_ms = cursors.ENDED_MS if self.has_ended else cursors.KEPT_MS
        relieved = b"" if held is None else _relieved(held)
        return cursors.save(*self.place, self._context.jid, state, ttl_ms=ttl_ms, payload=relieved)

    def saved(self, answer: Saved) -> None:
        """Note that it was saved.

        Raises:
            LeaseLost: If the job was given to another process.
            Discard: If somebody has cancelled it.
        """
        self._is_stored, self._has_moved, self.is_marked = True, False, False
        if not answer.is_ours:
            self._is_lost = True
            raise LeaseLost(self._context.jid, self._context.process)
        if answer.cancelled:
            raise Discard("cancelled")

    def postponed(self, error: StoreError) -> None:
        """Note that it could not be saved: an outage costs no more than that more is done again if the process dies."""
        facts = {"jid": self._context.jid, "class": self._context.name}
        _log.warning("its cursor could not be saved: %s", error, extra={"event": "job.cursor_lost", "facts": facts})


def _relieved(held: bytes) -> bytes:
    """Return a job without what no longer holds of one that has come farther.

    It is not what killed its processes: what does kill them comes no farther. And it was started in time.
    """
    flow = payload.fields(held).get("flow")
    rest = {name: value for name, value in flow.items() if name != "expires_at"} if isinstance(flow, dict) else {}
    return payload.changed(held, {"recovered": None, "flow": rest or None})
