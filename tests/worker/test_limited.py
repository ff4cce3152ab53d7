"""A job that a limiter gives nothing comes again later, which is no failure; and not more than twenty times."""

from __future__ import annotations

import asyncio
import time

import pytest

from mainspring.base.errors import OverLimit
from mainspring.features.limits import SNOOZES
from support import until


@pytest.fixture(params=[False, True], ids=["def", "async"])
def limited(request, bench):
    """A job that needs a window limiter, and what it has done."""
    limiter = bench.app.limiter.window("partner", 1, "1h", wait=0)
    done: list[str] = []

    def call() -> None:
        with limiter:
            done.append("called")

    async def acall() -> None:
        async with limiter:
            await asyncio.to_thread(done.append, "called")

    bench.job(acall if request.param else call)
    bench.limiter, bench.done, bench.name = limiter, done, "acall" if request.param else "call"
    return bench


def test_a_job_over_the_limit_is_snoozed_until_it_gives_again(limited):
    assert limited.limiter.acquire()
    jid, before = limited.push(limited.name, strange=1), time.time()

    limited.run()

    ((record, due),) = limited.found("schedule")
    assert before + 3590 < due < time.time() + 4501
    assert (record["jid"], record["flow"], record["strange"]) == (jid, {"limited": 1}, 1)
    assert "enqueued_at" not in record
    assert "retry_count" not in record
    assert limited.counted() == (0, 0)
    assert limited.done == []


def test_each_snooze_is_counted_beside_what_else_a_job_carries(limited):
    assert limited.limiter.acquire()
    limited.push(limited.name, flow={"limited": 7, "timeout": 30.0})

    limited.run()

    assert limited.only("schedule")["flow"] == {"limited": 8, "timeout": 30.0}


def test_after_twenty_snoozes_it_has_failed(limited):
    assert limited.limiter.acquire()
    heard = []
    limited.app.on_error(lambda error, job: heard.append((type(error), job.jid)))
    jid = limited.push(limited.name, flow={"limited": SNOOZES})

    limited.run()

    record = limited.only("retry")
    assert record["error_class"].endswith("OverLimit")
    assert "'partner'" in record["error_message"]
    assert heard == [(OverLimit, jid)]
    assert limited.counted() == (1, 1)


def test_it_runs_when_the_limit_gives_again(limited):
    limiter = limited.app.limiter.window("partner", 1, "1h", wait=0)
    assert limiter.acquire()
    limited.push(limited.name)
    limited.work()
    until(lambda: limited.found("schedule"))

    limited.app.limiters.reset("partner")
    (job,) = limited.app.scheduled
    job.retry()

    until(lambda: limited.counted() == (1, 0))
    assert limited.done == ["called"]


def test_a_job_that_catches_it_decides_for_itself(bench):
    limiter = bench.app.limiter.window("partner", 1, "1h", wait=0)
    assert limiter.acquire()
    done = []

    def call() -> None:
        try:
            with limiter:
                done.append("called")
        except OverLimit as error:
            done.append(error.name)

    bench.job(call)
    bench.push("call")

    bench.run()

    assert done == ["partner"]
    assert bench.counted() == (1, 0)
