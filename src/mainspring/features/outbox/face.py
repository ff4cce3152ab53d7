"""The user's face of an outbox: what is enqueued through it is written in the caller's transaction.

An outbox takes jobs in place of the store. Everything before is as always: the arguments
are checked, the middleware runs around the writing, and the job's id is known before the commit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ParamSpec, Protocol, Self

from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.base.errors import NoTransaction
from mainspring.base.timesource import TimeSource
from mainspring.features.outbox.table import Values
from mainspring.job import Enqueued, Job
from mainspring.options import Options, moment
from mainspring.push import Push
from mainspring.shipment import Collector

P = ParamSpec("P")


class Writes(Protocol):
    """What writes rows in the caller's transaction."""

    def write(self, rows: Sequence[Values]) -> None:
        """Write *rows*."""


class AsyncWrites(Protocol):
    """What writes rows in the transaction of a coroutine."""

    async def write(self, rows: Sequence[Values]) -> None:
        """Write *rows*."""


class Pusher(Protocol):
    """The App's client, as far as an outbox is concerned."""

    @property
    def limit(self) -> int:
        """The longest job, in bytes."""

    @property
    def collector(self) -> ContextVar[Collector | None]:
        """What takes jobs in place of the store."""

    def enqueue(self, job: Job[Any, Any], args: Sequence[Any], kwargs: dict[str, Any], options: Options) -> Enqueued:
        """Push one job."""

    async def aenqueue(
        self, job: Job[Any, Any], args: Sequence[Any], kwargs: dict[str, Any], options: Options
    ) -> Enqueued:
        """Push one job, awaiting the store."""

    def delayed(self, options: Options, seconds: float) -> Options:
        """Return *options* with a due time *seconds* from now."""


class _Taking:
    """Takes the jobs that are enqueued within a block."""

    def __init__(self, client: Pusher, time: TimeSource) -> None:
        self._client = client
        self._time = time
        self._open = 0
        # Blocks of one outbox may stand in one another.
        self._blocks: list[AbstractContextManager[None]] = []

    @contextmanager
    def _block(self) -> Iterator[None]:
        token = self._client.collector.set(self)
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._client.collector.reset(token)

    def _enter(self) -> None:
        block = self._block()
        block.__enter__()
        self._blocks.append(block)

    def _leave(self) -> None:
        self._blocks.pop().__exit__(None, None, None)

    def take(self, pushes: Sequence[Push]) -> None:
        """Write *pushes* by a call that blocks."""
        raise NotImplementedError

    async def atake(self, pushes: Sequence[Push]) -> None:
        """Write *pushes*, awaiting the database."""
        raise NotImplementedError

    def _rows(self, pushes: Sequence[Push]) -> list[Values]:
        if not self._open:
            # A thread or a task that was started in the block goes on with the block's context, and the transaction
            # may be long over: what it wrote could be in no transaction, or in another's.
            raise NoTransaction(
                "the block `with app.outbox(...)` has been left, and something it started enqueues still"
            )
        now = self._time.now()
        return [_row(push, now, self._client.limit) for push in pushes]


