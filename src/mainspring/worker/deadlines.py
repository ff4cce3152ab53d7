"""Rings alarms at their times, for runs that have a time limit: one thread for all of them.

The alarms stand in buckets of a few hundredths of a second, so that setting one and
withdrawing it cost the same however many there are. Nothing runs before the first is set.
"""

from __future__ import annotations

import heapq
import math
import random
import threading
from collections import deque
from typing import Final, Protocol

from mainspring.base.service import LONGEST_PAUSE, Service
from mainspring.base.timesource import TimeSource

#: Seconds in one bucket: how late an alarm may ring.
TICK: Final = 0.02


class Alarm(Protocol):
    """What can be rung.

    Attributes:
        tick: The bucket in which it stands; only `Deadlines` touches it.
    """

    tick: int

    def ring(self) -> float:
        """Do what is due; return in how many seconds to ring again, 0 for never."""


class Deadlines(Service):
    """The alarms of one worker."""

    def __init__(self, *, time: TimeSource, rng: random.Random) -> None:
        """Begin with none; the thread starts with the first.

        Args:
            time: The clocks.
            rng: The source of jitter.
        """
        super().__init__("deadlines", rng=rng)
        self._clock = time.monotonic
        self._lock = threading.Lock()
        self._buckets: dict[int, set[Alarm]] = {}
        self._ticks: list[int] = []  # a heap; a bucket that was emptied may have left its tick
        self._due: deque[Alarm] = deque()  # only the loop touches this
        self._is_started = False

    def put(self, alarm: Alarm, seconds: float) -> None:
        """Ring *alarm* in *seconds*, not earlier."""
        alarm.tick = tick = math.ceil((self._clock() + seconds) / TICK)
        with self._lock:
            bucket = self._buckets.get(tick)
            if bucket is not None:
                bucket.add(alarm)
                return
            self._buckets[tick] = {alarm}
            is_first = not self._ticks or tick < self._ticks[0]
            heapq.heappush(self._ticks, tick)
            is_new, self._is_started = not self._is_started, True
        if is_new:
            self.start()
        elif is_first:
            self.wake()

    def withdraw(self, alarm: Alarm) -> None:
        """Do not ring *alarm* any more; it may be ringing just now."""
        with self._lock:
            bucket = self._buckets.get(alarm.tick)
            if bucket is not None:
                bucket.discard(alarm)

    def turn(self) -> float:
        """Ring what is due."""
        self._collect(self._clock())
        while self._due:
            # One by one: should one fail, the others ring at the next turn.
            alarm = self._due.popleft()
            again = alarm.ring()
            if again:
                self.put(alarm, again)
        with self._lock:
            return max(self._ticks[0] * TICK - self._clock(), 0.0) if self._ticks else LONGEST_PAUSE

    def _collect(self, now: float) -> None:
        with self._lock:
            while self._ticks and self._ticks[0] * TICK <= now:
                self._due.extend(self._buckets.pop(heapq.heappop(self._ticks), ()))
