"""What tests of limiters share: one of each kind, and clocks that tell who slept."""

from __future__ import annotations

import threading
from typing import Any

from mainspring import App
from mainspring.base.timesource import TimeSource
from mainspring.features.limits import Limiter

HOUR = "1h"


class Watched(TimeSource):
    """The machine's clocks; whoever sleeps is written down.

    Attributes:
        slept: The seconds of each sleep.
    """

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._most = float("inf")

    def end_after(self, sleeps: int) -> None:
        """Take no time for so many sleeps, and interrupt the last of them."""
        self._most = sleeps

    def sleep(self, seconds: float) -> None:
        """Let this thread wait."""
        self.slept.append(seconds)
        if len(self.slept) >= self._most:
            raise InterruptedError
        if self._most == float("inf"):
            threading.Event().wait(seconds)


def each(app: App, n: int = 1, span: str = HOUR, *, name: str = "one", **options: Any) -> dict[str, Limiter]:
    """Return a limiter of each kind."""
    make = app.limiter
    return {
        "concurrent": make.concurrent(name, n, ttl=span, **options),
        "bucket": make.bucket(name, n, span, **options),
        "window": make.window(name, n, span, **options),
        "leaky": make.leaky(name, n, span, **options),
        "points": make.points(name, n, n / 3600, **options),
    }


def used(app: App, name: str = "one") -> dict[str, float]:
    """Return how much is in use of the limiters *name*, by kind."""
    return {state.kind: round(state.used, 2) for state in app.limiters if state.name == name}
