"""Takes the times of settled deliveries, and writes them to the store every few seconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mainspring.base.errors import StoreError
from mainspring.base.payload import unix
from mainspring.base.timesource import TimeSource
from mainspring.metrics.recorder import Recorder
from mainspring.store.connection import Store
from mainspring.worker.delivery import Delivery

#: Seconds between two writes.
EVERY: Final = 10.0


class Meter:
    """The meter of one capsule; used by that capsule's thread."""

    def __init__(self, time: TimeSource) -> None:
        """Begin with nothing counted."""
        self._time = time
        self._recorder = Recorder()
        self._flushed = time.monotonic()
        self._has_counts = False

    def count(self, settled: Iterable[Delivery]) -> None:
        """Count deliveries that were settled for good."""
        # Start and end are on the monotonic clock, the time of the enqueueing on the wall's.
        offset = self._time.now() - self._time.monotonic()
        record = self._recorder.record
        for delivery in settled:
            payload, started, ended = delivery.payload, delivery.started, delivery.ended
            if payload is None or not ended:
                continue
            # The wait of a retry is its policy's.
            since = payload.enqueued_at if payload.retry_count is None else None
            if type(since) is not float:
                since = unix(since)
            waited = None if since is None else (started + offset - since) * 1000
            settlement = delivery.settlement
            has_failed = settlement is not None and settlement.fails
            record(payload.name, (ended - started) * 1000, waited, has_failed)
            self._has_counts = True

    @property
    def is_due(self) -> bool:
        """True if something was counted, and the last write was a while ago."""
        return self._has_counts and self._time.monotonic() - self._flushed > EVERY

    def flush(self, store: Store) -> None:
        """Write what was counted. Metrics are for people: if the store refuses, they are dropped."""
        self._flushed, self._has_counts = self._time.monotonic(), False
        try:
            store.pipeline(self._recorder.flush(self._time.now()))
        except StoreError:
            return
