"""The limiters that are in use, to look at and to reset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mainspring.base.timesource import TimeSource
from mainspring.store import limiters
from mainspring.store.connection import Store
from mainspring.store.limiters import MOST, Limit, Usage


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
    """

    name: str
    kind: str
    limit: int
    span: float
    used: float
    waiting: int


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
        return [
            LimiterState(limit.name, limit.kind, limit.n, limit.seconds, usage.used, usage.waiting)
            for limit, usage in zip(found, usages, strict=True)
        ]

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
