"""Dramatiq."""

from __future__ import annotations

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.recovery.programs.common import URL, wait

dramatiq.set_broker(RedisBroker(url=URL))


@dramatiq.actor
def hold() -> None:
    wait()


def enqueue() -> None:
    hold.send()
