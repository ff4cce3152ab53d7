"""Counts the runs of one capsule in plain lists, and turns them into calls now and then.

A job costs a lookup here and nothing in the store; the store hears of all jobs of some
seconds in a few calls. Runs are counted by queue and job at once, and summed up by
either when they are written.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mainspring.metrics.histogram import BOUNDS, BUCKETS
from mainspring.metrics.series import together
from mainspring.store.metrics import ALL, MOST_NAMES, OTHERS, Delta, Record

#: The longest name that is told apart.
_LONGEST: Final = 200


#: How many runs of one job of one queue are timed between two flushes, each for itself. Crowds are what costs, and
#: have samples enough: of the next five hundred one in two is timed, for both, of the next thousand one in four ...
EXACT: Final = 500
#: ... and at most one in so many.
STRIDE: Final = 64


@dataclass(slots=True)
class Counts:
    """The runs of one job of one queue since the last flush.

    Attributes:
        failed: Those that failed.
        run_seconds: How long the others took together.
        runs: The same in buckets.
        waits: In buckets, how long they had waited in their queue; retries are not counted.
        timed: How many were timed.
        skip: How many of those to come need not be, since others stand for them.
    """

    failed: int = 0
    run_seconds: float = 0.0
    runs: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    waits: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    timed: int = 0
    skip: int = 0

    @property
    def ok(self) -> int:
        """Those that did not fail: exact, since those that have not come are not counted."""
        return sum(self.runs) - self.skip

    def weight(self) -> int:
        """Return for how many runs the one stands that is timed now."""
        self.timed += 1
        over = self.timed - EXACT
        return 1 if over <= 0 else min(STRIDE, 2 << ((over - 1) * 2 // EXACT))

    def ran(self, seconds: float, weight: int = 1) -> None:
        """Time a run that did not fail; it stands for *weight*."""
        self.run_seconds += seconds * weight
        self.runs[bisect_right(BOUNDS, seconds)] += weight

    def waited(self, seconds: float, weight: int = 1) -> None:
        """Time a wait, which is less than nothing by clocks that differ; it stands for *weight*."""
        self.waits[bisect_right(BOUNDS, seconds)] += weight

    def record(self) -> Record:
        """Return the same as the store has it."""
        pairs = [word for number, count in enumerate((*self.runs, *self.waits)) if count for word in (number, count)]
        return (self.ok, self.failed, round(self.run_seconds * 1000), *pairs)


class Recorder:
    """Belongs to one thread."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._counts: dict[str, dict[str, Counts]] = {}
        self._names = 0

    def __bool__(self) -> bool:
        """Return True if something was counted since the last flush."""
        return bool(self._counts)

    def of(self, queue: str, name: str) -> Counts:
        """Return what counts the job *name* of a queue; beyond 500 names that of all others."""
        counts = self._counts.setdefault(queue, {})
        if name not in counts:
            if self._names >= MOST_NAMES or len(name) > _LONGEST:
                name = OTHERS
            self._names += name not in counts
        return counts.setdefault(name, Counts())

    def take(self, at: float, token: str) -> Delta:
        """Return what was counted since the last time, and forget it.

        Args:
            at: When it was, in unix seconds.
            token: By which the store knows it again.
        """
        found, self._counts, self._names = self._counts, {}, 0
        by_job: dict[str, list[Record]] = {}
        by_queue: dict[str, list[Record]] = {}
        for queue, jobs in found.items():
            for name, counts in jobs.items():
                record = counts.record()
                if not any(record):
                    continue  # it was dropped before it ran
                by_job.setdefault(name, []).append(record)
                by_queue.setdefault(queue, []).append(record)
        queues = _sums(by_queue)
        return Delta(token, at, _sums(by_job), queues | {ALL: together(queues.values())})


def _sums(found: Mapping[str, list[Record]]) -> dict[str, Record]:
    return {name: records[0] if len(records) == 1 else together(records) for name, records in found.items()}
