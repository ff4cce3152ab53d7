"""The limiters that are in use, to look at and to reset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self

from mainspring.base.timesource import TimeSource
from mainspring.store import limiters
from mainspring.store.connection import Store
from mainspring.store.limiters import MINUTES, MOST, Limit, Usage


@dataclass(frozen=True, slots=True)
class LimiterState:
    """A limiter, and how much of it is in use.

    Attributes:
        name: Its name; after a colon, for one of `Limiter.by`, the value of its key.
        kind: ``"concurrent"``, ``"bucket"``, ``"window"``, ``"leaky"`` or ``"points"``.
        limit: How much there is: how many at once, in a time, in the bucket, or points.
        span: How long, in seconds: a slot is held at most, an interval or a window is, or all of it takes to come back.
        used: How much is taken now.
        waiting: How many callers wait for it; jobs that it has snoozed are scheduled, and not counted here.
        taken_by_minute: How often it gave, in each of the 60 minutes up to now, the oldest first.
        refused_by_minute: How often it did not, likewise: callers that waited or were told when to come again, and jobs
            that were put into its lane; each once, however often it looked again.
    """

    name: str
    kind: str
    limit: int
    span: float
    used: float
    waiting: int
    taken_by_minute: Sequence[int] = field(repr=False, default=(0,) * MINUTES)
    refused_by_minute: Sequence[int] = field(repr=False, default=(0,) * MINUTES)

    @classmethod
    def of(cls, limit: Limit, usage: Usage) -> Self:
        """Return how *limit* is, of which *usage* was read."""
        known = (limit.name, limit.kind, limit.n, limit.seconds)
        return cls(*known, usage.used, usage.waiting, usage.taken, usage.refused)

    @property
    def taken(self) -> int:
        """How often it gave in the last hour; what was let in from its lane counts when it starts."""
        return sum(self.taken_by_minute)

    @property
    def refused(self) -> int:
        """How often it did not give in the last hour."""
        return sum(self.refused_by_minute)

    @property
    def over_limit(self) -> float | None:
        """Which share of those that asked in the last hour was refused, from 0 to 1; None if nobody asked."""
        asked = self.taken + self.refused
        return self.refused / asked if asked else None


class Limiters:
    """All limiters that were taken of in the last week; of more than 10,000, those used last."""

    def __init__(self, store: Store, time: TimeSource) -> None:
        """Look at the limiters of *store*; nothing is asked yet."""
        self._store = store
        self._time = time

    def __iter__(self) -> Iterator[LimiterState]:
        """Iterate over the limiters by name, each as it is now."""
        return iter(self.states())

    def __bool__(self) -> bool:
        """Be true though there may be none."""
        return True

    def states(self) -> list[LimiterState]:
        """Return the limiters by name, each as it is now.

        One whose numbers were changed in the code is shown with the newest.
        """
        found = self._limits()
        usages: list[Usage] = []
        for begin in range(0, len(found), MOST):
            part = self._store.run(limiters.usage(found[begin : begin + MOST]))
            usages.extend(part)
        return [LimiterState.of(limit, usage) for limit, usage in zip(found, usages, strict=True)]

    def reset(self, name: str) -> int:
        """Forget what was taken of the limiters *name*, of whatever kind.

        Slots that are held become free, though their holders work on. Who waits finds out when it looks
        again: for a slot within a second, else when its time has come.

        Returns:
            How many limiters are named so; 0 if none was used of late.
        """
        meant = [limit for limit in self._limits() if limit.name == name]
        for limit in meant:
            self._store.run(limiters.reset(limit))
        return len(meant)

    def _limits(self) -> Sequence[Limit]:
        now_ms = self._time.now() * 1000
        newest: dict[tuple[str, str], Limit] = {}
        for spec, until_ms in self._store.run(limiters.shown()):
            limit = limiters.read_spec(spec)
            if limit is not None and until_ms > now_ms:
                newest[limit.name, limit.kind] = limit
        return [newest[key] for key in sorted(newest)]
