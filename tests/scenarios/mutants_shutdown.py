"""Faults of the shutdown."""

from __future__ import annotations

from collections.abc import Callable

from mainspring.worker import worker
from mainspring.worker.signals import end_now
from scenarios.program import pause


def lives_on() -> None:
    """Give back jobs whose threads cannot be ended, and do not end the process at once."""

    def linger(code: int, last: Callable[[], object]) -> None:
        last()
        pause(3)
        end_now(code, last)

    worker.end_now = linger  # type: ignore[assignment]


def no_alarm() -> None:
    """Leave the pacemaker in the dark about signals, as if Python could always run a handler."""
    worker.Signals.alarm = staticmethod(lambda: -1)  # type: ignore[method-assign]
