"""Taskiq: the broker on a stream, that acknowledges after the run, and the one on a list, that does not."""

from __future__ import annotations

import asyncio
import os

from taskiq_redis import ListQueueBroker, RedisStreamBroker

from benchmarks.peers.programs.common import URL, Tally, afill

BROKERS = {"stream": RedisStreamBroker, "list": ListQueueBroker}

broker = BROKERS[os.environ["BENCH_BROKER"]](URL)
tally = Tally()


@broker.task(task_name="nop")
async def nop(_number: int) -> None:
    tally.one()


async def main() -> None:
    await broker.startup()
    await afill(nop.kiq)
    await broker.shutdown()


def enqueue() -> None:
    asyncio.run(main())
