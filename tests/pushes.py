"""What tests of enqueueing share: a clock that stands, the ways to enqueue, and a look at what they stored."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

from mainspring.base.timesource import TimeSource
from mainspring.store import keys

NOW = 1_790_000_000.0
MODES = ("blocking", "awaited")


class Still(TimeSource):
    """A wall clock that stands at `NOW`."""

    def now(self) -> float:
        return NOW

    def sleep(self, seconds: float) -> None:
        """Lose no time."""


def stored(server, queue="default") -> list[bytes]:
    """Return what waits, in the order in which it will run."""
    return server.client.lrange(keys.queue(queue), 0, -1)[::-1]


def later(server) -> dict[bytes, float]:
    return dict(server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True))


def fields(data: bytes) -> dict:
    return json.loads(data)


def now(job, mode):
    return job.enqueue(1) if mode == "blocking" else asyncio.run(job.aenqueue(1))


def within(job, mode):
    return job.enqueue_in("1m", 1) if mode == "blocking" else asyncio.run(job.aenqueue_in("1m", 1))


def at(job, mode):
    when = datetime.fromtimestamp(NOW + 60, UTC)
    return job.enqueue_at(when, 1) if mode == "blocking" else asyncio.run(job.aenqueue_at(when, 1))


def many(job, mode):
    return (job.enqueue_many([(1,)]) if mode == "blocking" else asyncio.run(job.aenqueue_many([(1,)])))[0]


def planned(job, mode):
    job = job.using(at=NOW + 60)
    return job.enqueue(1) if mode == "blocking" else asyncio.run(job.aenqueue(1))
