"""The worker of `worker`, which counts its runs for the metrics by turns only, and says what it did in which.

Within one process all else is alike: where its memory lies, how its threads fell in step. Two processes with the same
code differ by more than the metrics cost.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from benchmarks.programs.tally import tell
from mainspring.worker.delivery import Delivery
from mainspring.worker.meter import Meter

#: Seconds of a turn, and how many pass before all is in step.
TURN = 0.05
WARM = 10

_count = Meter.count


class Turns:
    """What was done in turns with metrics, and in turns without.

    Attributes:
        jobs: How many were settled, without and with.
        seconds: How long it took, likewise.
        cpu: Seconds of the processor, likewise.
        meter: Seconds of the processor that it took to count.
    """

    def __init__(self, how: str) -> None:
        """Begin; *how* is ``turns``, ``timed``, or ``control``, where nothing is counted in any turn."""
        self._how = how
        self._is_on = False
        self._began = (0.0, 0.0)
        self._settled = self._taken = 0
        self.jobs = [0, 0]
        self.seconds = [0.0, 0.0]
        self.cpu = [0.0, 0.0]
        self.meter = 0.0

    def count(self, meter: Meter, settled: Sequence[Delivery], *, are_alike: bool = False) -> None:
        """Stand in the place of `Meter.count`."""
        now = time.monotonic()
        if now - self._began[0] > TURN:
            self._take_turns(now)
        self._settled += len(settled)
        if self._how == "timed":
            began = time.thread_time()
            _count(meter, settled, are_alike=are_alike)
            self.meter += time.thread_time() - began
        elif self._is_on and self._how == "turns":
            _count(meter, settled, are_alike=are_alike)

    def _take_turns(self, now: float) -> None:
        cpu = time.process_time()
        self._taken += 1
        if self._taken > WARM:
            self.jobs[self._is_on] += self._settled
            self.seconds[self._is_on] += now - self._began[0]
            self.cpu[self._is_on] += cpu - self._began[1]
        self._began, self._settled = (now, cpu), 0
        self._is_on = not self._is_on


turns = Turns(os.environ["BENCH_METER"])
Meter.count = lambda self, settled, *, are_alike=False: turns.count(self, settled, are_alike=are_alike)  # type: ignore[method-assign]  # what it is for

from benchmarks.programs import worker  # noqa: E402, F401  # importing it runs it

tell("meter", jobs=turns.jobs, seconds=turns.seconds, cpu=turns.cpu, meter=turns.meter)
