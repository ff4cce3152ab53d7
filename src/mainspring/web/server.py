"""The server of ``mainspring web``: uvicorn, in a thread of its own, with limits and below a prefix."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from mainspring.web.connection import Patient
from mainspring.web.dashboard import Dashboard
from mainspring.web.limits import Limits
from mainspring.web.prefix import Prefixed

#: Bytes of a request's first line and headers.
_MOST_HEAD: Final = 32 * 1024
#: Seconds that answers under way get when the server ends.
_FAREWELL: Final = 5


def _nothing() -> None:
    """Do nothing."""


class Server:
    """Serves a dashboard until it is stopped."""

    def __init__(
        self, app: ASGIApp, listener: socket.socket, ended: Callable[[], None], ending: Callable[[], None] = _nothing
    ) -> None:
        """Prepare to serve *app*.

        Args:
            app: What answers.
            listener: Where requests come in; it listens already.
            ended: Called when serving has ended, asked or not.
            ending: Called when it is asked to: what would go on for long is to end.
        """
        self._listener = listener
        self._ended = ended
        self._ending = ending
        # The proxy's headers are not believed here: whom they name is asked by those who sign people in.
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=Patient,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level=logging.ERROR,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_FAREWELL,
                h11_max_incomplete_event_size=_MOST_HEAD,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="mainspring-web", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Let answers under way come to their end, and end."""
        self._ending()
        self._server.should_exit = True
        self._thread.join(_FAREWELL + 1)

    def _serve(self) -> None:
        try:
            asyncio.run(self._server.serve(sockets=[self._listener]))
        finally:
            self._ended()


def standing_alone(dashboard: Dashboard, prefix: str = "") -> ASGIApp:
    """Return *dashboard* as it is served without a web application around it.

    Args:
        dashboard: What is served.
        prefix: The path at which people find it, where a proxy puts it below one.
    """
    return Limits(Prefixed(dashboard, prefix, dashboard.knows))
