"""The server's clock, as this process can tell it without asking each time.

Ticks are due by the server's time, so that a node whose clock is wrong fires neither
early nor late. What is kept is the distance to a local clock that never jumps.
"""

from __future__ import annotations

from mainspring.base.timesource import TimeSource

#: Seconds for which a measured distance is trusted; crystals differ by some 50 us in that time.
TRUST = 5.0


class ServerTime:
    """The server's time by a measured offset; begins stale."""

    def __init__(self, time: TimeSource) -> None:
        self._time = time
        self._offset = 0.0
        self._measured = float("-inf")

    def learn(self, server: float) -> None:
        """Take *server*, unix seconds that it has just answered, as its time now.

        The answer was under way, so the true time is a little later: `now` is late by that
        much at most, and never early but by drift, which `periodic_claim` refuses.
        """
        self._measured = self._time.monotonic()
        self._offset = server - self._measured

    def forget(self) -> None:
        """Trust the measured distance no longer."""
        self._measured = float("-inf")

    def now(self) -> float:
        """Return the server's time in unix seconds."""
        return self._time.monotonic() + self._offset

    def trusted_for(self) -> float:
        """Return for how many seconds the distance may still be trusted; 0 if it must be measured."""
        return max(0.0, self._measured + TRUST - self._time.monotonic())
