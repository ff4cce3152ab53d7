"""Arq."""

from __future__ import annotations

import asyncio
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings

from benchmarks.recovery.programs.common import URL, await_long

SETTINGS = RedisSettings.from_dsn(URL)


async def hold(_context: dict[Any, Any]) -> None:
    await await_long()


class WorkerSettings:
    functions = (hold,)
    redis_settings = SETTINGS


async def main() -> None:
    pool = await create_pool(SETTINGS)
    await pool.enqueue_job("hold")
    await pool.aclose()


def enqueue() -> None:
    asyncio.run(main())
