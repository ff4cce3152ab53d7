"""The server's clock, as this process can tell it without asking each time.

Ticks are due by the server's time, so that a node whose clock is wrong fires neither
early nor late. What is kept is the distance to a local clock that never jumps.
"""

from __future__ import annotations

from mainspring.base.timesource import TimeSource


class ServerTime:
    """The server's time by a measured offset, which the clock measures each second."""

    def __init__(self, time: TimeSource) -> None:
        self._time = time
        self._offset = 0.0

    def learn(self, server: float) -> None:
        """Take *server*, unix seconds that it has just answered, as its time now.

        The answer was under way, so the true time is a little later: `now` is late by that
        much at most, and never early but by drift, which `periodic_claim` refuses.
        """
        self._offset = server - self._time.monotonic()

    def now(self) -> float:
        """Return the server's time in unix seconds."""
        return self._time.monotonic() + self._offset
