"""Celery: as it is, and with the two settings that its guide names for jobs that must survive their worker."""

from __future__ import annotations

import os

from celery import Celery

from benchmarks.recovery.programs.common import URL, wait

app = Celery("recovery", broker=URL)
app.conf.broker_connection_retry_on_startup = True
if os.environ.get("BENCH_WAY") == "late":
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)


@app.task(name="hold")
def hold() -> None:
    wait()


def enqueue() -> None:
    hold.delay()
