"""RQ: as it is, and with retries."""

from __future__ import annotations

import os

from redis import Redis
from rq import Queue, Retry

from benchmarks.recovery.programs.common import URL, wait


def hold() -> None:
    wait()


def enqueue() -> None:
    retry = Retry(max=3) if os.environ.get("BENCH_WAY") == "retries" else None
    Queue(connection=Redis.from_url(URL)).enqueue("benchmarks.recovery.programs.rq.hold", retry=retry)
