"""Dramatiq: the Redis broker with the default middleware, retries among them."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers.programs.common import URL, Tally, fill

dramatiq.set_broker(RedisBroker(url=URL))
tally = Tally()


@dramatiq.actor
def nop(_number: int) -> None:
    tally.one()


def enqueue() -> None:
    fill(nop.send)
