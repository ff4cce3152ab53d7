"""Who cancels a job gets rid of it wherever it is: it is dropped, never tried again, and counts as no failure."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from mainspring import InvalidOption, current_job
from mainspring.api.cancel import identity_of
from mainspring.base.ends import JobCancelled
from mainspring.store import keys
from mainspring.worker import CapsuleSettings
from support import until


@pytest.fixture
def told(bench):
    """Give jobs that start and wait until they are cancelled, and the events that they set."""
    started, ended = threading.Event(), threading.Event()
    how = []

    def checks() -> None:
        started.set()
        try:
            while True:
                current_job().check()
        except BaseException as error:
            how.append(type(error).__name__)
            ended.set()
            raise

    def asks() -> None:
        started.set()
        while not current_job().is_cancelled():
            pass
        ended.set()

    async def waits() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    for function in (checks, asks, waits):
        bench.job(function)
    return started, ended, how


@pytest.mark.parametrize("name", ["checks", "asks", "waits"])
def test_a_running_job_is_dropped(bench, told, spoken, name):
    started, ended, _ = told
    bench.work()
    jid = bench.push(name)
    assert started.wait(10)

    assert bench.app.cancel(jid) == "told"

    assert ended.wait(5)
    bench.drained()
    assert bench.counted() == (1, 0)
    assert not any(bench.found(key) for key in ("retry", "dead", "schedule"))
    ((facts),) = spoken("job.discard")
    assert (facts["jid"], facts["reason"]) == (jid, "cancelled")


def test_the_check_raises_what_except_exception_lets_through(bench, told):
    started, ended, how = told
    bench.work()
    jid = bench.push("checks")
    assert started.wait(10)

    bench.app.cancel(jid)

    assert ended.wait(5)
    assert how == ["JobCancelled"]
    assert not issubclass(JobCancelled, Exception)


@pytest.mark.parametrize("name", ["asks", "waits"])
def test_it_hears_of_it_at_once_and_not_with_the_next_beat(bench, told, name):
    started, ended, _ = told
    bench.work()
    took = []
    for _ in range(5):
        started.clear()
        ended.clear()
        jid = bench.push(name)
        assert started.wait(10)
        bench.app.cancel(jid)
        since = time.monotonic()
        assert ended.wait(5)
        took.append(time.monotonic() - since)

    assert min(took) < 0.05


def test_a_job_of_another_capsule_is_found_too(bench, told):
    started, ended, _ = told
    bench.work(capsules=[CapsuleSettings.parse("more=1:other")])
    jid = bench.push("asks", queue="other")
    assert started.wait(10)

    assert bench.app.cancel(jid) == "told"

    assert ended.wait(5)


@pytest.mark.parametrize("holder", ["web-1.shop.example:12:ab34", "web-1.shop.example:12:ab34.reports"])
def test_the_process_of_a_holder(holder):
    assert identity_of(holder) == "web-1.shop.example:12:ab34"


def test_a_cancelled_job_that_fails_is_not_tried_again(bench):
    started = threading.Event()

    def clumsy() -> None:
        started.set()
        while not current_job().is_cancelled():
            pass
        raise ValueError("in its haste")

    bench.job(clumsy)
    bench.work()
    jid = bench.push("clumsy")
    assert started.wait(10)

    bench.app.cancel(jid)

    bench.drained()
    assert not bench.found("retry")


def test_a_job_that_never_asks_and_succeeds_is_done(bench, spoken):
    started, heard = threading.Event(), threading.Event()

    def deaf() -> None:
        started.set()
        heard.wait(10)

    bench.job(deaf)
    bench.work()
    jid = bench.push("deaf")
    assert started.wait(10)

    bench.app.cancel(jid)
    until(lambda: spoken("job.cancel"))
    heard.set()

    bench.drained()
    assert not spoken("job.discard")
    assert spoken("job.ok")


def test_others_run_on(bench, told):
    started, ended, _ = told
    others = threading.Barrier(2)
    bench.app.job(name="other")(lambda: others.wait(10))
    bench.work(concurrency=2)
    jid = bench.push("asks")
    bench.push("other")
    assert started.wait(10)

    bench.app.cancel(jid)

    assert ended.wait(5)
    others.wait(10)
    bench.drained()
    assert bench.counted() == (2, 0)


def test_what_waits_is_dropped_wherever_it_waits(bench):
    job = bench.job(named("later"))
    waiting, scheduled = job.enqueue(), job.enqueue_in(100)
    retried = bench.push("later", retry_count=0, error_class="ValueError", failed_at=1.0)
    bench.client.zadd(keys.RETRY, {bench.client.lpop("queue:default"): time.time() + 100})

    done = [bench.app.cancel(jid) for jid in (waiting.jid, scheduled.jid, retried)]

    assert done == ["dropped"] * 3
    assert bench.waiting() == 0
    assert not any(bench.found(key) for key in ("retry", "dead", "schedule"))


def named(name):
    def function() -> None: ...

    function.__name__ = name
    return function


def test_a_job_that_was_fetched_and_has_not_started_never_starts(bench, told):
    started, ended, _ = told
    ran = []
    bench.app.job(name="next")(lambda: ran.append(1))
    worker = bench.work(concurrency=1)
    first = bench.push("asks")
    assert started.wait(10)
    second = bench.push("next")

    # As if it lay in this process already.
    worker._steering.cancel(second)
    bench.app.cancel(first)

    assert ended.wait(5)
    bench.drained()
    assert ran == []


def test_what_is_dead_or_nowhere_cannot_be_cancelled(bench):
    bench.client.zadd(keys.DEAD, {'{"class": "a", "args": [], "jid": "d1"}': 1.0})

    assert (bench.app.cancel("d1"), bench.app.cancel("none")) == ("", "")
    assert len(bench.found("dead")) == 1


@pytest.mark.parametrize("jid", [None, 5, "\udcff"])
def test_what_can_be_no_id_is_refused(bench, jid):
    with pytest.raises(InvalidOption):
        bench.app.cancel(jid)


# --- progress ------------------------------------------------------------------------


def test_progress_is_shown_while_the_job_runs_and_gone_when_it_ends(bench):
    going = threading.Event()

    def copies() -> None:
        current_job().progress(0.4, "copying")
        going.wait(10)

    bench.job(copies)
    bench.work()
    jid = bench.push("copies")

    shown = until(lambda: (job := bench.app.find(jid)) and job.progress)

    assert (shown.fraction, shown.note) == (0.4, "copying")
    assert abs(shown.at - time.time()) < 60
    going.set()
    bench.drained()
    until(lambda: not bench.client.exists(keys.progress(jid)))


def test_progress_is_written_at_most_once_a_second_and_the_newest_counts(bench):
    going = threading.Event()

    def hurries() -> None:
        for number in range(100_000):
            current_job().progress(number / 100_000)
        current_job().progress(7)
        going.wait(10)

    bench.job(hurries)
    bench.work()
    before = bench.client.info("commandstats").get("cmdstat_set", {"calls": 0})["calls"]
    jid = bench.push("hurries")

    until(lambda: (job := bench.app.find(jid)) and job.progress and job.progress.fraction == 1.0)

    writes = bench.client.info("commandstats")["cmdstat_set"]["calls"] - before
    going.set()
    bench.drained()
    assert writes < 20


def test_a_job_outside_of_a_worker_may_say_how_far_it_has_come(bench):
    from mainspring.base.payload import Payload
    from mainspring.context import Holding, JobContext

    context = JobContext(Payload("a", [], "j1"), "default", 1, Holding("p", lambda: False, lambda: False))

    context.progress(0.5)

    assert not context.is_cancelled()
    context.check()
