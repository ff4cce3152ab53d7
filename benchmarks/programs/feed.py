"""Feeds a worker at a steady rate, one job a call, every fifth a coroutine: for some seconds, or until SIGTERM.

Where the machine has no time for it, it falls behind and stays behind: what is measured is a steady rate, and
not the flood in which one would make up for minutes.
"""

from __future__ import annotations

import os
import signal
import threading
import time

from benchmarks.programs.endurance import app, asteady, steady
from benchmarks.programs.tally import tell

_TICK = 0.005
#: Seconds for which it makes up at once.
_ARREARS = 0.5


def main() -> None:
    rate, seconds = float(os.environ["BENCH_RATE"]), float(os.environ["BENCH_SECONDS"])
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    count, began = 0, time.monotonic()
    due = began
    tell("feeding")
    while not told.is_set() and (now := time.monotonic()) - began < seconds:
        due = max(due, now - _ARREARS)
        while due < now:
            due += 1 / rate
            count += 1
            job = asteady if count // 7 % 5 == 0 else steady
            job.enqueue(count, time.monotonic())
        time.sleep(_TICK)
    tell("fed", pushed=count, seconds=time.monotonic() - began)
    app.close()


main()
