"""A worker for jobs of very different length: says at its end when each began and ended."""

from __future__ import annotations

import logging
import os
import time

from benchmarks.programs.tally import tell
from mainspring import App, current_job
from mainspring.worker import Worker

app = App(os.environ["BENCH_URL"])
runs: list[tuple[str, float, float]] = []


@app.job(name="nap")
def nap(seconds: float) -> None:
    began = time.monotonic()
    time.sleep(seconds)
    runs.append((current_job().jid, began, time.monotonic()))


def main() -> None:
    logging.getLogger("mainspring").setLevel(logging.WARNING)
    worker = Worker(app, int(os.environ["BENCH_CONCURRENCY"]))
    worker.became = tell
    worker.run()
    tell("total", pid=os.getpid(), runs=runs)


if __name__ == "__main__":
    main()
