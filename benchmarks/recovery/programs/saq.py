"""SAQ: as it is, and with retries."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from saq import Queue

from benchmarks.recovery.programs.common import URL, await_long

queue = Queue.from_url(URL)


async def hold(_context: dict[str, Any]) -> None:
    await await_long()


settings = {"queue": queue, "functions": [hold]}


async def main() -> None:
    await queue.connect()
    await queue.enqueue("hold", retries=3 if os.environ.get("BENCH_WAY") == "retries" else 1)
    await queue.disconnect()


def enqueue() -> None:
    asyncio.run(main())
