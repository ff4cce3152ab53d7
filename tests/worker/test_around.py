"""What surrounds a job: its context, what it carries, its middleware, and the process's other events."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextvars import ContextVar

import pytest

from mainspring import current_job
from mainspring.base.errors import NotInAJob
from support import until

TENANT: ContextVar[str] = ContextVar("tenant")
OTHER: ContextVar[str] = ContextVar("other")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_context_variables_do_not_leak_from_one_job_to_the_next(bench, asynchronous):
    seen = []

    def leak() -> None:
        seen.append((TENANT.get(None), OTHER.get(None)))
        TENANT.set("leaked")
        OTHER.set("leaked")

    async def aleak() -> None:
        leak()
        await asyncio.wait_for(asyncio.to_thread(int), 5)
        assert TENANT.get() == "leaked"

    function = aleak if asynchronous else leak
    bench.job(function)
    for _ in range(5):
        bench.push(function.__name__)

    bench.run(concurrency=1)

    assert seen == [(None, None)] * 5
    assert bench.counted() == (5, 0)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_carried_arrives_and_only_that(bench, asynchronous):
    seen = []

    def look() -> None:
        seen.append((TENANT.get(None), OTHER.get(None)))

    async def alook() -> None:
        look()

    bench.app.carry(TENANT)
    job = bench.job(alook if asynchronous else look)
    tokens = TENANT.set("acme"), OTHER.set("stays")
    job.enqueue()
    TENANT.reset(tokens[0])
    OTHER.reset(tokens[1])
    job.enqueue()

    bench.run(concurrency=1)

    assert seen == [("acme", None), (None, None)]


def test_the_running_job_is_known_in_its_own_code_and_nowhere_else(bench):
    seen = []

    def look() -> None:
        job = current_job()
        seen.append((job.jid, job.name, job.queue, job.attempt, job.fence > 0, job.is_lost(), job.is_stopping()))

    bench.job(look)
    jid = bench.push("look")

    bench.run()

    assert seen == [(jid, "look", "default", 1, True, False, False)]
    with pytest.raises(NotInAJob):
        current_job()


def test_the_fence_grows_with_each_delivery(bench):
    fences = []

    def look() -> None:
        fences.append(current_job().fence)

    bench.job(look)
    for _ in range(10):
        bench.push("look")

    bench.run(concurrency=1)

    assert fences == sorted(set(fences))


class Links:
    """Middlewares and a job that note their steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def outer(self, job):
        self.steps.append(f"outer {job.args[0]}")
        try:
            yield
        except ValueError as error:
            self.steps.append(f"saw {error}")
            raise
        self.steps.append("outer after")

    def gate(self, job):
        if job.args[0] != "stop":
            yield

    async def inner(self, job):
        self.steps.append("inner")
        yield
        self.steps.append("inner after")

    def act(self, what: str) -> None:
        self.steps.append(f"run {what}")
        if what == "fail":
            raise ValueError("bad")

    async def aact(self, what: str) -> None:
        self.act(what)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_middleware_stands_around_jobs_sees_their_errors_and_may_stop_them(bench, asynchronous):
    links = Links()
    for link in (links.outer, links.gate, *([links.inner] if asynchronous else [])):
        bench.app.use(perform=link)
    bench.app.job(name="act")(links.aact if asynchronous else links.act)
    for what in ("go", "stop", "fail"):
        bench.push("act", what)

    bench.run(concurrency=1)

    inner, after = (["inner"], ["inner after"]) if asynchronous else ([], [])
    gone = ["outer go", *inner, "run go", *after, "outer after"]
    stopped = ["outer stop", "outer after"]
    failed = ["outer fail", *inner, "run fail", "saw bad"]
    assert links.steps == gone + stopped + failed
    assert bench.counted() == (3, 1)


def test_a_middleware_may_replace_arguments_and_swallow_an_error(bench):
    ran = []

    def double(job):
        job.args = [job.args[0] * 2]
        try:
            yield
        except ValueError:
            ran.append("swallowed")

    def act(number: int) -> None:
        ran.append(number)
        raise ValueError(number)

    bench.app.use(perform=double)
    bench.job(act)
    bench.push("act", 21)

    bench.run()

    assert ran == [42, "swallowed"]
    assert bench.counted() == (1, 0)


def test_a_worker_tells_its_life_to_handlers_that_may_fail(bench):
    life = []
    for event in ("startup", "quiet", "shutdown", "exit"):
        bench.app.on(event, lambda event=event: life.append(event))
    bench.app.on("quiet", lambda: sys.exit("rude"))
    beaten = threading.Event()
    bench.app.on("beat", beaten.set)

    worker = bench.work()
    assert beaten.wait(5)
    worker.stop()

    assert life == ["startup", "quiet", "shutdown", "exit"]


def test_a_startup_handler_that_fails_ends_the_boot(bench):
    def refuse() -> None:
        raise RuntimeError("no database")

    bench.app.on("startup", refuse)

    with pytest.raises(RuntimeError, match="no database"):
        bench.work()
    bench.workers.clear()
    assert not bench.client.exists("processes")


def test_a_job_that_prints_to_a_closed_stdout_fails_and_the_next_one_runs(bench, monkeypatch):
    class Closed:
        def write(self, text: str) -> int:
            raise BrokenPipeError(text)

        def flush(self) -> None:
            raise BrokenPipeError

    def talk() -> None:
        print("hello")  # noqa: T201

    ran = []
    bench.job(talk)
    bench.job(lambda_named(ran), retry=1)
    monkeypatch.setattr(sys, "stdout", Closed())
    bench.push("talk")
    bench.push("well")

    bench.run(concurrency=1)

    assert ran == [1]
    assert bench.only("retry")["error_class"] == "BrokenPipeError"


def lambda_named(ran):
    def well() -> None:
        ran.append(1)

    return well


def test_an_embedded_worker_that_cannot_end_a_job_keeps_it_until_it_ends(bench):
    release, going = threading.Event(), []

    def deaf() -> None:
        going.append(1)
        while not release.is_set():
            try:
                release.wait(20)
            except BaseException:  # noqa: BLE001 - that is its fault
                continue

    bench.job(deaf)
    worker = bench.work(concurrency=1)
    bench.push("deaf")
    until(lambda: going == [1])

    assert worker.stop(0.2) is False
    assert bench.in_flight() == 1
    assert not bench.waiting()
    release.set()
    bench.drained()

    assert worker.stop(5) is True
    assert going == [1]
    assert bench.counted() == (1, 0)
