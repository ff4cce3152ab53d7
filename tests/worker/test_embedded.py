"""A worker within a web process runs jobs while the web application lives, and ends with it, in order."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette

from mainspring.base.errors import StoreError
from mainspring.store import keys
from mainspring.worker import CapsuleSettings, lifespan
from support import until


@pytest.fixture
def ran(bench):
    """Give jobs that note what they did."""
    seen = []
    bench.job(seen.append)
    return seen


async def live(web, within):
    async with web.router.lifespan_context(web) as state:
        await within(state)


async def test_a_web_application_runs_jobs_while_it_lives(bench, ran):
    import asyncio

    web = Starlette(lifespan=lifespan(bench.app, 2, ["default", "low"], tag="web"))
    bench.push("append", "before")

    async def within(_):
        bench.push("append", "within", queue="low")
        await asyncio.to_thread(until, lambda: sorted(ran) == ["before", "within"])
        (process,) = bench.app.processes
        assert (process.tag, process.concurrency) == ("web", 2)

    await live(web, within)
    bench.push("append", "after")

    assert bench.waiting() == 1
    assert not list(bench.app.processes)


async def test_it_may_start_again(bench, ran):
    import asyncio

    web = Starlette(lifespan=lifespan(bench.app))
    for word in ("once", "twice"):
        bench.push("append", word)
        await live(web, lambda _: asyncio.to_thread(bench.drained))

    assert ran == ["once", "twice"]


async def test_the_applications_own_lifespan_goes_round_the_worker(bench):
    told = []
    bench.app.on("startup", lambda: told.append("worker begins"))
    bench.app.on("exit", lambda: told.append("worker ends"))

    @asynccontextmanager
    async def own(web: Starlette) -> AsyncIterator[dict[str, int]]:
        told.append("pool opens")
        yield {"pool": 7}
        told.append("pool closes")

    async def within(state):
        told.append(state)

    await live(Starlette(lifespan=lifespan(bench.app, around=own)), within)

    assert told == ["pool opens", "worker begins", {"pool": 7}, "worker ends", "pool closes"]


async def test_a_job_that_runs_may_finish(bench):
    import asyncio

    going, done = threading.Event(), []

    def slow() -> None:
        going.set()
        until(lambda: bench.app.processes and next(iter(bench.app.processes)).quiet)
        done.append(1)

    bench.job(slow)
    bench.push("slow")
    web = Starlette(lifespan=lifespan(bench.app, capsules=[CapsuleSettings.parse("more=1:low")], timeout="10s"))

    await live(web, lambda _: asyncio.to_thread(going.wait, 10))

    assert done == [1]
    assert bench.in_flight() == 0


async def test_a_web_application_does_not_start_without_its_store(private_server):
    from mainspring import App

    server = private_server()
    app = App(server.url)
    server.close()

    with pytest.raises(StoreError):
        await live(Starlette(lifespan=lifespan(app)), lambda _: None)


@pytest.mark.parametrize("told", ["TSTP", "TERM"])
def test_who_is_told_through_the_store_to_end_goes_quiet_as_it_cannot_end_the_process(bench, ran, told):
    worker = bench.work()
    bench.client.lpush(keys.signals(worker.identity), told)

    until(lambda: worker.is_quiet)
    bench.push("append", "late")
    worker.stop()

    assert bench.waiting() == 1
    assert not ran


def test_it_writes_its_stacks_if_it_is_told_through_the_store(bench, spoken):
    worker = bench.work()
    bench.client.lpush(keys.signals(worker.identity), "TTIN")

    until(lambda: spoken("process.stacks"))

    assert not worker.is_quiet


def test_a_child_that_was_forked_with_a_worker_in_it_takes_nothing_from_its_parent(bench):
    release, going = threading.Event(), threading.Event()

    def hold() -> None:
        going.set()
        release.wait(20)

    bench.job(hold)
    bench.push("hold")
    worker = bench.work()
    assert going.wait(10)

    with warnings.catch_warnings():
        # Newer Pythons warn of a fork beside threads, which is what this is about.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        # As a `with` does that is left.
        os._exit(0 if worker.stop() else 1)
    _, status = os.waitpid(child, 0)

    assert status == 0
    assert bench.in_flight() == 1
    assert not bench.waiting()
    release.set()
    bench.drained()
