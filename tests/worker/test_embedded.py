"""A worker within a web process runs jobs while the web application lives, and ends with it, in order."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette

from mainspring.base.errors import StoreError
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
