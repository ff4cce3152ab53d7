"""What to call when something happens to a process or a job; an App holds one of these."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Final, Literal, TypeAlias, TypeVar, get_args, overload

from mainspring.base.errors import InvalidOption
from mainspring.base.loggers import Log

Event: TypeAlias = Literal["startup", "quiet", "shutdown", "exit", "beat", "leader", "fork"]
EVENTS: Final[tuple[str, ...]] = get_args(Event)

H = TypeVar("H", bound=Callable[..., object])

_log: Final = Log("mainspring.events")


class Handlers:
    """Handlers of an App's lifecycle events, errors and deaths, in the order in which they were added.

    Attributes:
        errors: Called with the error and the job's context, or None.
        deaths: Called with the job's context and its last error.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._events: dict[str, list[Callable[[], object]]] = {}
        self.errors: list[Callable[..., object]] = []
        self.deaths: list[Callable[..., object]] = []

    def on(self, event: str, handler: Callable[[], object]) -> None:
        """Call *handler* on *event*."""
        self._events.setdefault(event, []).append(handler)

    def hears(self, event: Event) -> bool:
        """Return True if somebody listens to *event*."""
        return bool(self._events.get(event))

    def fire(self, event: Event, *, may_raise: bool = False) -> None:
        """Call the handlers of *event*; what one raises is logged, unless *may_raise*."""
        for handler in self._events.get(event, ()):
            if may_raise:
                handler()
            else:
                _call(handler)

    def error(self, error: BaseException, job: object) -> None:
        """Call the error handlers."""
        for handler in self.errors:
            _call(handler, error, job)

    def death(self, job: object, error: BaseException) -> None:
        """Call the death handlers."""
        for handler in self.deaths:
            _call(handler, job, error)


class Listening:
    """The part of an App that takes handlers.

    Attributes:
        handlers: What to call on events, errors and deaths.
    """

    handlers: Handlers

    @overload
    def on(self, event: Event, handler: H) -> H: ...

    @overload
    def on(self, event: Event, handler: None = None) -> Callable[[H], H]: ...

    def on(self, event: Event, handler: H | None = None) -> H | Callable[[H], H]:
        """Call *handler* on an event of a worker or clock process. Without it, a decorator.

        Args:
            event: ``startup``, ``quiet``, ``shutdown``, ``exit`` or ``beat``; ``leader``, in a worker, when it becomes
                the one of all workers that is to do what one shall do; ``fork``, in a child process that jobs run in,
                before the first of them.
            handler: Called without arguments. What it raises is reported and harmless, but at startup, where
                it ends the boot.

        Raises:
            InvalidOption: If there is no such event, or *handler* is no plain function without arguments.
        """
        if event not in EVENTS:
            raise InvalidOption(f"there is no event {event!r}; there are {', '.join(EVENTS)}")
        return _maybe_decorate(lambda found: self.handlers.on(event, check_handler(found)), handler)

    @overload
    def on_error(self, handler: H) -> H: ...

    @overload
    def on_error(self, handler: None = None) -> Callable[[H], H]: ...

    def on_error(self, handler: H | None = None) -> H | Callable[[H], H]:
        """Call *handler(error, job)* for each failed run; *job* is None outside of a job. Or a decorator."""
        return _maybe_decorate(
            lambda found: self.handlers.errors.append(check_handler(found, ("error", "job"))), handler
        )

    @overload
    def on_death(self, handler: H) -> H: ...

    @overload
    def on_death(self, handler: None = None) -> Callable[[H], H]: ...

    def on_death(self, handler: H | None = None) -> H | Callable[[H], H]:
        """Call *handler(job, error)* for each job that has no retries left. Or a decorator."""
        return _maybe_decorate(
            lambda found: self.handlers.deaths.append(check_handler(found, ("job", "error"))), handler
        )


def _maybe_decorate(add: Callable[[H], object], handler: H | None) -> H | Callable[[H], H]:
    def decorate(found: H) -> H:
        add(found)
        return found

    return decorate if handler is None else decorate(handler)


def check_handler(handler: H, takes: tuple[str, ...] = ()) -> H:
    """Return *handler* if it can be called with what it will be called with.

    Args:
        handler: What was given to the App or to a job.
        takes: What its arguments will be, as words for people.

    Raises:
        InvalidOption: If it is no function, a coroutine or generator function, or takes other arguments.
    """
    name = getattr(handler, "__qualname__", repr(handler))
    wanted = f"def {getattr(handler, '__name__', 'handler')}({', '.join(takes)})"
    if not callable(handler):
        raise InvalidOption(f"{handler!r} is no handler: write a function, {wanted}: ...")
    if any(map(inspect.iscoroutinefunction, _functions(handler))):
        raise InvalidOption(
            f"{name} cannot be a handler: it is an async def, and nobody would await it;"
            f" write {wanted}: ... and call asyncio.run(...) in it where it must await"
        )
    if any(inspect.isgeneratorfunction(one) or inspect.isasyncgenfunction(one) for one in _functions(handler)):
        raise InvalidOption(
            f"{name} cannot be a handler: it has a yield, so calling it runs nothing; write {wanted}: ..."
        )
    try:
        inspect.signature(handler).bind(*takes)
    except TypeError as error:
        raise InvalidOption(f"{name} cannot be a handler: {error}; write {wanted}: ...") from error
    except ValueError:
        # Some functions written in C do not tell their signature.
        return handler
    return handler


def _functions(handler: Callable[..., object]) -> tuple[object, ...]:
    """Return what runs when *handler* is called: itself, the function of a job, or an object's own method."""
    own = getattr(handler, "__call__", None)  # noqa: B004 - it is wanted itself
    return handler, getattr(handler, "function", None), own


def _call(handler: Callable[..., object], *arguments: object) -> None:
    # A handler is a guest: whatever it raises, SystemExit included, must not change what becomes of a job.
    try:
        handler(*arguments)
    except BaseException as error:  # noqa: BLE001 - see above
        name = getattr(handler, "__qualname__", repr(handler))
        more = {"event": "handler.error", "facts": {"handler": name}}
        _log.error("the handler %s failed", name, extra=more, error=error)
