"""Feeds a worker at a steady rate, one job a call, every fifth a coroutine: for some seconds, or until SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
import time

from benchmarks.programs.endurance import app, asteady, steady
from benchmarks.programs.tally import tell

_TICK = 0.005


def main() -> None:
    rate, seconds = float(os.environ["BENCH_RATE"]), float(os.environ["BENCH_SECONDS"])
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    count, began = 0, time.monotonic()
    tell("feeding")
    while not told.is_set() and (passed := time.monotonic() - began) < seconds:
        while count < passed * rate:
            count += 1
            job = asteady if count // 7 % 5 == 0 else steady
            job.enqueue(count, time.monotonic())
        time.sleep(_TICK)
    tell("fed", pushed=count, seconds=time.monotonic() - began)
    app.close()


main()
