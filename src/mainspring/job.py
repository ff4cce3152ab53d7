"""A job: a function, its name, and how it wants to be run.

A `Job` stays the plain function that it was made from when it is called. Its other
methods hand it to the client of its App, which is bound when the App makes it: a
job knows nothing of stores.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeAlias, TypeVar, Unpack, overload

from mainspring.base import durations
from mainspring.base.arguments import Arguments
from mainspring.base.durations import Duration
from mainspring.base.errors import WrongArguments
from mainspring.events import check_handler
from mainspring.options import CallOptions, Options, moment

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
T = TypeVar("T")
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


class Answers(Protocol):
    """What tells how a job ended: its App."""

    def result(self, jid: str, timeout: Duration | None = None, *, job: Job[Any, Any] | None = None) -> object:
        """Return what the job *jid*, one of *job*, gave; see `Job.result`."""

    async def aresult(self, jid: str, timeout: Duration | None = None, *, job: Job[Any, Any] | None = None) -> object:
        """Return what the job *jid*, one of *job*, gave, awaiting the store."""


class Enqueuer(Protocol):
    """What a job needs of its App: something that takes it to the store."""

    @property
    def results(self) -> Answers:
        """What tells how a job ended."""

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


@dataclass(slots=True)
class Draft:
    """The record of one job while it is made, for what its options write into it.

    Attributes:
        fields: The record, with the arguments as JSON.
        at: When it is due, in unix seconds; the time of the enqueueing if that is now.
        args: The positional arguments as the caller gave them.
        kwargs: The keyword arguments, likewise.
        job: The job.
    """

    fields: dict[str, Any]
    at: float
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    job: Job[Any, Any]

    @property
    def flow(self) -> dict[str, Any]:
        """The field ``flow``; asking for it makes it, and the job is no plain one any more."""
        flow: dict[str, Any] = self.fields.setdefault("flow", {})
        return flow

    def named(self) -> SimpleNamespace:
        """Return the arguments under the names of the parameters, defaults included."""
        return self.job.arguments.named(self.args, self.kwargs)


#: Writes into a record what the job's options ask for.
Tie: TypeAlias = Callable[[Draft], None]
#: Returns what ties the jobs of one class with its options; None for plain ones.
Weaver: TypeAlias = "Callable[[Job[Any, Any]], Tie | None]"


class Call(Generic[P]):
    """Arguments of one call, checked by type and not yet made; see `Job.call`."""

    __slots__ = ("args", "kwargs")

    def __init__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Keep *args* and *kwargs*."""
        self.args = args
        self.kwargs = kwargs


@dataclass(frozen=True, slots=True, eq=False)
class Step(Generic[R]):
    """A job with its arguments, not enqueued: a callback of a batch, or a step of a workflow; see `Job.step`.

    Attributes:
        job: The job.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
    """

    job: Job[Any, Any]
    args: Sequence[Any] = field(repr=False)
    kwargs: dict[str, Any] = field(repr=False)


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
        tie: Writes what its options ask for of flow control into a record; None for a plain job.
    """

    def __init__(
        self, function: Callable[P, R], *, name: str, options: Options, client: Enqueuer, weave: Weaver | None = None
    ) -> None:
        """Make a job; `App.job` does."""
        functools.update_wrapper(self, function)
        self.name = name
        self.function = function
        self.options = options
        self.arguments = Arguments.of(function, name=name)
        if options.encrypt:
            self.arguments = self.arguments.hiding(None if isinstance(options.encrypt, bool) else options.encrypt)
        self.is_async = inspect.iscoroutinefunction(function)
        self.exhausted: Callable[[Any, BaseException], object] | None = None
        self._client = client
        self._weave = weave
        self.tie = None if weave is None else weave(self)

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

    @overload
    def step(self: Job[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> Step[T]: ...

    @overload
    def step(self, *args: P.args, **kwargs: P.kwargs) -> Step[R]: ...

    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the job with its arguments, for a batch to push: ``app.batch(on_success=report.step(day))``."""
        return Step(self, args, kwargs)

    def using(self, **options: Unpack[CallOptions]) -> Job[P, R]:
        """Return the same job with other options; see `CallOptions`.

        Example:
            ``add.using(queue="low", retry=0).enqueue(1, 2)``

        Raises:
            InvalidName: If *queue* cannot name a queue.
            InvalidOption: If another option cannot mean anything.
        """
        other: Job[P, R] = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.options = self.options.changed(**options)
        other.tie = None if self._weave is None else self._weave(other)
        return other

    @overload
    def result(self: Job[..., Coroutine[Any, Any, T]], jid: str, timeout: Duration | None = None) -> T: ...

    @overload
    def result(self, jid: str, timeout: Duration | None = None) -> R: ...

    def result(self: Any, jid: str, timeout: Duration | None = None) -> Any:
        """Return what the job *jid*, one of this class, gave; wait for it if it has not ended. See `App.result`.

        It is kept if the job was enqueued with `result_ttl`, and as long.

        Raises:
            JobFailed: If it died, or was discarded; it tells what was raised.
            NoResult: If there is none and will be none.
            ResultTimeout: If it has not ended in time.
        """
        return self._client.results.result(jid, timeout, job=self)

    @overload
    async def aresult(self: Job[..., Coroutine[Any, Any, T]], jid: str, timeout: Duration | None = None) -> T: ...

    @overload
    async def aresult(self, jid: str, timeout: Duration | None = None) -> R: ...

    async def aresult(self: Any, jid: str, timeout: Duration | None = None) -> Any:
        """Return what the job *jid* gave, awaiting it if it has not ended; as `result`."""
        return await self._client.results.aresult(jid, timeout, job=self)

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
