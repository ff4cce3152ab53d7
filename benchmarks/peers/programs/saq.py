"""SAQ: its Redis queue, on uvloop."""

from __future__ import annotations

import asyncio
from typing import Any

import uvloop
from saq import Queue

from benchmarks.peers.programs.common import SLOTS, URL, Tally, afill

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
queue = Queue.from_url(URL)
tally = Tally()


async def nop(_context: dict[str, Any], **_arguments: int) -> None:
    tally.one()


settings = {"queue": queue, "functions": [nop], "concurrency": SLOTS}


async def main() -> None:
    await queue.connect()
    await afill(lambda number: queue.enqueue("nop", number=number, ttl=-1))
    await queue.disconnect()


def enqueue() -> None:
    asyncio.run(main())
