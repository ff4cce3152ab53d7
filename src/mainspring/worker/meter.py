"""Takes the times of settled deliveries, and what is kept of single ones, and writes them to the store now and then."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from mainspring.base.errors import StoreError
from mainspring.base.payload import unix
from mainspring.base.timesource import TimeSource
from mainspring.metrics.recorder import Counts, Recorder
from mainspring.store import metrics
from mainspring.store.connection import Store
from mainspring.store.metrics import TOKEN_TTL, Delta
from mainspring.worker.delivery import Delivery
from mainspring.worker.tally import Tally

#: Seconds between two writes.
EVERY: Final = 10.0
#: The most that is kept while the store does not take it.
_MOST: Final = 60
#: For how long it is kept, in seconds: less than the store knows it again.
_PATIENCE: Final = TOKEN_TTL - 60.0


class Meter:
    """The meter of one capsule; used by that capsule's thread."""

    def __init__(self, time: TimeSource) -> None:
        """Begin with nothing counted."""
        self._time = time
        self._recorder = Recorder()
        self._tally = Tally(time)
        self._batches: deque[tuple[Delta, float]] = deque(maxlen=_MOST)  # each with when it was complete, monotonic
        self._flushed = time.monotonic()
        self._minute = 0

    def count(self, settled: Sequence[Delivery], *, are_alike: bool = False) -> None:
        """Count deliveries that were settled for good; *are_alike* if all are plain successes of one job and queue."""
        if not settled:
            return
        now = self._time.now()
        if now // 60 != self._minute:
            self._close(now)
        # Start and end are on the monotonic clock, the time of the enqueueing on the wall's.
        offset = now - self._time.monotonic()
        if are_alike:
            # To ask each would cost as much as all the rest that is done for metrics.
            self._count_alike(settled, offset)
        else:
            self._count_each(settled, offset)

    def _count_alike(self, settled: Sequence[Delivery], offset: float) -> None:
        """Count plain successes of one job in one queue."""
        counts = self._recorder.of(settled[0].queue, settled[0].name)
        place = counts.skip
        while place < len(settled):
            place += 1 + _count_plain(settled[place], counts, offset)
        counts.skip = place - len(settled)

    def _count_each(self, settled: Iterable[Delivery], offset: float) -> None:
        kind, queue, counts, skip = None, "", Counts(), 0
        for delivery in settled:
            # Most are of the kind and the queue of the one before, and end here: the payload is long out of the
            # processor's cache, and to look at it would cost more than all the rest.
            if skip and delivery.kind is kind and delivery.queue is queue:
                skip -= 1
                continue
            if delivery.kind is None:
                self._count_one(delivery, offset)
                continue
            if delivery.kind is not kind or delivery.queue is not queue:
                counts.skip = skip
                kind, queue = delivery.kind, delivery.queue
                counts = self._recorder.of(queue, delivery.name)
                skip = counts.skip
            skip = skip - 1 if skip else _count_plain(delivery, counts, offset)
        counts.skip = skip

    def _count_one(self, delivery: Delivery, offset: float) -> None:
        """Count a delivery that failed, or failed before, or on which something hung, or that ran elsewhere."""
        payload, settlement = delivery.payload, delivery.settlement
        if delivery.trace is not None:
            self._tally.add(delivery.trace, delivery.queue)
        if payload is None or not delivery.ended or (settlement is not None and not settlement.runs):
            return
        counts = self._recorder.of(delivery.queue, payload.name)
        if settlement is not None and settlement.fails:
            counts.failed += 1
        else:
            counts.ran(delivery.ended - delivery.started)
        # The wait of a retry is its policy's.
        since = unix(payload.enqueued_at) if payload.retry_count is None else None
        if since is not None:
            counts.waited(delivery.started + offset - since)

    def _close(self, now: float) -> None:
        """Begin a new minute: what was counted belongs to the one before."""
        if self._recorder:
            delta = self._recorder.take(self._minute * 60.0, uuid.uuid4().hex)
            self._batches.append((delta, self._time.monotonic()))
        self._minute = int(now // 60)

    @property
    def due_in(self) -> float:
        """How many seconds until there is something to write; infinity if nothing was counted."""
        return min(self._times_due_in, self._tally.due_in)

    @property
    def _times_due_in(self) -> float:
        if not self._recorder and not self._batches:
            return float("inf")
        return max(0.0, self._flushed + EVERY - self._time.monotonic())

    def beat(self, store: Store) -> None:
        """Write what is due: single runs are seen sooner than the times of all."""
        if self._tally.due_in <= 0:
            self._tally.flush(store)
        if self._times_due_in <= 0:
            self._flush_times(store)

    def flush(self, store: Store) -> None:
        """Write all that was counted."""
        self._tally.flush(store)
        self._flush_times(store)

    def _flush_times(self, store: Store) -> None:
        """Write the times.

        Metrics are for people: if the store refuses, or does not answer, it is tried again at the next
        time, and dropped after some minutes. What has arrived already is not counted twice.
        """
        self._close(self._time.now())
        self._flushed = self._time.monotonic()
        with suppress(StoreError):
            while self._batches:
                delta, closed = self._batches[0]
                if self._flushed - closed < _PATIENCE:
                    store.run(metrics.add(delta))
                self._batches.popleft()


def _count_plain(delivery: Delivery, counts: Counts, offset: float) -> int:
    """Count a plain success; return for how many more of its kind it stands."""
    weight = counts.weight()
    counts.ran(delivery.ended - delivery.started, weight)
    since = None if delivery.payload is None else unix(delivery.payload.enqueued_at)
    if since is not None:
        counts.waited(delivery.started + offset - since, weight)
    return weight - 1
