"""A worker process of mainspring: says when it is ready, and at its end what it ran."""

from __future__ import annotations

import logging
import os

from benchmarks.programs.shop import app, starts, tally
from benchmarks.programs.tally import tell
from mainspring.worker import Worker


def main() -> None:
    logging.getLogger("mainspring").setLevel(logging.WARNING)
    worker = Worker(app, int(os.environ.get("BENCH_CONCURRENCY", "10")))
    worker.became = tell
    worker.run()
    tell("total", count=tally.total(), starts=starts)


main()
