"""A batch, as its user holds it: filled in a block, looked at, waited for, cancelled."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from contextvars import Token
from types import TracebackType
from typing import Final, Self

from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.base.errors import BatchNotFound, InvalidOption, StoreError
from mainspring.features.batches.desk import Desk
from mainspring.features.batches.filling import Filling
from mainspring.shipment import Collector
from mainspring.store import batches
from mainspring.store.batches import BatchStatus

#: Seconds between two looks of one who waits: the first, and the longest.
_FIRST_LOOK: Final = 0.02
_LONGEST_LOOK: Final = 0.5


class Batch:
    """Jobs that belong together, and whose end is told by callbacks.

    Example:
        .. code-block:: python

            with app.batch("import", on_success=report.step(day)) as batch:
                for row in rows:
                    load.enqueue(row.id)
            batch.status().pending

    In its block every job that is enqueued goes into it: all of them at the block's end, in one
    unit; none if the block raises. The block may be entered again while the batch is not over, from
    its own jobs above all: so a batch grows.

    Attributes:
        bid: Its id.
    """

    def __init__(self, desk: Desk, bid: str, filling: Filling | None = None) -> None:
        """Hold the batch *bid*; `App.batch` and `App.find_batch` do.

        Args:
            desk: What it needs of its App.
            bid: Its id.
            filling: What its first block fills; None for a batch that is in the store.
        """
        self.bid = bid
        self._desk = desk
        self._first = filling
        self._open: list[tuple[Filling, Token[Collector | None]]] = []

    def __repr__(self) -> str:
        """Show its id."""
        return f"<Batch {self.bid}>"

    def __eq__(self, other: object) -> bool:
        """Compare ids."""
        return isinstance(other, Batch) and other.bid == self.bid

    def __hash__(self) -> int:
        """Hash as `__eq__` compares."""
        return hash(self.bid)

    # --- the block ---------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Collect from here on the jobs that are enqueued in this context: this thread, or this task.

        Raises:
            InvalidOption: If its block is open already, or stands in that of an outbox.
        """
        if self._open:
            raise InvalidOption(f"the block of batch {self.bid} is open already")
        filling = self._first or Filling(self._desk, self.bid, is_stored=True, must_seal=False)
        filling.join()
        self._first = None
        collector = self._desk.client.collector
        self._open.append((filling, collector.set(filling)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Push all that was collected, or, after an error, nothing; raises as `Job.enqueue`.

        Raises:
            BatchNotFound: If the batch, or its parent, is not there any more.
            BatchClosed: If it takes no more jobs.
        """
        filling = self._leave()
        if error is not None:
            self._undo(filling)
        elif filling.above is None:
            try:
                filling.send()
            except BaseException:
                self._undo(filling)
                raise

    async def __aenter__(self) -> Self:
        """Collect from here on the jobs that are enqueued in this task; as ``with``."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Push all that was collected; as ``with``."""
        filling = self._leave()
        if error is not None:
            await self._aundo(filling)
        elif filling.above is None:
            try:
                await filling.asend()
            except BaseException:
                await self._aundo(filling)
                raise

    def _leave(self) -> Filling:
        filling, token = self._open.pop()
        self._desk.client.collector.reset(token)
        filling.close()
        return filling

    # What was sent before a block failed cannot be called back; but what of it has not started need not start.

    def _undo(self, filling: Filling) -> None:
        if filling.drop():
            with suppress(StoreError, BatchNotFound):
                self.cancel()

    async def _aundo(self, filling: Filling) -> None:
        if filling.drop():
            with suppress(StoreError, BatchNotFound):
                await self.acancel()

    # --- looking ------------------------------------------------------------------------

    def status(self) -> BatchStatus:
        """Return how far it is, in one round trip, however many jobs it has.

        Raises:
            BatchNotFound: If it has not been pushed yet, or is forgotten.
        """
        return _found(self.bid, self._desk.store().run(batches.read(self.bid)))

    async def astatus(self) -> BatchStatus:
        """Return how far it is, awaiting the store; as `status`."""
        return _found(self.bid, await self._desk.async_store().run(batches.read(self.bid)))

    def join(self, timeout: Duration | None = None) -> BatchStatus:
        """Wait until it is complete: until each job has run once, whichever way that ended.

        Args:
            timeout: How long to wait at most; None for as long as it takes.

        Returns:
            How far it is then. After a timeout ``is_complete`` is False; and where jobs failed, ``is_success``.

        Raises:
            BatchNotFound: As `status`.
        """
        for pause in self._pauses(timeout):
            found = self.status()
            if found.is_complete:
                return found
            self._desk.time.sleep(pause)
        return self.status()

    async def ajoin(self, timeout: Duration | None = None) -> BatchStatus:
        """Wait until it is complete, without blocking the event loop; as `join`."""
        import asyncio

        for pause in self._pauses(timeout):
            found = await self.astatus()
            if found.is_complete:
                return found
            await asyncio.sleep(pause)
        return await self.astatus()

    def _pauses(self, timeout: Duration | None) -> Iterator[float]:
        clock = self._desk.time.monotonic
        end = math.inf if timeout is None else clock() + durations.seconds(timeout)
        pause = _FIRST_LOOK
        while (left := end - clock()) > 0:
            yield min(pause, left)
            pause = min(_LONGEST_LOOK, pause * 1.5)

    def parent(self) -> Batch | None:
        """Return the batch that it is in; None if in none. Raises as `status`."""
        parent = self.status().parent
        return Batch(self._desk, parent) if parent else None

    # --- ending --------------------------------------------------------------------------

    def cancel(self) -> int:
        """Let none of its jobs start any more, nor any of the batches in it.

        Jobs that wait are dropped when they come up, and one that runs goes on to its end. Workers hear of it within
        six seconds. Success never comes, for it or a batch that it is in; complete comes when nothing of it is left.

        Returns:
            How many batches this call cancelled; 0 if it was over.

        Raises:
            BatchNotFound: As `status`.
        """
        return self._desk.store().run(batches.cancel(self.bid))

    async def acancel(self) -> int:
        """Cancel from a coroutine; as `cancel`."""
        return await self._desk.async_store().run(batches.cancel(self.bid))


def _found(bid: str, status: BatchStatus | None) -> BatchStatus:
    if status is None:
        raise BatchNotFound(bid)
    return status
