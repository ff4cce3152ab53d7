"""For machines: whether this process lives, whether it is of use, numbers for Prometheus, and one for autoscalers."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

import anyio.to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mainspring.api import exposed
from mainspring.api.overview import Snapshot
from mainspring.app import App
from mainspring.base.errors import StoreError
from mainspring.web import exporter, prometheus
from mainspring.web.serving import Pages

#: Seconds for which a sign of life of the store counts, and which a probe waits for one.
_FRESH: Final = 1.0
_PATIENCE: Final = 2.0
#: Queues that one autoscaler may ask for.
_MOST: Final = 100


class Health:
    """Answers probes, monitoring systems and autoscalers."""

    def __init__(self, app: App, pages: Pages) -> None:
        """Tell of *app*'s store, and read it no more often than *pages* do."""
        self._app = app
        self._pages = pages
        self._exporter = exporter.Exporter(app)
        self._asking = threading.Lock()
        self._seen, self._is_up = float("-inf"), False

    @property
    def routes(self) -> list[Route]:
        """Where each is found."""
        return [
            Route("/-/live", self.live, methods=["GET"]),
            Route("/-/ready", self.ready, methods=["GET"]),
            Route("/-/metrics", self.metrics, methods=["GET"]),
            Route("/-/scale", self.scale, methods=["GET"]),
        ]

    async def live(self, _: Request) -> Response:
        """Answer that this process answers, whatever the store does: to start it anew would mend nothing of that."""
        return JSONResponse({"status": "live"})

    async def ready(self, request: Request) -> Response:
        """Answer whether the store does; with ``strict=1`` by the status, too."""
        is_up = False
        try:
            async with asyncio.timeout(_PATIENCE):
                is_up = await anyio.to_thread.run_sync(self._look, abandon_on_cancel=True)
        except TimeoutError:
            pass
        if is_up:
            return JSONResponse({"status": "ready"})
        is_strict = request.query_params.get("strict", "0") not in {"", "0"}
        body = {"status": "degraded", "reason": "the store does not answer"}
        return JSONResponse(body, 503 if is_strict else 200)

    async def metrics(self, _: Request) -> Response:
        """Answer with the cluster's numbers."""
        body = await run_in_threadpool(self._exposition)
        return Response(body, headers={"content-type": prometheus.CONTENT_TYPE})

    async def scale(self, request: Request) -> Response:
        """Answer how far behind queues are, as JSON, or one number with ``value=``."""
        names = [name for said in request.query_params.getlist("queue") for name in said.split(",") if name][:_MOST]
        found = await run_in_threadpool(self._numbers, names)
        if found is None:
            return JSONResponse({"error": "the store does not answer"}, 503)
        value = request.query_params.get("value", "")
        if not value:
            return JSONResponse(found)
        if value not in found:
            return JSONResponse({"error": f"value= is one of {', '.join(found)}"}, 400)
        return PlainTextResponse(str(found[value]))

    # --- within ------------------------------------------------------------------------

    def _look(self) -> bool:
        """Return whether the store answers; anybody may ask that, so it is asked once a second at most."""
        now = self._app.time.monotonic()
        if now - self._seen <= _FRESH or not self._asking.acquire(blocking=False):
            return self._is_up
        try:
            self._is_up = False
            self._is_up = exposed.answers(self._app.store)
        except StoreError:
            return False
        finally:
            self._seen = self._app.time.monotonic()
            self._asking.release()
        return self._is_up

    def _snapshot(self) -> Snapshot | None:
        try:
            return self._pages.snapshot()
        except StoreError:
            return None

    def _exposition(self) -> str:
        return self._exporter.exposition(self._snapshot())

    def _numbers(self, names: list[str]) -> dict[str, float] | None:
        snapshot = self._snapshot()
        if snapshot is None:
            return None
        # More workers would do nothing for a queue that is paused.
        meant = [q for q in snapshot.queues if (not names or q.name in names) and not q.is_paused]
        heard = {q.name for q in meant} | set(names)
        workers = [each for each in snapshot.processes if not each.is_quiet and (heard & set(each.queues))]
        return {
            "latency": max((queue.latency for queue in meant), default=0.0),
            "size": sum(queue.size for queue in meant),
            "busy": sum(each.busy for each in workers),
            "capacity": sum(each.concurrency for each in workers),
        }
