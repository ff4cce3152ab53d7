"""Asks queues for jobs: in which order, how many, and again with the same request if an answer was lost."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from mainspring import config
from mainspring.base import payload
from mainspring.base.errors import InvalidPayload
from mainspring.base.timesource import TimeSource
from mainspring.store import queues
from mainspring.store.command import Command
from mainspring.store.queues import Fetched
from mainspring.worker.delivery import Delivery
from mainspring.worker.settings import CapsuleSettings

#: Where a holder's last request is kept in its in-flight hash.
_FIELD: Final = "_req"

#: Seconds of work that may be fetched ahead: enough to hide a round trip, too little to matter to anybody.
AHEAD: Final = 0.05

#: The most jobs that may be fetched ahead: while one call's worth of them runs, the next is read and another fetched.
MOST_AHEAD: Final = 2 * queues.MOST

#: Seconds after which what was fetched ahead and has not started is given back: within a second, as the capsule looks
#: at it four times a second.
STALE: Final = 0.7

#: Seconds for which a queue that was found paused is left alone.
PAUSE: Final = 1.0

_NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})


class Fetcher:
    """The asking side of one capsule; used by that capsule's thread alone."""

    def __init__(
        self,
        settings: CapsuleSettings,
        *,
        time: TimeSource,
        rng: random.Random,
        elsewhere: Mapping[str, str] = _NOWHERE,
    ) -> None:
        """Begin with no request made.

        Args:
            settings: The capsule's queues, and how many jobs it runs at once.
            time: The clocks.
            rng: The source of chance, for the order of weighted queues.
            elsewhere: Where those jobs run that do not run in threads, by name.
        """
        self._settings = settings
        self._elsewhere = elsewhere
        self._time = time
        self._rng = rng
        self._requests: dict[str, int] = dict.fromkeys(settings.names, 1)
        self._paused_until: dict[str, float] = {}
        self._rate = 0.0
        self._measured = time.monotonic()
        self._limit = config.payload_limit()

    def order(self) -> list[str]:
        """Return the queues to ask, in order, without those found paused just now."""
        now = self._time.monotonic()
        return [queue for queue in self._settings.order(self._rng) if self._paused_until.get(queue, 0.0) <= now]

    def ask(self, queue: str, holder: str, n: int) -> Command[Fetched]:
        """Return the call that takes up to *n* jobs of *queue*.

        Until `answered`, the call made again carries the same request id and so gets the same jobs.
        """
        return queues.fetch(queue, holder, min(n, queues.MOST), str(self._requests[queue]), _FIELD)

    def answered(self, queue: str, fetched: Fetched) -> None:
        """Note that an answer came: the next request is another."""
        self._requests[queue] += 1
        if fetched.paused:
            self._paused_until[queue] = self._time.monotonic() + PAUSE

    def read(self, queue: str, jobs: Iterable[tuple[int, bytes]], holder: str) -> list[Delivery]:
        """Return what an answer gave."""
        now = self._time.monotonic()
        deliveries, read, limit, place = [], payload.read, self._limit, self._elsewhere.get
        for seq, raw in jobs:
            try:
                job = read(raw, limit)
            except InvalidPayload as problem:
                deliveries.append(Delivery(queue, seq, raw, holder, now, None, problem))
            else:
                suspect, runs_in = bool(job.recovered), place(job.name, "")
                deliveries.append(Delivery(queue, seq, raw, holder, now, job, None, suspect, runs_in))
        return deliveries

    def measure(self, finished: int) -> None:
        """Note that *finished* jobs have finished since the last call, which bounds what is fetched ahead."""
        now = self._time.monotonic()
        seconds, self._measured = now - self._measured, now
        if seconds > 0:
            self._rate += (finished / seconds - self._rate) * min(1.0, seconds / AHEAD)

    def stalled(self) -> None:
        """Note that what was fetched ahead did not start in time: fetch nothing ahead until jobs finish again."""
        self._rate = 0.0

    def ahead(self) -> int:
        """Return how many jobs more than there are slots may be fetched now."""
        return min(MOST_AHEAD, int(self._rate * AHEAD))


def stale(deliveries: Iterable[Delivery], now: float) -> bool:
    """Return True if one of *deliveries* has waited for a slot for too long."""
    return any(not delivery.started and now - delivery.received > STALE for delivery in deliveries)
