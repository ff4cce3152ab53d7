"""Huey: its Redis list with blocking reads, and no results kept."""

from __future__ import annotations

from huey import RedisHuey

from benchmarks.peers.programs.common import URL, Tally, fill

huey = RedisHuey("bench", url=URL, results=False)
tally = Tally()


@huey.task(name="nop")
def nop(_number: int) -> None:
    tally.one()


def enqueue() -> None:
    fill(nop)