class Outbox(_Taking):
    """Enqueues in the transaction of a session or a connection; made by `App.outbox`.

    Example:
        .. code-block:: python

            with Session(engine) as session, session.begin():
                session.add(order)
                app.outbox(session).enqueue(send_receipt, order.id)

        All that is enqueued in a block, here or in functions that it calls::

            with app.outbox(session):
                send_receipt.enqueue(order.id)
                remind.enqueue_in("3d", order.id)
    """

    def __init__(self, writer: Writes, client: Pusher, time: TimeSource) -> None:
        """Write by *writer* what is enqueued."""
        super().__init__(client, time)
        self._writer = writer

    def __enter__(self) -> Self:
        """Take what is enqueued from here on."""
        self._enter()
        return self

    def __exit__(self, *_: object) -> None:
        """Let the store have what is enqueued from here on; the transaction goes on."""
        self._leave()

    def enqueue(self, job: Job[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Write *job* in the transaction, to be pushed after its commit.

        Raises:
            WrongArguments: As `Job.enqueue`.
            PayloadTooLarge: As `Job.enqueue`.
            NoTransaction: If Django has no transaction open.
        """
        with self._block():
            return self._client.enqueue(job, args, kwargs, job.options)

    def enqueue_in(self, job: Job[P, Any], delay: Duration, /, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Write *job* in the transaction, to run after *delay*, counted from now; raises as `enqueue`."""
        with self._block():
            options = self._client.delayed(job.options, durations.seconds(delay))
            return self._client.enqueue(job, args, kwargs, options)

    def enqueue_at(self, job: Job[P, Any], when: datetime | float, /, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Write *job* in the transaction, to run at *when*; raises as `enqueue`."""
        with self._block():
            return self._client.enqueue(job, args, kwargs, job.options.changed(at=moment(when)))

    def take(self, pushes: Sequence[Push]) -> None:
        """Write *pushes*; the client calls it.

        Raises:
            NoTransaction: If Django has no transaction open, or the block has been left.
        """
        if rows := self._rows(pushes):
            self._writer.write(rows)

    async def atake(self, pushes: Sequence[Push]) -> None:
        """Write *pushes* that a coroutine enqueues, by a call that blocks; as `take`."""
        self.take(pushes)


class AsyncOutbox(_Taking):
    """Enqueues in the transaction of an AsyncSession or AsyncConnection; made by `App.outbox`.

    Example:
        .. code-block:: python

            async with AsyncSession(engine) as session, session.begin():
                session.add(order)
                await app.outbox(session).aenqueue(send_receipt, order.id)

                async with app.outbox(session):
                    await remind.aenqueue_in("3d", order.id)
    """

    def __init__(self, writer: AsyncWrites, client: Pusher, time: TimeSource) -> None:
        """Write by *writer* what is enqueued."""
        super().__init__(client, time)
        self._writer = writer

    async def __aenter__(self) -> Self:
        """Take what is enqueued from here on."""
        self._enter()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let the store have what is enqueued from here on; the transaction goes on."""
        self._leave()

    async def aenqueue(self, job: Job[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Write *job* in the transaction, to be pushed after its commit; raises as `Outbox.enqueue`."""
        with self._block():
            return await self._client.aenqueue(job, args, kwargs, job.options)

    async def aenqueue_in(self, job: Job[P, Any], delay: Duration, /, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Write *job* in the transaction, to run after *delay*, counted from now; raises as `Outbox.enqueue`."""
        with self._block():
            options = self._client.delayed(job.options, durations.seconds(delay))
            return await self._client.aenqueue(job, args, kwargs, options)

    async def aenqueue_at(
        self, job: Job[P, Any], when: datetime | float, /, *args: P.args, **kwargs: P.kwargs
    ) -> Enqueued:
        """Write *job* in the transaction, to run at *when*; raises as `Outbox.enqueue`."""
        with self._block():
            return await self._client.aenqueue(job, args, kwargs, job.options.changed(at=moment(when)))

    def take(self, pushes: Sequence[Push]) -> None:
        """Refuse: a call that blocks cannot write in a transaction that must be awaited.

        Raises:
            NoTransaction: Always.
        """
        names = ", ".join(sorted({push.name for push in pushes})) or "nothing"
        raise NoTransaction(f"{names} was enqueued by a call that blocks; this outbox must be awaited: aenqueue")

    async def atake(self, pushes: Sequence[Push]) -> None:
        """Write *pushes*; the client calls it.

        Raises:
            NoTransaction: If the block has been left.
        """
        if rows := self._rows(pushes):
            await self._writer.write(rows)


def _row(push: Push, now: float, limit: int) -> Values:
    payload = push.encoded(now, limit)
    return {"jid": push.jid, "queue": push.queue, "at": push.at, "payload": payload.decode(), "created_at": now}
