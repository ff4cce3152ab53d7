"""Counts the runs of one capsule in plain dicts, and turns them into calls now and then.

A job costs two lookups here and nothing in the store; the store hears of all jobs of
some seconds in a few calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from mainspring.metrics.histogram import BUCKETS, SHORTEST_MS, bucket
from mainspring.store import metrics
from mainspring.store.command import Command

#: The most job names that are told apart: a hostile producer must not fill the store with names.
MOST_NAMES: Final = 500
#: What the others are counted under.
OTHERS: Final = "(others)"


@dataclass(slots=True)
class Counts:
    """The runs of one job since the last flush.

    Attributes:
        processed: All runs.
        failed: Those that failed.
        run_ms: How long the successful ones took together, in milliseconds.
        runs: The same in buckets.
        waits: In buckets, how long they had waited in their queue; retries are not counted.
    """

    processed: int = 0
    failed: int = 0
    run_ms: float = 0.0
    runs: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    waits: list[int] = field(default_factory=lambda: [0] * BUCKETS)


class Recorder:
    """Belongs to one thread."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self._counts: dict[str, Counts] = {}

    # By position, because it is called for every job.
    def record(self, name: str, run_ms: float, wait_ms: float | None, has_failed: bool) -> None:  # noqa: FBT001
        """Count one run.

        Args:
            name: The job's name.
            run_ms: How long it took, in milliseconds.
            wait_ms: How long it had waited, less than nothing by clocks that differ; None for a retry, or if
                it does not say.
            has_failed: Whether it failed; then its time is not counted, as in Sidekiq.
        """
        counts = self._counts.get(name) or self._first(name)
        counts.processed += 1
        if has_failed:
            counts.failed += 1
        else:
            counts.run_ms += run_ms
            # Most are shorter than the first bound, and the call costs as much as all the rest.
            counts.runs[bucket(run_ms) if run_ms >= SHORTEST_MS else 0] += 1
        if wait_ms is not None:
            counts.waits[bucket(wait_ms) if wait_ms >= SHORTEST_MS else 0] += 1

    def _first(self, name: str) -> Counts:
        if len(self._counts) >= MOST_NAMES:
            name = OTHERS
        return self._counts.setdefault(name, Counts())

    def flush(self, now: float) -> list[Command[None]]:
        """Return the calls that add what was counted since the last flush, at *now*, unix seconds."""
        found, self._counts = self._counts, {}
        calls: list[Command[None]] = []
        for name, counts in found.items():
            calls += metrics.add_totals(name, counts.processed, counts.failed, round(counts.run_ms), now)
            calls += metrics.add_runs(name, counts.runs, now)
            calls += metrics.add_waits(name, counts.waits, now)
        return calls
