"""A clock that stands, for tests that compare times."""

from __future__ import annotations

from mainspring.base.timesource import TimeSource

NOW = 1_790_000_000.5


class StillTime(TimeSource):
    """A wall clock that stands at `NOW`."""

    def now(self) -> float:
        return NOW
