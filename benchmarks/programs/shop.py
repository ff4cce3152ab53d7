"""The jobs that the benchmarks run in mainspring."""

from __future__ import annotations

import os
import time

from benchmarks.programs import STAMP
from benchmarks.programs.tally import Tally
from mainspring import App

app = App(os.environ["BENCH_URL"])
tally = Tally()
starts: list[tuple[int, float, float]] = []


@app.job(name="nop")
def nop(_number: int) -> None:
    tally.one()


@app.job(name="anop")
async def anop(_number: int) -> None:
    tally.one()


@app.job(name=STAMP)
def stamp(number: int) -> None:
    starts.append((number, time.monotonic(), time.time()))
