"""A dashboard under a prefix, behind a proxy that keeps the prefix or one that strips it; nobody has to say which.

A path without the prefix was stripped. One with it was kept, if what follows is there; else it is a stripped one that
begins with the same word, such as the job ``/jobs/4f2c`` of a dashboard under ``/jobs``. Two things decide where both
could be meant: ``X-Forwarded-Prefix``, which proxies that strip may send, and the slash. A proxy that keeps leads to
``/jobs/``; ``/jobs`` alone is the page of that name, to which every page's menu links.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

_SAYS: Final = "x-forwarded-prefix"


class Prefixed:
    """An ASGI app that is found below a prefix."""

    def __init__(self, app: ASGIApp, prefix: str, knows: Callable[[str], bool]) -> None:
        """Put *app* below *prefix*.

        Args:
            app: A dashboard.
            prefix: Such as ``/jobs``; empty for none.
            knows: Says whether there is something at a path within the app.
        """
        self._app = app
        self._prefix = prefix.rstrip("/")
        self._knows = knows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and self._prefix:
            path = str(scope["path"])
            said = Headers(scope=scope).get(_SAYS, "").rstrip("/")
            kept = said != self._prefix and is_kept(path, self._prefix, self._knows)
            scope = {**scope, "root_path": self._prefix, "path": path if kept else self._prefix + path}
        await self._app(scope, receive, send)


def is_kept(path: str, prefix: str, knows: Callable[[str], bool]) -> bool:
    """Return whether *path* has come with *prefix* before it.

    Args:
        path: As it came.
        prefix: Without a slash at its end; not empty.
        knows: Says whether there is something at a path within the app.
    """
    if path == prefix:
        return not knows(path)
    return path.startswith(f"{prefix}/") and knows(path[len(prefix) :])
