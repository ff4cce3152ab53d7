"""Streaq."""

from __future__ import annotations

import asyncio

from streaq import Worker

from benchmarks.recovery.programs.common import URL, await_long

worker = Worker(redis_url=URL)


@worker.task
async def hold() -> None:
    await await_long()


async def main() -> None:
    async with worker:
        await hold.enqueue()


def enqueue() -> None:
    asyncio.run(main())
