"""Takes jobs to the store: builds the record, runs the middleware, pushes.

Sync and async share everything but the one call that waits. An error says which
of two things happened: the job is certainly not stored, or nobody can tell.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from mainspring.base import durations
from mainspring.base.errors import InvalidOption, PushAmbiguous, PushFailed, StoreError
from mainspring.base.payload import LIMIT
from mainspring.base.timesource import TimeSource
from mainspring.job import Answers, Call, Draft, Enqueued, Job
from mainspring.middleware import Middleware, Passage, around, around_async
from mainspring.options import Options
from mainspring.push import Push, new_jid
from mainspring.shipment import Collector, Shipment, shipments
from mainspring.store import queues
from mainspring.store.connection import AsyncStore, Store

#: How many jobs a bulk push sends at once.
BULK: Final = queues.MOST

#: Seconds to wait before a push whose answer was lost is made again.
_AGAIN: Final = (0.05, 0.2, 1.0)

#: Seconds after which a push is not made again. An attempt at a frozen server lasts five: a caller, who may
#: be answering a web request, waits for two of them at most.
_PATIENCE: Final = 5.5

#: The longest time for retries that Sidekiq takes, in seconds: its scheduler loses a job that says more.
_LONGEST_RETRY_FOR: Final = 1e9


class Client:
    """Pushes the jobs of one App.

    Attributes:
        limit: The longest job that is pushed, in bytes.
        collector: Where it is set, it takes the jobs in place of the store.
        results: What tells how the jobs ended; the App sets this.
    """

    results: Answers

    def __init__(
        self,
        *,
        store: Callable[[], Store],
        async_store: Callable[[], AsyncStore],
        time: TimeSource,
        rng: random.Random,
        limit: int = LIMIT,
    ) -> None:
        """Prepare to push; the stores are asked for when they are first needed."""
        self.limit = limit
        self.collector: ContextVar[Collector | None] = ContextVar("mainspring_collector", default=None)
        self._store = store
        self._async_store = async_store
        self._time = time
        self._rng = rng
        self._middlewares: tuple[Middleware, ...] = ()
        self._carried: dict[str, ContextVar[Any]] = {}
        self._push: Callable[[Push], Enqueued | None] = self._send
        self._apush = around_async((), self._asend)

    def use(self, middleware: Middleware) -> None:
        """Put *middleware* inside those that are there."""
        self._middlewares += (middleware,)
        self._push = around(self._middlewares, self._send)
        self._apush = around_async(self._middlewares, self._asend)

    def carry(self, variable: ContextVar[Any]) -> None:
        """Let *variable*, where it is set, travel with each job.

        Raises:
            InvalidOption: If it is no context variable, or another of its name travels.
        """
        if not isinstance(variable, ContextVar):
            raise InvalidOption(f"{variable!r} cannot be carried: it is no contextvars.ContextVar")
        if self._carried.setdefault(variable.name, variable) is not variable:
            raise InvalidOption(f"two context variables are named {variable.name!r}; jobs carry them by name")

    @property
    def carried(self) -> Mapping[str, ContextVar[Any]]:
        """The context variables that travel with jobs, by name."""
        return self._carried

    # --- one ---------------------------------------------------------------------

    def enqueue(self, job: Job[Any, Any], args: Sequence[Any], kwargs: dict[str, Any], options: Options) -> Enqueued:
        """Push one job; raises as `Job.enqueue`."""
        push = self.build(job, args, kwargs, options)
        return self._push(push) or stopped(push)

    async def aenqueue(
        self, job: Job[Any, Any], args: Sequence[Any], kwargs: dict[str, Any], options: Options
    ) -> Enqueued:
        """Push one job, awaiting the store; raises as `Job.enqueue`."""
        push = self.build(job, args, kwargs, options)
        return await self._apush(push) or stopped(push)

    def enqueue_raw(self, push: Push) -> Enqueued:
        """Push a record that was built by name."""
        return self._push(push) or stopped(push)

    async def aenqueue_raw(self, push: Push) -> Enqueued:
        """Push a record that was built by name, awaiting the store."""
        return await self._apush(push) or stopped(push)

    def _send(self, push: Push) -> Enqueued:
        collector = self.collector.get()
        if collector is not None:
            collector.take([push])
        else:
            self.ship([push])
        return push.enqueued()

    async def _asend(self, push: Push) -> Enqueued:
        collector = self.collector.get()
        if collector is not None:
            await collector.atake([push])
        else:
            await self.aship([push])
        return push.enqueued()

    def ship(self, pushes: Sequence[Push]) -> None:
        """Store at most 1,000 jobs whose middleware has run; each says then whether another stands in its place.

        Raises:
            PushFailed: If they are certainly not stored, those of earlier queues excepted.
            PushAmbiguous: If nobody can tell.
        """
        for shipment in shipments(pushes, self._time.now(), self.limit):
            self.deliver(shipment)

    async def aship(self, pushes: Sequence[Push]) -> None:
        """Store at most 1,000 jobs, awaiting the store; as `ship`."""
        for shipment in shipments(pushes, self._time.now(), self.limit):
            await self.adeliver(shipment)

    def deliver(self, shipment: Shipment) -> object:
        """Make a push, and return its answer; make it again if that was lost, which its token makes harmless.

        Raises:
            PushFailed: If it had certainly no effect.
            PushAmbiguous: If nobody can tell.
        """
        began, attempts = self._time.monotonic(), None
        while True:
            try:
                answer: object = self._store().run(shipment.command)
            except StoreError as error:
                attempts = attempts or _Attempts(self._time, shipment, began)
                self._time.sleep(attempts.failed(error))
            else:
                shipment.answered(answer)
                return answer

    async def adeliver(self, shipment: Shipment) -> object:
        """Make a push from a coroutine, as `deliver`."""
        import asyncio

        began, attempts = self._time.monotonic(), None
        while True:
            try:
                answer: object = await self._async_store().run(shipment.command)
            except StoreError as error:
                attempts = attempts or _Attempts(self._time, shipment, began)
                await asyncio.sleep(attempts.failed(error))
            else:
                shipment.answered(answer)
                return answer

    # --- many ----------------------------------------------------------------------

    def enqueue_many(
        self, job: Job[Any, Any], calls: Iterable[Call[Any]], options: Options, spread: float
    ) -> list[Enqueued]:
        """Push many jobs, 1,000 in a round trip; raises as `Job.enqueue_many`."""
        results: list[Enqueued] = []
        for part in self._parts(job, calls, options, spread):
            with part:
                collector = self.collector.get()
                if collector is not None:
                    collector.take(part.open)
                else:
                    self.ship(part.open)
            results += part.results
        return results

    async def aenqueue_many(
        self, job: Job[Any, Any], calls: Iterable[Call[Any]], options: Options, spread: float
    ) -> list[Enqueued]:
        """Push many jobs, awaiting the store; raises as `Job.enqueue_many`."""
        results: list[Enqueued] = []
        for part in self._parts(job, calls, options, spread):
            with part:
                collector = self.collector.get()
                if collector is not None:
                    await collector.atake(part.open)
                else:
                    await self.aship(part.open)
            results += part.results
        return results

    def _parts(
        self, job: Job[Any, Any], calls: Iterable[Call[Any]], options: Options, spread: float
    ) -> Iterator[_Part]:
        rest = iter(calls)
        while part := list(islice(rest, BULK)):
            pushes = [self.build(job, call.args, call.kwargs, self._spread(options, spread)) for call in part]
            yield _Part(pushes, self._middlewares)

    def _spread(self, options: Options, seconds: float) -> Options:
        """Return *options* with a due time at random within *seconds* of the one they have."""
        if not seconds:
            return options
        return replace(options, at=(options.at or self._time.now()) + self._rng.uniform(0, seconds))

    # --- building ------------------------------------------------------------------

    def build(
        self, job: Job[Any, Any], args: Sequence[Any], kwargs: dict[str, Any], options: Options, *, jid: str = ""
    ) -> Push:
        """Return the record of one job; its id is final, as what is encrypted is bound to it.

        Raises:
            WrongArguments: If the arguments do not fit, or cannot travel as JSON.
        """
        wire_args, wire_kwargs = job.arguments.bind(args, kwargs)
        push = self.record(job.name, wire_args, wire_kwargs, options, jid=jid)
        if job.tie is not None:
            job.tie(Draft(push.fields, push.fields["created_at"] if push.at is None else push.at, args, kwargs, job))
        return push

    def record(self, name: str, args: list[Any], kwargs: dict[str, Any], options: Options, *, jid: str = "") -> Push:
        """Return the record of a job whose arguments are JSON-ready, with a new id unless it has a *jid*."""
        now = self._time.now()
        at = options.at if options.at is not None and options.at > now else None
        fields: dict[str, Any] = {"retry": options.retry.wire, "queue": options.queue, "class": name, "args": args}
        if kwargs:
            fields["kwargs"] = kwargs
        if options.tags:
            fields["tags"] = list(options.tags)
        if options.retry.for_ is not None:
            fields["retry_for"] = min(durations.seconds(options.retry.for_), _LONGEST_RETRY_FOR)
        if not options.retry.dead and options.retry.max:
            fields["dead"] = False
        if self._carried:
            self._add_carried(fields)
        fields["jid"] = jid = jid or new_jid()
        fields["created_at"] = now
        return Push(name, jid, options.queue, at, fields)

    def _add_carried(self, fields: dict[str, Any]) -> None:
        carry = {}
        for name, variable in self._carried.items():
            value = variable.get(_UNSET)
            if value is not _UNSET:
                carry[name] = value
        if carry:
            fields["carry"] = carry

    def prepare(self, push: Push) -> bool:
        """Run the middleware around a push that another makes, as the clock does for a tick; False if it stopped."""
        return around(self._middlewares, Push.enqueued)(push) is not None

    def delayed(self, options: Options, seconds: float) -> Options:
        """Return *options* with a due time *seconds* from now."""
        return options.changed(at=self._time.now() + seconds)


_UNSET: Final = object()


def stopped(push: Push) -> Enqueued:
    """Return what the caller gets if a middleware stopped the job: an empty jid."""
    return Enqueued("", push.queue, push.at)


class _Part:
    """Up to 1,000 jobs of a bulk push. Entered, it has run their middlewares to the yield; left, to the end.

    Attributes:
        open: The jobs that no middleware stopped.
        results: What the caller gets for each, once it is left.
    """

    def __init__(self, pushes: list[Push], middlewares: tuple[Middleware, ...]) -> None:
        self.open = pushes
        self.results: list[Enqueued] = []
        self._middlewares = middlewares
        self._passages: list[tuple[Push, Passage]] = []

    def __enter__(self) -> None:
        if not self._middlewares:
            return
        try:
            for push in self.open:
                self._passages.append((push, Passage(self._middlewares, push)))
        except BaseException as error:
            self._break_off(error)
            raise
        self.open = [push for push, passage in self._passages if passage.is_open]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None:
            self._break_off(error)
            return
        if not self._middlewares:
            self.results = [push.enqueued() for push in self.open]
        for push, passage in self._passages:
            self.results.append(push.enqueued() if passage.is_open else stopped(push))
            passage.close(push.enqueued())

    def _break_off(self, error: BaseException) -> None:
        for _, passage in self._passages:
            passage.break_off(error)


class _Attempts:
    """The attempts at one push, and whether there is another."""

    def __init__(self, time: TimeSource, shipment: Shipment, began: float) -> None:
        self._time = time
        self._shipment = shipment
        self._waits = iter(_AGAIN)
        self._began = began
        self._lost: StoreError | None = None

    def failed(self, error: StoreError) -> float:
        """Return how many seconds to wait before the next attempt.

        Raises:
            PushFailed: If the first attempt had certainly no effect.
            PushAmbiguous: If the first attempt may have had one, and there is no time for another.
        """
        if self._lost is None and error.applied is False:
            raise _failure(error, self._shipment.jids) from error
        self._lost = self._lost or error
        wait = next(self._waits, None)
        if wait is None or self._time.monotonic() + wait - self._began > _PATIENCE:
            raise _failure(self._lost, self._shipment.jids) from self._lost
        return wait


def _failure(error: StoreError, jids: Sequence[str]) -> PushFailed | PushAmbiguous:
    jobs = f"job {jids[0]} is" if len(jids) == 1 else f"{len(jids)} jobs are"
    if error.applied is False:
        return PushFailed(f"{jobs} not stored: {error}", jids)
    return PushAmbiguous(f"{jobs} perhaps stored, perhaps not: {error}", jids)
