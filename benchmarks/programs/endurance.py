"""A worker for a long run: of its jobs one in a hundred fails, and of these one in ten for good.

It says every few seconds how long jobs have waited since the last time, from a window of fixed size:
what is measured here is memory.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from array import array
from typing import Final

from benchmarks import table
from benchmarks.programs import TRIES
from benchmarks.programs.tally import tell
from mainspring import App, Retry, current_job
from mainspring.worker import Worker

_SIZE: Final = 32_768
_RETRY: Final = Retry(max=TRIES - 1, backoff="fixed", base=1.0)

app = App(os.environ["BENCH_URL"])


class Window:
    """What has run, and how long the last jobs had waited."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waits = array("d", bytes(8 * _SIZE))
        self._count = 0
        self.succeeded = 0
        self.failed = 0

    def ran(self, wait: float | None, *, fails: bool) -> None:
        """Note one run, and how long its job had waited if this is its first."""
        with self._lock:
            if wait is not None:
                self._waits[self._count % _SIZE] = wait
                self._count += 1
            if fails:
                self.failed += 1
            else:
                self.succeeded += 1

    def say(self) -> None:
        """Tell all of it, and begin anew with the waits."""
        with self._lock:
            waits, self._count = list(self._waits[: self._count]), 0
            facts = {"succeeded": self.succeeded, "failed": self.failed}
        found = {f"p{share}": table.percentile(waits, share) for share in (50, 99, 100)} if waits else {}
        tell("window", **facts, **found)


window = Window()


def fails(number: int, attempt: int) -> bool:
    """Return True if this run of this job fails."""
    return number % 100 == 0 and (attempt == 1 or number % 1000 == 0)


@app.job(name="steady", retry=_RETRY)
def steady(number: int, pushed: float) -> None:
    _run(number, pushed)


@app.job(name="asteady", retry=_RETRY)
async def asteady(number: int, pushed: float) -> None:
    _run(number, pushed)


def _run(number: int, pushed: float) -> None:
    attempt = current_job().attempt
    does_fail = fails(number, attempt)
    window.ran(time.monotonic() - pushed if attempt == 1 else None, fails=does_fail)
    if does_fail:
        raise ValueError(f"job {number} fails at attempt {attempt}")


def main() -> None:
    logging.getLogger("mainspring").setLevel(logging.CRITICAL)
    worker = Worker(app)
    worker.became = tell
    told = threading.Event()

    def say_often() -> None:
        while not told.wait(float(os.environ["BENCH_EVERY"])):
            window.say()

    threading.Thread(target=say_often, daemon=True).start()
    worker.run()
    told.set()
    window.say()


if __name__ == "__main__":
    main()
