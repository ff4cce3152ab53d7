"""Celery: tasks acknowledged early, as by default; no results, no rate limits; the prefetch that its guide advises."""

from __future__ import annotations

from celery import Celery

from benchmarks.peers.programs.common import URL, Tally, fill

app = Celery("bench", broker=URL)
app.conf.update(
    task_ignore_result=True,
    worker_disable_rate_limits=True,
    worker_prefetch_multiplier=128,
    worker_redirect_stdouts=False,
    broker_connection_retry_on_startup=True,
)
tally = Tally()


@app.task(name="nop")
def nop(_number: int) -> None:
    tally.one()


def enqueue() -> None:
    fill(nop.delay)
