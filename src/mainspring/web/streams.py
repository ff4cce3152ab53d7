"""Tells how far a bulk operation is as it goes on, by server-sent events; whoever cannot be told so asks each second.

A stream is a coroutine and takes no thread while it waits. Of all who listen one reads, once a second. Each ends with
the operation, with the server, or after some minutes; where one is refused, that is by 204, which a browser does not
try again and does not complain of.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Final, Self

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Scope

from mainspring.api.operations import Operation
from mainspring.app import App
from mainspring.base.errors import StoreError
from mainspring.web.cache import FRESH, Cache

#: Who listens at once, in one process; and for how many seconds at most.
MOST: Final = 50
LONGEST: Final = 300.0
#: Seconds between two looks, and after which a proxy is shown that the connection lives.
EVERY: Final = 1.0
BEAT: Final = 15.0
_SHOWN: Final = ("status", "total", "looked", "done", "skipped")
#: That nginx hands on each event as it comes.
_HEADERS: Final = {"x-accel-buffering": "no"}


class Streams:
    """Answers ``/operations/ID/events``."""

    def __init__(self, app: App, *, is_on: bool) -> None:
        """Tell of the operations in *app*'s store, or refuse to."""
        self._app = app
        self._is_on = is_on
        self._cache = Cache(app.time)
        self._reading = threading.Lock()
        self._listeners: set[_Listener] = set()

    @property
    def routes(self) -> list[Route]:
        """Where they are."""
        return [Route("/operations/{id}/events", self.serve, methods=["GET"], name="events")]

    def __len__(self) -> int:
        """Count who listens."""
        return len(self._listeners)

    def close(self) -> None:
        """End all, and begin none any more; from any thread."""
        self._is_on = False
        for each in list(self._listeners):
            each.leave()

    async def serve(self, request: Request) -> Response:
        """Answer with what happens to an operation, or with nothing at all."""
        name = request.path_params["id"]
        if not self._can(request.scope) or await self._look(name) is None:
            return Response(status_code=204)
        return StreamingResponse(self._events(name), media_type="text/event-stream", headers=_HEADERS)

    # --- within ------------------------------------------------------------------------

    def _can(self, scope: Scope) -> bool:
        # In a WSGI server it would keep a thread, and HEAD asks for no events.
        is_wsgi = "wsgi_environ" in scope
        return self._is_on and not is_wsgi and scope["method"] == "GET" and len(self) < MOST

    async def _events(self, name: str) -> AsyncIterator[bytes]:
        with _Listener(self._listeners) as listener:
            # Several may have come at once.
            until, told, at = listener.now() + (LONGEST if len(self) <= MOST else 0.0), "", listener.now()
            while self._is_on and listener.now() < until:
                found = await self._look(name)
                text = "" if found is None else _written(found)
                if text != told or listener.now() - at >= BEAT:
                    yield f"data: {text}\n\n".encode() if text != told and text else b": still here\n\n"
                    told, at = text, listener.now()
                if found is None or found.status != "running":
                    break
                await listener.wait()
            yield b"event: end\ndata:\n\n"

    async def _look(self, name: str) -> Operation | None:
        """Return an operation as it was within the last second; None if there is none, or the store is gone."""
        last = self._cache.last(name)
        if last is None or last[1] > FRESH:
            found = await run_in_threadpool(self._read, name)
        else:
            found = last[0]
        return found if isinstance(found, Operation) else None

    def _read(self, name: str) -> object:
        # Nobody waits in a thread for a read of somebody else's: what was read before will do.
        last = self._cache.last(name)
        if last is not None and self._reading.locked():
            return last[0]
        try:
            with self._reading:
                return self._cache.get(name, lambda: self._app.operations.find(name))
        except StoreError:
            return None


class _Listener:
    """One who listens, on whichever loop."""

    def __init__(self, others: set[_Listener]) -> None:
        self._others = others
        self._loop = asyncio.get_running_loop()
        self._left = asyncio.Event()

    def __enter__(self) -> Self:
        self._others.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._others.discard(self)

    def now(self) -> float:
        """Return the loop's time."""
        return self._loop.time()

    async def wait(self) -> None:
        """Wait until it is time to look again, or to end."""
        try:
            async with asyncio.timeout(EVERY):
                await self._left.wait()
        except TimeoutError:
            pass

    def leave(self) -> None:
        """End the waiting."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._left.set)


def _written(found: Operation) -> str:
    return json.dumps({name: getattr(found, name) for name in _SHOWN})
