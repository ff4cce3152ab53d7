"""A worker within a web process: started and stopped by the lifespan of an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TypedDict, TypeVar, Unpack

from mainspring.base.durations import Duration
from mainspring.config import Timing
from mainspring.worker.host import Companion, Host
from mainspring.worker.settings import CONCURRENCY, CapsuleSettings
from mainspring.worker.worker import Worker

W = TypeVar("W")
S = TypeVar("S")


class WorkerOptions(TypedDict, total=False):
    """What `Worker` takes besides its slots and queues.

    Attributes:
        capsules: More groups of slots with queues of their own.
        timeout: How long running jobs may go on at the end; the web server's own must be longer.
        timing: Heartbeat, lease and recovery; what the environment says without it.
        companions: Services that live as long as the worker.
        log_starts: Whether the beginning of each run is a line in the log.
        tag: A name for people.
        labels: Words for people.
    """

    capsules: Sequence[CapsuleSettings]
    timeout: Duration
    timing: Timing | None
    companions: Sequence[Companion]
    log_starts: bool
    tag: str
    labels: Sequence[str]


def lifespan(
    app: Host,
    concurrency: int = CONCURRENCY,
    queues: Sequence[str] = ("default",),
    *,
    around: Callable[[W], AbstractAsyncContextManager[S]] | None = None,
    **options: Unpack[WorkerOptions],
) -> Callable[[W], AbstractAsyncContextManager[S | None]]:
    """Return a lifespan, for Starlette, FastAPI and their like, in which a worker runs jobs of *app*.

    Each time that the web application starts, a worker of its own is made. Starting and stopping wait in a
    thread, so the event loop is not held up.

    Example:
        ``api = FastAPI(lifespan=lifespan(app, concurrency=2))``

    Args:
        app: The App whose jobs it runs.
        concurrency: How many jobs at once.
        queues: Names, in order, or ``"name,weight"``.
        around: A lifespan that the web application has already: it begins before the worker and ends after it, and
            what it yields is yielded.
        options: What `Worker` takes besides.

    Raises:
        InvalidOption: As `Worker`, when the web application starts.
        StoreError: If the store does not answer then; the web application does not start.
    """

    @asynccontextmanager
    async def serve(web: W) -> AsyncIterator[S | None]:
        import asyncio

        async with nullcontext() if around is None else around(web) as state:
            worker = Worker(app, concurrency, queues, **options)
            await asyncio.to_thread(worker.start)
            try:
                yield state
            finally:
                await asyncio.to_thread(worker.stop)

    return serve
