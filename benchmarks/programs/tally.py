"""Counts jobs in the process that runs them, and says when the last one has run.

Each job costs one step of a counter, as it does in Sidekiq's own load test, and in `sidekiq_jobs.rb`.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from typing import Any


def tell(event: str, **facts: Any) -> None:
    """Print one event."""
    print(json.dumps({"event": event, **facts}), flush=True)


class Tally:
    """The jobs that this process has run."""

    def __init__(self) -> None:
        self._expected = int(os.environ.get("BENCH_JOBS", "0"))
        self._numbers = itertools.count(1)
        self._began = (0.0, 0.0)
        self.ended = threading.Event()

    def one(self) -> None:
        """Note that a job runs."""
        number = next(self._numbers)  # one bytecode in C, so no two threads get the same
        if number == 1:
            self._began = (time.monotonic(), time.process_time())
        elif number == self._expected:
            seconds, cpu = time.monotonic() - self._began[0], time.process_time() - self._began[1]
            tell("done", seconds=seconds, cpu=cpu)
            self.ended.set()

    def total(self) -> int:
        """Return how many ran; ends the counting."""
        return next(self._numbers) - 1
