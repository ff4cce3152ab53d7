"""What tests of metrics share: a noon, and metrics that are asked at a time of the test's choice."""

from __future__ import annotations

from mainspring.base.timesource import TimeSource
from mainspring.metrics.query import Metrics
from mainspring.store.connection import Store

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
