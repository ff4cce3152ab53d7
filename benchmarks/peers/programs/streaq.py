"""Streaq: on uvloop; no results kept, no line logged for each task."""

from __future__ import annotations

import asyncio

from streaq import Worker

from benchmarks.peers.programs.common import SLOTS, URL, Tally, afill

worker = Worker(redis_url=URL, concurrency=SLOTS, anyio_kwargs={"use_uvloop": True})
tally = Tally()


@worker.task(name="nop", ttl=0, silent=True)
async def nop(_number: int) -> None:
    tally.one()


async def main() -> None:
    async with worker:
        await afill(nop.enqueue)


def enqueue() -> None:
    asyncio.run(main())
