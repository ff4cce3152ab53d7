"""RQ: its worker that forks for each job, and the one that does not; no results kept, no line logged for each job."""

from __future__ import annotations

import logging
import os

from redis import Redis
from rq import Queue, SimpleWorker, Worker

from benchmarks.peers.programs.common import URL, ForkedTally, Tally, fill

WORKERS = {"simple": SimpleWorker, "fork": Worker}

queue = Queue(connection=Redis.from_url(URL))
tally = ForkedTally() if os.environ["BENCH_WORKER"] == "fork" else Tally()


def nop(_number: int) -> None:
    tally.one()


def enqueue() -> None:
    fill(lambda number: queue.enqueue(nop, number, result_ttl=0))


def work() -> None:
    """Run as RQ's guide says for speed: from a script that has imported what the jobs need."""
    worker = WORKERS[os.environ["BENCH_WORKER"]]([queue], connection=queue.connection, log_job_description=False)
    worker.work(logging_level=logging.WARNING)
