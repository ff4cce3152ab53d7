"""Links around enqueueing and around performing.

A middleware is a generator function that yields once. What stands before the
yield happens before, what stands after it happens after, and one that returns
without yielding stops the job there. An exception of the job is raised at the
yield. The same function serves jobs in threads and on an event loop; an
``async`` generator serves the latter only.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import suppress
from typing import Any, TypeAlias, TypeVar

from mainspring.base.errors import InvalidOption

X = TypeVar("X")
Y = TypeVar("Y")

Middleware: TypeAlias = Callable[[Any], "Generator[None, Any, None] | AsyncGenerator[None, Any]"]


def check(function: Middleware, *, asynchronous: bool) -> Middleware:
    """Return *function* if it is a middleware.

    Args:
        function: What was given to `App.use`.
        asynchronous: True if an ``async`` generator will do as well.

    Raises:
        InvalidOption: If it is not a generator function.
    """
    if inspect.isgeneratorfunction(function) or (asynchronous and inspect.isasyncgenfunction(function)):
        return function
    kind = "generator function" + (" or async generator function" if asynchronous else "")
    raise InvalidOption(
        f"{getattr(function, '__qualname__', function)!r} is no middleware: it must be a {kind} that yields once,"
        " as in: def timed(job): start = clock(); yield; report(clock() - start)"
    )


def around(middlewares: tuple[Middleware, ...], inner: Callable[[X], Y]) -> Callable[[X], Y | None]:
    """Return *inner* wrapped in *middlewares*, the first being outermost.

    The result returns None if one of them stopped the call.
    """
    wrapped: Callable[[X], Y | None] = inner
    for middleware in reversed(middlewares):
        wrapped = _link(middleware, wrapped)
    return wrapped


class Passage:
    """One subject on its way through middlewares, when what they surround is done for many subjects at once.

    Opened for each subject, then the work is done for all of them, then each is closed: so what
    stands after a yield happens after the work, and an error of the work is raised at it.
    """

    def __init__(self, middlewares: tuple[Middleware, ...], subject: object) -> None:
        """Run each middleware to its yield.

        Args:
            middlewares: The links, the first being outermost.
            subject: What they get.
        """
        self._steps: list[Any] = []
        self.is_open = True
        try:
            for middleware in middlewares:
                steps: Any = middleware(subject)
                if not _begin(steps):
                    self.is_open = False
                    self.close(None)
                    return
                self._steps.append(steps)
        except BaseException as error:
            self.break_off(error)
            raise

    def close(self, result: object) -> None:
        """Run what stands after each yield; the work gave *result*."""
        while self._steps:
            _finish(self._steps.pop(), result)

    def break_off(self, error: BaseException) -> None:
        """Raise *error* at each yield. What a middleware swallows stays an error of the others and of the work."""
        while self._steps:
            with suppress(type(error)):
                _throw(self._steps.pop(), error)


def around_async(
    middlewares: tuple[Middleware, ...], inner: Callable[[X], Awaitable[Y]]
) -> Callable[[X], Awaitable[Y | None]]:
    """Return the awaitable *inner* wrapped in *middlewares*, the first being outermost."""
    wrapped: Callable[[X], Awaitable[Y | None]] = inner
    for middleware in reversed(middlewares):
        link = _async_link if inspect.isasyncgenfunction(middleware) else _mixed_link
        wrapped = link(middleware, wrapped)
    return wrapped


def _link(middleware: Middleware, inner: Callable[[X], Y | None]) -> Callable[[X], Y | None]:
    def call(subject: X) -> Y | None:
        steps: Any = middleware(subject)
        if not _begin(steps):
            return None
        try:
            result = inner(subject)
        except BaseException as error:  # noqa: BLE001 - it is raised again at the yield
            _throw(steps, error)
            return None
        _finish(steps, result)
        return result

    return call


def _mixed_link(
    middleware: Middleware, inner: Callable[[X], Awaitable[Y | None]]
) -> Callable[[X], Awaitable[Y | None]]:
    async def call(subject: X) -> Y | None:
        steps: Any = middleware(subject)
        if not _begin(steps):
            return None
        try:
            result = await inner(subject)
        except BaseException as error:  # noqa: BLE001 - it is raised again at the yield
            _throw(steps, error)
            return None
        _finish(steps, result)
        return result

    return call


def _async_link(
    middleware: Middleware, inner: Callable[[X], Awaitable[Y | None]]
) -> Callable[[X], Awaitable[Y | None]]:
    async def call(subject: X) -> Y | None:
        steps: Any = middleware(subject)
        try:
            await anext(steps)
        except StopAsyncIteration:
            return None
        try:
            result = await inner(subject)
        except BaseException as error:  # noqa: BLE001 - it is raised again at the yield
            await _athrow(steps, error)
            return None
        await _afinish(steps, result)
        return result

    return call


def _begin(steps: Generator[None, Any, None]) -> bool:
    """Run to the yield; False if there was none."""
    try:
        next(steps)
    except StopIteration:
        return False
    return True


def _finish(steps: Generator[None, Any, None], result: object) -> None:
    try:
        steps.send(result)
    except StopIteration:
        return
    steps.close()
    raise RuntimeError(f"the middleware {steps!r} yielded twice")


def _throw(steps: Generator[None, Any, None], error: BaseException) -> None:
    """Raise *error* at the yield; returns only if the middleware swallowed it."""
    try:
        steps.throw(error)
    except StopIteration as end:
        if end is error:
            raise
        return
    except RuntimeError as raised:
        # Python turns a StopIteration that leaves a generator into this; give the job's own back.
        if raised.__cause__ is error and isinstance(error, StopIteration | StopAsyncIteration):
            raise error from None
        raise
    steps.close()
    raise RuntimeError(f"the middleware {steps!r} yielded twice")


async def _afinish(steps: AsyncGenerator[None, Any], result: object) -> None:
    try:
        await steps.asend(result)
    except StopAsyncIteration:
        return
    await steps.aclose()
    raise RuntimeError("an async middleware yielded twice")


async def _athrow(steps: AsyncGenerator[None, Any], error: BaseException) -> None:
    try:
        await steps.athrow(error)
    except StopAsyncIteration:
        return
    except RuntimeError as raised:
        # As in `_throw`: an async generator may not raise this either.
        if raised.__cause__ is error and isinstance(error, StopIteration | StopAsyncIteration):
            raise error from None
        raise
    await steps.aclose()
    raise RuntimeError("an async middleware yielded twice")
