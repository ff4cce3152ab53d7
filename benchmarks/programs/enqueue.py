"""Enqueues with mainspring: one by one, from a coroutine, and many; and the same bytes by bare LPUSH."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import redis

from benchmarks.programs.shop import app, nop
from benchmarks.programs.tally import tell

JOBS = int(os.environ["BENCH_JOBS"])
MANY = int(os.environ["BENCH_MANY"])
BULK = 1000


def one_by_one() -> None:
    for number in range(JOBS):
        nop.enqueue(number)


def awaited() -> None:
    async def push() -> None:
        for number in range(JOBS):
            await nop.aenqueue(number)

    asyncio.run(push())


def many() -> None:
    nop.enqueue_many((number,) for number in range(MANY))


def timed(call: Callable[[], object], jobs: int) -> float:
    began = time.monotonic()
    call()
    return jobs / (time.monotonic() - began)


def main() -> None:
    nop.enqueue(0)
    client = redis.Redis.from_url(os.environ["BENCH_URL"])
    payload = client.lindex("queue:default", 0)

    def bare() -> None:
        for _ in range(JOBS):
            client.lpush("queue:default", payload)

    def pipelined() -> None:
        for _ in range(MANY // BULK):
            pipe = client.pipeline(transaction=False)
            for _ in range(BULK):
                pipe.lpush("queue:default", payload)
            pipe.execute()

    rates = {"one": timed(one_by_one, JOBS), "awaited": timed(awaited, JOBS), "many": timed(many, MANY)}
    rates |= {"bare": timed(bare, JOBS), "pipelined": timed(pipelined, MANY)}
    tell("rates", rates=rates, pushed=1 + 3 * JOBS + 2 * MANY, left=app.queue("default").size)


main()
