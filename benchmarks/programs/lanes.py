"""A worker process whose jobs pass gates: says at its end when each of them ran."""

from __future__ import annotations

import logging
import os
import time

from benchmarks.programs.tally import tell
from mainspring import App
from mainspring.worker import Worker

app = App(os.environ["BENCH_URL"])
ran: list[tuple[str, int, float]] = []


def note(kind: str, number: int, seconds: float = 0.0) -> None:
    """Note that a job has run, for *seconds*."""
    time.sleep(seconds)
    ran.append((kind, number, time.monotonic()))


@app.job(name="metered", limits=[app.limiter.window("bench", 10, "1s")])
def metered(number: int) -> None:
    note("metered", number)


@app.job(name="plain")
def plain(number: int) -> None:
    note("plain", number)


@app.job(name="turn", fair_by=lambda a: a.tenant)
def turn(tenant: str, number: int) -> None:
    note(tenant, number, 0.01)


def main() -> None:
    logging.getLogger("mainspring").setLevel(logging.WARNING)
    worker = Worker(app, int(os.environ.get("BENCH_CONCURRENCY", "10")), timeout=0.5)
    worker.became = tell
    worker.run()
    tell("total", count=len(ran), ran=ran)


if __name__ == "__main__":
    main()
