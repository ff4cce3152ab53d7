"""A job: a function, its name, and how it wants to be run.

A `Job` stays the plain function that it was made from when it is called. Its other
methods hand it to the client of its App, which is bound when the App makes it: a
job knows nothing of stores.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar, overload

from mainspring.base import durations
from mainspring.base.arguments import Arguments
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidOption, WrongArguments
from mainspring.base.payload import check_queue
from mainspring.base.retry import Retry
from mainspring.events import check_handler

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
A_contra = TypeVar("A_contra", contravariant=True)
B_contra = TypeVar("B_contra", contravariant=True)
C_contra = TypeVar("C_contra", contravariant=True)
D_contra = TypeVar("D_contra", contravariant=True)


class Enqueued(NamedTuple):
    """What enqueueing a job gave.

    Attributes:
        jid: The job's id, 24 hex digits; empty if a middleware stopped it.
        queue: The queue it is in, or will be pushed to.
        at: When it is due, in unix seconds; None if now.
        duplicate_of: The id of the job that stands in its place; None if it was stored.
    """

    jid: str
    queue: str
    at: float | None = None
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """How a job wants to be run.

    Attributes:
        queue: The queue that it is pushed to.
        retry: What happens when it fails.
        tags: Words for people, shown with the job.
        at: When it is due, in unix seconds; None for now.
    """

    queue: str
    retry: Retry
    tags: tuple[str, ...] = ()
    at: float | None = None

    def changed(
        self,
        *,
        queue: str | None = None,
        retry: int | bool | None = None,
        tags: Sequence[str] | None = None,
        at: datetime | float | None = None,
    ) -> Options:
        """Return these options with some of them replaced.

        Raises:
            InvalidName: If *queue* cannot name a queue.
            InvalidOption: If *retry* is a whole policy, *tags* a text, or *at* has no time zone.
        """
        found = self
        if queue is not None:
            found = replace(found, queue=check_queue(queue))
        if retry is not None:
            found = replace(found, retry=_retries(found.retry, retry))
        if tags is not None:
            found = replace(found, tags=check_tags(tags))
        if at is not None:
            found = replace(found, at=moment(at))
        return found


def _retries(policy: Retry, value: object) -> Retry:
    if isinstance(value, int):
        return policy.limited(value)
    raise InvalidOption(
        f"retry={value!r}: one enqueueing may change how many retries there are, True, False or a number;"
        " a whole policy belongs to the job: @app.job(retry=Retry(...))"
    )


def check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return *tags* as a tuple.

    Raises:
        InvalidOption: If it is one text, or holds what is no text.
    """
    if not isinstance(tags, list | tuple | set | frozenset):
        raise InvalidOption(f"tags={tags!r}: must be a list of texts")
    return tuple(text("tags", tag) for tag in tags)


def text(option: str, value: object) -> str:
    """Return *value* if it is a text that can be stored and shown.

    Raises:
        InvalidOption: If it is another thing, or has half a surrogate pair or a control character in it.
    """
    if not isinstance(value, str):
        raise InvalidOption(f"{option}={value!r}: must be a text")
    if not value.isprintable():
        raise InvalidOption(f"{option}={value!r}: must be printable text, without line breaks or control characters")
    return value


def moment(when: datetime | float) -> float:
    """Return *when* in unix seconds.

    Raises:
        InvalidOption: If it is a datetime without a time zone, of which nobody knows when it is, or no time.
    """
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise InvalidOption(
                f"{when!r} has no time zone, so nobody knows when it is; write"
                ' when.replace(tzinfo=ZoneInfo("Europe/Paris")), or datetime.now(UTC) + ...'
            )
        return when.timestamp()
    if isinstance(when, bool) or not isinstance(when, int | float) or not abs(when) < 1e11:
        raise InvalidOption(f"{when!r} is no time: give a datetime with a time zone, or unix seconds")
    return float(when)


class Enqueuer(Protocol):
    """What a job needs of its App: something that takes it to the store."""

    def enqueue(self, job: Job[Any, Any], args: Sequence[Any], kwargs: dict[str, Any], options: Options) -> Enqueued:
        """Push one job."""

    async def aenqueue(
        self, job: Job[Any, Any], args: Sequence[Any], kwargs: dict[str, Any], options: Options
    ) -> Enqueued:
        """Push one job, awaiting the store."""

    def enqueue_many(
        self, job: Job[Any, Any], calls: Iterable[Call[Any]], options: Options, spread: float
    ) -> list[Enqueued]:
        """Push many jobs."""

    async def aenqueue_many(
        self, job: Job[Any, Any], calls: Iterable[Call[Any]], options: Options, spread: float
    ) -> list[Enqueued]:
        """Push many jobs, awaiting the store."""

    def delayed(self, options: Options, seconds: float) -> Options:
        """Return *options* with a due time *seconds* from now."""


