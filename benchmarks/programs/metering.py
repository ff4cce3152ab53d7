"""The worker of `worker`, which counts no run for the metrics, or says at its end what time it took to count them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence

from benchmarks.programs.tally import tell
from mainspring.worker.delivery import Delivery
from mainspring.worker.meter import Meter

_count = Meter.count
spent = [0.0]


def count_nothing(self: Meter, settled: Iterable[Delivery]) -> None:
    """Stand in the place of `Meter.count`."""


def count_timed(self: Meter, settled: Sequence[Delivery]) -> None:
    """Do what `Meter.count` does, and note the time of the processor that it takes."""
    began = time.thread_time()
    _count(self, settled)
    spent[0] += time.thread_time() - began


Meter.count = count_nothing if os.environ["BENCH_METER"] == "off" else count_timed  # type: ignore[method-assign, assignment]  # what this program is for

from benchmarks.programs import worker  # noqa: E402, F401  # importing it runs it

tell("meter", seconds=spent[0])
