"""What every program shares: where the server is, and a job that says when it starts and then waits."""

from __future__ import annotations

import asyncio
import json
import os
import time

URL = os.environ["BENCH_URL"]
_LONG = 3600.0


def started() -> None:
    """Say that the job runs now, by the clock that all processes share; past whatever caught the standard output."""
    line = json.dumps({"event": "started", "at": time.monotonic()})
    os.write(1, line.encode() + b"\n")


def wait() -> None:
    """Be a job at work."""
    started()
    time.sleep(_LONG)


async def await_long() -> None:
    """Be a job at work that is a coroutine."""
    started()
    await asyncio.sleep(_LONG)
