"""Makes a job of a generator, when it is registered."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Concatenate, Final, Never, ParamSpec, Protocol, overload

from mainspring.base.arguments import Arguments
from mainspring.base.errors import InvalidOption
from mainspring.job import Job

P = ParamSpec("P")
Q = ParamSpec("Q")

#: The name of the parameter that takes the cursor.
CURSOR: Final = "cursor"

_WRITE: Final = "write def import_rows(cursor: int | None, path: str): ... with a yield of the cursor after each item"


@dataclass(frozen=True, slots=True)
class Iteration:
    """What is known of an iterable job before one comes.

    Attributes:
        steps: A generator function; it takes the cursor, then the job's arguments, and yields cursors.
        cursor: The cursor's parameter, for converting.
        first: What a job begins with that has not come anywhere.
        is_async: True if *steps* is an asynchronous generator function.
    """

    steps: Callable[..., Any]
    cursor: Arguments
    first: object
    is_async: bool


def whole(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes the job's arguments, without the cursor, and does all of its items here and now.

    It is what becomes the job; a worker finds in it, with `of`, how to do one item after the other.

    Args:
        function: A generator function whose first parameter is ``cursor``; or a class with ``steps``, which
            yields pairs of item and cursor, and ``each``, which does one item.

    Raises:
        InvalidOption: If it is neither, or its parameters are others.
    """
    steps, written = _steps(function)
    parameters = list(inspect.signature(written).parameters.values())
    parameters = parameters[1:] if isinstance(function, type) else parameters
    if not parameters or parameters[0].name != CURSOR or parameters[0].kind not in _BY_POSITION:
        raise InvalidOption(f"{_name(function)} cannot be iterated: its first parameter must be cursor; {_WRITE}")
    cursor, *rest = parameters
    found = Iteration(
        steps,
        Arguments.of(_stand_in(written, [cursor]), name=_name(function)),
        None if cursor.default is cursor.empty else cursor.default,
        inspect.isasyncgenfunction(steps),
    )
    run = _in_one_go(found)
    functools.update_wrapper(run, function, updated=())
    run.__wrapped__ = written  # type: ignore[attr-defined]  # where annotations are looked up
    run.__signature__ = inspect.Signature(rest)  # type: ignore[attr-defined]
    run.iteration = found  # type: ignore[attr-defined]
    return run


class _Steps(Protocol[Q]):
    """A class that does one item after the other."""

    def steps(self, cursor: Never, /, *args: Q.args, **kwargs: Q.kwargs) -> object:
        """Yield pairs of item and cursor."""

    def each(self, item: Never, /, *args: Q.args, **kwargs: Q.kwargs) -> object:
        """Do one item."""


class Decorator(Protocol):
    """What ``app.job(iterable=True)`` is: the job takes the parameters after the cursor."""

    @overload
    def __call__(self, function: type[_Steps[P]], /) -> Job[P, None]: ...

    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], Iterator[object] | AsyncIterator[object]], /
    ) -> Job[P, None]: ...


def of(function: Callable[..., Any]) -> Iteration | None:
    """Return how to do one item of a job's *function* after the other; None if it is no iterable job."""
    found = getattr(function, "iteration", None)
    return found if isinstance(found, Iteration) else None


_BY_POSITION: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _steps(function: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return a generator function of cursors, and the function whose parameters are the job's."""
    if isinstance(function, type):
        return _steps_of_class(function)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return function, function
    raise InvalidOption(f"{_name(function)} cannot be iterated: it has no yield; {_WRITE}")


def _steps_of_class(made: type) -> tuple[Callable[..., Any], Callable[..., Any]]:
    steps, each = getattr(made, "steps", None), getattr(made, "each", None)
    if not callable(steps) or not callable(each):
        raise InvalidOption(
            f"{_name(made)} cannot be iterated: a class needs steps(self, cursor, ...), which yields pairs of item"
            " and cursor, and each(self, item, ...), which does one item"
        )
    kinds = [parameter.kind for parameter in inspect.signature(steps).parameters.values()]
    _check_each(made, each, sum(kind in _BY_POSITION for kind in kinds[2:]))
    if inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(steps):
        return _async_steps(made, is_async=inspect.isasyncgenfunction(steps)), steps

    def cursors_of(cursor: object, *args: object, **kwargs: object) -> Generator[object, None, None]:
        job = made()
        for item, reached in job.steps(cursor, *args, **kwargs):
            job.each(item, *args, **kwargs)
            yield reached

    return cursors_of, steps


def _check_each(made: type, each: Callable[..., Any], count: int) -> None:
    try:
        inspect.signature(each).bind_partial(None, None, *[None] * count)
    except TypeError as error:
        raise InvalidOption(
            f"{_name(made)} cannot be iterated: each() takes the item, then what steps() takes"
            f" after the cursor: {error}"
        ) from error


def _async_steps(made: type, *, is_async: bool) -> Callable[..., AsyncGenerator[object, None]]:
    """Return the same as an asynchronous generator function; *is_async* tells whether ``steps`` is one."""

    async def pairs(
        steps: Callable[..., Any], *args: object, **kwargs: object
    ) -> AsyncGenerator[tuple[object, object], None]:
        if is_async:
            async for pair in steps(*args, **kwargs):
                yield pair
        else:
            for pair in steps(*args, **kwargs):
                yield pair

    async def cursors_of(cursor: object, *args: object, **kwargs: object) -> AsyncGenerator[object, None]:
        job = made()
        async for item, reached in pairs(job.steps, cursor, *args, **kwargs):
            done = job.each(item, *args, **kwargs)
            if inspect.isawaitable(done):
                await done
            yield reached

    return cursors_of


def _stand_in(written: Callable[..., Any], parameters: list[inspect.Parameter]) -> Callable[..., object]:
    """Return a function that has only some of the parameters of another, and its names for annotations."""

    def stand_in() -> None:
        """Stand for the parameters."""

    stand_in.__wrapped__ = written  # type: ignore[attr-defined]
    stand_in.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return stand_in


def _in_one_go(found: Iteration) -> Callable[..., Any]:
    """Return a function that does all items here and now, and keeps no cursor."""
    if found.is_async:

        async def arun(*args: object, **kwargs: object) -> None:
            async for _ in found.steps(found.first, *args, **kwargs):
                pass

        return arun

    def run(*args: object, **kwargs: object) -> None:
        for _ in found.steps(found.first, *args, **kwargs):
            pass

    return run


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", function))
