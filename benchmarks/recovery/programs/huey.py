"""Huey: as it is, and with retries."""

from __future__ import annotations

import os

from huey import RedisHuey

from benchmarks.recovery.programs.common import URL, wait

huey = RedisHuey("recovery", url=URL)


@huey.task(retries=3 if os.environ.get("BENCH_WAY") == "retries" else 0)
def hold() -> None:
    wait()


def enqueue() -> None:
    hold()
