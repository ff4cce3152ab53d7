"""What tests of metrics share: a noon, runs to count, and metrics that are asked at a time of the test's choice."""

from __future__ import annotations

from mainspring.base.timesource import TimeSource
from mainspring.metrics.query import Metrics
from mainspring.metrics.recorder import Recorder
from mainspring.store.connection import Store
from mainspring.store.metrics import Delta

#: 2026-11-21, a Saturday, 12:00 UTC; and the Monday before.
NOON = 1_795_262_400.0
MONDAY = NOON - 5 * 86_400 - 12 * 3600


class Clock(TimeSource):
    """A clock that stands where it is put."""

    at = NOON

    def now(self) -> float:
        return self.at


def asked(store: Store, at: float) -> Metrics:
    """Return the metrics of a store as they are asked at a time."""
    clock = Clock()
    clock.at = at
    return Metrics(store, clock)


def recorded(*runs: tuple[str, str, float, float | None, bool], at: float = NOON, token: str = "t") -> Delta:
    """Return what a process has counted: of each run its queue, job, time and wait in milliseconds, whether it failed."""
    recorder = Recorder()
    for queue, job, run_ms, wait_ms, has_failed in runs:
        counts = recorder.of(queue, job)
        counts.failed += has_failed
        if not has_failed:
            counts.ran(run_ms / 1000)
        if wait_ms is not None:
            counts.waited(wait_ms / 1000)
    return recorder.take(at, token)
