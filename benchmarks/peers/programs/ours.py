"""Ours, enqueueing as the peers do; and the bare command that most of them send."""

from __future__ import annotations

import asyncio
import os

import redis

from benchmarks.peers.programs.common import URL, afill, fill
from mainspring import App

app = App(URL)


@app.job(name="nop")
def nop(_number: int) -> None: ...


def bare() -> None:
    client = redis.Redis.from_url(URL)
    nop.enqueue(0)
    payload = client.lindex("queue:default", 0)
    fill(lambda _number: client.lpush("queue:default", payload))


def enqueue() -> None:
    ways = {"bare": bare, "sync": lambda: fill(nop.enqueue), "async": lambda: asyncio.run(afill(nop.aenqueue))}
    ways[os.environ["BENCH_CLIENT"]]()
