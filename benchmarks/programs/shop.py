"""The jobs that the benchmarks run in mainspring."""

from __future__ import annotations

import os
import time
from importlib import import_module

from benchmarks.programs import STAMP
from benchmarks.programs.tally import Tally
from mainspring import App

app = App(os.environ["BENCH_URL"])
tally = Tally()
starts: list[tuple[int, float, float]] = []


_kind = os.environ.get("BENCH_KIND", "plain")
# A checkout of before may not know these options, and runs plain jobs only.
_options = {} if _kind == "plain" else import_module("benchmarks.flow").KINDS[_kind](app)


@app.job(name="nop", **_options)
def nop(_number: int) -> None:
    tally.one()


@app.job(name="anop")
async def anop(_number: int) -> None:
    tally.one()


@app.job(name=STAMP)
def stamp(number: int) -> None:
    starts.append((number, time.monotonic(), time.time()))
