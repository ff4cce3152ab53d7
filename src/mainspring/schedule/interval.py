"""A plain period: elapsed time, counted from an anchor."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A tick each *period* seconds of elapsed time, the first one at *anchor*.

    Attributes:
        period: Seconds.
        anchor: The first tick.
        count: How many ticks there are; None for no end.
    """

    period: float
    anchor: float = 0.0
    count: int | None = None

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        # The quotient may be off by one either way, since ticks are rounded and floats are not exact.
        index = max(0, math.floor((t - self.anchor) / self.period) - 1)
        while (tick := self._tick(index)) <= t:
            index += 1
        return tick if self.count is None or index < self.count else None

    def before(self, t: float) -> float | None:
        """Return the last tick strictly before *t*."""
        index = math.ceil((t - self.anchor) / self.period) + 1
        if self.count is not None:
            index = min(index, self.count - 1)
        while index >= 0 and self._tick(index) >= t:
            index -= 1
        return self._tick(index) if index >= 0 else None

    def anchored(self, anchor: float) -> Interval:
        """Return the same period, counted from *anchor*."""
        return Interval(self.period, anchor, self.count)

    # Each tick from the anchor, not from the one before: a sum of a million floats drifts.
    def _tick(self, index: int) -> float:
        return round(self.anchor + index * self.period, 3)
