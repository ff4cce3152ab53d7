"""What to call when something happens to a process or a job; an App holds one of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, get_args

from mainspring.base.loggers import Log

Event: TypeAlias = Literal["startup", "quiet", "shutdown", "exit", "beat"]
EVENTS: Final[tuple[str, ...]] = get_args(Event)

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


def _call(handler: Callable[..., object], *arguments: object) -> None:
    # A handler is a guest: whatever it raises, SystemExit included, must not change what becomes of a job.
    try:
        handler(*arguments)
    except BaseException as error:  # noqa: BLE001 - see above
        name = getattr(handler, "__qualname__", repr(handler))
        more = {"event": "handler.error", "facts": {"handler": name}}
        _log.error("the handler %s failed", name, extra=more, error=error)
