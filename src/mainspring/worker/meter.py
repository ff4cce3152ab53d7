"""Takes the times of settled deliveries, and what is kept of single ones, and writes them to the store now and then."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mainspring.base.errors import StoreError
from mainspring.base.payload import Payload, unix
from mainspring.base.timesource import TimeSource
from mainspring.metrics.recorder import Counts, Recorder, for_sidekiq
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


@dataclass(slots=True)
class _Batch:
    """What was counted, until the store has it.

    Attributes:
        delta: What.
        closed: When it was complete, on the monotonic clock.
        was_sent: True once it was sent, whether an answer came or not.
    """

    delta: Delta
    closed: float
    was_sent: bool = False


class Meter:
    """The meter of one capsule; used by that capsule's thread."""

    def __init__(self, time: TimeSource) -> None:
        """Begin with nothing counted."""
        self._time = time
        self._recorder = Recorder()
        self._tally = Tally(time)
        self._batches: deque[_Batch] = deque(maxlen=_MOST)
        self._flushed = time.monotonic()
        self._minute = 0

    def count(self, settled: Iterable[Delivery]) -> None:
        """Count deliveries that were settled for good."""
        now = self._time.now()
        if now // 60 != self._minute:
            self._close(now)
        # Start and end are on the monotonic clock, the time of the enqueueing on the wall's.
        offset = now - self._time.monotonic()
        queue, name, counts, skip = "", "", Counts(), 0
        for delivery in settled:
            payload, settlement = delivery.payload, delivery.settlement
            if delivery.trace is not None:
                self._tally.add(delivery.trace, delivery.queue)
            if payload is None:
                continue
            # In a crowd, nearly all are of the queue and the job of the one before, and end here.
            if payload.name != name or delivery.queue is not queue:
                counts.skip = skip
                queue, name = delivery.queue, payload.name
                counts = self._recorder.of(queue, name)
                skip = counts.skip
            if skip and (settlement is None or (settlement.runs and not settlement.fails)):
                skip -= 1
            elif delivery.ended and (settlement is None or settlement.runs):
                has_failed = settlement is not None and settlement.fails
                skip += _timed(delivery, payload, counts, offset, has_failed)
        counts.skip = skip

    def _close(self, now: float) -> None:
        """Begin a new minute: what was counted belongs to the one before."""
        if self._recorder:
            delta = self._recorder.take(self._minute * 60.0, uuid.uuid4().hex)
            self._batches.append(_Batch(delta, self._time.monotonic()))
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
        while self._batches:
            if self._flushed - self._batches[0].closed < _PATIENCE and not self._has_sent(store, self._batches[0]):
                return
            self._batches.popleft()

    def _has_sent(self, store: Store, batch: _Batch) -> bool:
        # Sidekiq's keys do not know what comes twice, so they are written with the first try or never.
        theirs = [] if batch.was_sent else for_sidekiq(batch.delta)
        batch.was_sent = True
        try:
            answers = store.pipeline([metrics.add(batch.delta), *theirs])
        except StoreError:
            return False
        return not isinstance(answers[0], StoreError)


# By position, because it is called for every job that is timed.
def _timed(delivery: Delivery, payload: Payload, counts: Counts, offset: float, has_failed: bool) -> int:  # noqa: FBT001
    """Count a run and how long it took and had waited; return for how many more of its kind it stands."""
    started = delivery.started
    weight = 1 if has_failed else counts.weight()
    if has_failed:
        counts.failed += 1
    else:
        counts.ran(delivery.ended - started, weight)
    # The wait of a retry is its policy's.
    since = unix(payload.enqueued_at) if payload.retry_count is None else None
    if since is not None:
        counts.waited(started + offset - since, weight)
    return weight - 1
