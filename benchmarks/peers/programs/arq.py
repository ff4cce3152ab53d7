"""Arq: on uvloop; no results kept, none logged."""

from __future__ import annotations

import asyncio
from typing import Any

import uvloop
from arq import create_pool, func
from arq.connections import RedisSettings

from benchmarks.peers.programs.common import SLOTS, URL, Tally, afill

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
SETTINGS = RedisSettings.from_dsn(URL)
QUIET = {"version": 1, "loggers": {"arq": {"level": "WARNING"}}}
tally = Tally()


async def nop(_context: dict[Any, Any], _number: int) -> None:
    tally.one()


class WorkerSettings:
    functions = (func(nop, name="nop", keep_result=0),)
    redis_settings = SETTINGS
    max_jobs = SLOTS
    poll_delay = 0.01
    log_results = False


async def main() -> None:
    pool = await create_pool(SETTINGS)
    await afill(lambda number: pool.enqueue_job("nop", number))
    await pool.aclose()


def enqueue() -> None:
    asyncio.run(main())
