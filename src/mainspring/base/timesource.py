"""The one place that reads a clock.

Everything above asks a `TimeSource`, so that tests can step time and a worker's
trust in its own lease runs on a clock that does not stop while the machine sleeps.
"""

from __future__ import annotations

import time

# CLOCK_MONOTONIC stands still during a suspend; a lease in the store does not.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class TimeSource:
    """The machine's clocks."""

    def now(self) -> float:
        """Return the wall clock, in unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps and runs on while the machine is suspended."""
        return time.clock_gettime(_BOOT_CLOCK)

    def sleep(self, seconds: float) -> None:
        """Let this thread wait."""
        time.sleep(seconds)