class Call(Generic[P]):
    """Arguments of one call, checked by type and not yet made; see `Job.call`."""

    __slots__ = ("args", "kwargs")

    def __init__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Keep *args* and *kwargs*."""
        self.args = args
        self.kwargs = kwargs


# A job that may be called with one, two, three or four positional arguments. They let the type checkers
# compare the tuples given to `enqueue_many` with the parameters, which a ParamSpec alone cannot.
class _Takes1(Protocol[A_contra]):
    def __call__(self, a: A_contra, /) -> object: ...


class _Takes2(Protocol[A_contra, B_contra]):
    def __call__(self, a: A_contra, b: B_contra, /) -> object: ...


class _Takes3(Protocol[A_contra, B_contra, C_contra]):
    def __call__(self, a: A_contra, b: B_contra, c: C_contra, /) -> object: ...


class _Takes4(Protocol[A_contra, B_contra, C_contra, D_contra]):
    def __call__(self, a: A_contra, b: B_contra, c: C_contra, d: D_contra, /) -> object: ...


class Job(Generic[P, R]):
    """A function that can be run here and now, or enqueued to run elsewhere and later.

    Attributes:
        name: Its name on the wire.
        function: The function itself.
        options: How it wants to be run.
        arguments: Its signature, for checking and converting arguments.
        is_async: True if it is an ``async def``.
    """

    def __init__(self, function: Callable[P, R], *, name: str, options: Options, client: Enqueuer) -> None:
        """Make a job; `App.job` does."""
        functools.update_wrapper(self, function)
        self.name = name
        self.function = function
        self.options = options
        self.arguments = Arguments.of(function, name=name)
        self.is_async = inspect.iscoroutinefunction(function)
        self.exhausted: Callable[[Any, BaseException], object] | None = None
        self._client = client

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now, as the plain function that it is."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        """Show the job's name and queue."""
        return f"<Job {self.name} queue={self.options.queue}>"

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Push the job, to run as soon as a worker is free.

        Example:
            ``add.enqueue(1, 2)``

        Raises:
            WrongArguments: If they do not fit the function's signature, or cannot travel as JSON.
            PayloadTooLarge: If the job is longer than the limit, a megabyte if nothing else is set.
            PushFailed: If it is certainly not stored; enqueue it again.
            PushAmbiguous: If nobody can tell whether it is stored.
        """
        return self._client.enqueue(self, args, kwargs, self.options)

    async def aenqueue(self, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Push the job from a coroutine; as `enqueue`."""
        return await self._client.aenqueue(self, args, kwargs, self.options)

    def enqueue_in(self, delay: Duration, /, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Push the job, to run after *delay*: seconds, a timedelta, or text such as ``"5m"``; raises as `enqueue`."""
        return self._client.enqueue(self, args, kwargs, self._in(delay))

    async def aenqueue_in(self, delay: Duration, /, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Push the job from a coroutine, to run after *delay*; as `enqueue_in`."""
        return await self._client.aenqueue(self, args, kwargs, self._in(delay))

    def enqueue_at(self, when: datetime | float, /, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Push the job, to run at *when*: a datetime with a time zone, or unix seconds; raises as `enqueue`.

        A time that has passed means now.
        """
        return self._client.enqueue(self, args, kwargs, self.options.changed(at=moment(when)))

    async def aenqueue_at(self, when: datetime | float, /, *args: P.args, **kwargs: P.kwargs) -> Enqueued:
        """Push the job from a coroutine, to run at *when*; as `enqueue_at`."""
        return await self._client.aenqueue(self, args, kwargs, self.options.changed(at=moment(when)))

    @overload
    def enqueue_many(self: _Takes1[A], calls: Iterable[tuple[A]], *, spread: Duration = 0) -> list[Enqueued]: ...

    @overload
    def enqueue_many(self: _Takes2[A, B], calls: Iterable[tuple[A, B]], *, spread: Duration = 0) -> list[Enqueued]: ...

    @overload
    def enqueue_many(
        self: _Takes3[A, B, C], calls: Iterable[tuple[A, B, C]], *, spread: Duration = 0
    ) -> list[Enqueued]: ...

    @overload
    def enqueue_many(
        self: _Takes4[A, B, C, D], calls: Iterable[tuple[A, B, C, D]], *, spread: Duration = 0
    ) -> list[Enqueued]: ...

    @overload
    def enqueue_many(self, calls: Iterable[Call[P]], *, spread: Duration = 0) -> list[Enqueued]: ...

    def enqueue_many(self: Any, calls: Iterable[Any], *, spread: Duration = 0) -> list[Enqueued]:
        """Push the job once for each of *calls*, 1,000 in a round trip.

        Args:
            calls: Tuples of positional arguments; or calls made with `call`, for keywords
                and for more than four arguments. Read as they are pushed, so a generator of millions will do.
            spread: A duration; the jobs are due at random moments within it.

        Example:
            ``add.enqueue_many([(1, 2), (3, 4)], spread="1m")``

        Returns:
            One result for each call, in order.

        Raises:
            WrongArguments: As `enqueue`; jobs of earlier thousands are pushed already.
            PushFailed: As `enqueue`, likewise, with the ids of this thousand.
        """
        made = (self._call(call) for call in self._calls(calls))
        result: list[Enqueued] = self._client.enqueue_many(self, made, self.options, durations.seconds(spread))
        return result

    @overload
    async def aenqueue_many(self: _Takes1[A], calls: Iterable[tuple[A]], *, spread: Duration = 0) -> list[Enqueued]: ...

    @overload
    async def aenqueue_many(
        self: _Takes2[A, B], calls: Iterable[tuple[A, B]], *, spread: Duration = 0
    ) -> list[Enqueued]: ...

    @overload
    async def aenqueue_many(
        self: _Takes3[A, B, C], calls: Iterable[tuple[A, B, C]], *, spread: Duration = 0
    ) -> list[Enqueued]: ...

    @overload
    async def aenqueue_many(
        self: _Takes4[A, B, C, D], calls: Iterable[tuple[A, B, C, D]], *, spread: Duration = 0
    ) -> list[Enqueued]: ...

    @overload
    async def aenqueue_many(self, calls: Iterable[Call[P]], *, spread: Duration = 0) -> list[Enqueued]: ...

    async def aenqueue_many(self: Any, calls: Iterable[Any], *, spread: Duration = 0) -> list[Enqueued]:
        """Push the job once for each of *calls* from a coroutine; as `enqueue_many`."""
        made = (self._call(call) for call in self._calls(calls))
        result: list[Enqueued] = await self._client.aenqueue_many(self, made, self.options, durations.seconds(spread))
        return result

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[P]:
        """Return one call of this job for `enqueue_many`, with keywords: ``job.call(1, due=day)``."""
        return Call(*args, **kwargs)

    def using(
        self,
        *,
        queue: str | None = None,
        retry: int | bool | None = None,
        tags: Sequence[str] | None = None,
        at: datetime | float | None = None,
    ) -> Job[P, R]:
        """Return the same job with other options.

        Example:
            ``add.using(queue="low", retry=0).enqueue(1, 2)``

        Raises:
            InvalidName: If *queue* cannot name a queue.
            InvalidOption: If another option cannot mean anything.
        """
        other: Job[P, R] = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.options = self.options.changed(queue=queue, retry=retry, tags=tags, at=at)
        return other

    def on_exhausted(self, handler: Callable[[Any, BaseException], object]) -> Callable[[Any, BaseException], object]:
        """Call *handler* with the job's context and its last error when its retries are used up.

        It runs before the death handlers of the App; if it returns ``"discard"``, the job is
        dropped rather than kept dead. Usable as a decorator.

        Raises:
            InvalidOption: If it is no plain function of two arguments.
        """
        self.exhausted = check_handler(handler, ("job", "error"))
        return handler

    def _in(self, delay: Duration) -> Options:
        return self._client.delayed(self.options, durations.seconds(delay))

    def _calls(self, calls: object) -> Iterable[object]:
        if isinstance(calls, Iterable) and not isinstance(calls, str | bytes | Mapping):
            return calls
        raise WrongArguments(self.name, None, f"enqueue_many takes a list of tuples of arguments, not {calls!r}")

    def _call(self, call: object) -> Call[Any]:
        if isinstance(call, Call):
            return call
        if isinstance(call, tuple | list):
            return Call(*call)
        raise WrongArguments(
            self.name, None, f"enqueue_many takes tuples of arguments, not {call!r}: write (x,) for one"
        )
