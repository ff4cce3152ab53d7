"""Taskiq: the broker on a list, and the one on a stream, that acknowledges after the run."""

from __future__ import annotations

import asyncio
import os

from taskiq_redis import ListQueueBroker, RedisStreamBroker

from benchmarks.recovery.programs.common import URL, await_long

# Without it redis-py 8 gives an idle connection up after five seconds, and taskiq its whole process.
PATIENT = {"socket_timeout": None}

broker = (RedisStreamBroker if os.environ.get("BENCH_WAY") == "stream" else ListQueueBroker)(URL, **PATIENT)


@broker.task(task_name="hold")
async def hold() -> None:
    await await_long()


async def main() -> None:
    await broker.startup()
    await hold.kiq()
    await broker.shutdown()


def enqueue() -> None:
    asyncio.run(main())
