"""What one request may ask of a dashboard that faces strangers: so many headers, so many bytes, so much patience."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mainspring.web.security import with_headers

MOST_HEADERS: Final = 100
#: Bytes of a body; forms and the API have smaller limits of their own.
MOST_BYTES: Final = 1024 * 1024
#: Seconds in which the next part of a body has to come, and in which a part of an answer has to be taken.
PATIENCE: Final = 20.0


class Limits:
    """An ASGI app that refuses what is too much before another sees it."""

    def __init__(self, app: ASGIApp, *, patience: float = PATIENCE) -> None:
        """Stand before *app*.

        Args:
            app: A dashboard.
            patience: Seconds in which a part of a request has to come, and a part of an answer to be taken.
        """
        self._app = app
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, with_headers(send))
            return
        await self._app(scope, self._counted(receive), self._timed(send))

    def _counted(self, receive: Receive) -> Receive:
        came, is_over = 0, False

        async def counted() -> Message:
            nonlocal came, is_over
            if is_over:
                # What is waited for now is that the client goes, which may take as long as it likes.
                return await receive()
            try:
                async with asyncio.timeout(self._patience):
                    message = await receive()
            except TimeoutError:
                return {"type": "http.disconnect"}
            came += len(message.get("body", b""))
            is_over = not message.get("more_body", False)
            return {"type": "http.disconnect"} if came > MOST_BYTES else message

        return counted

    def _timed(self, send: Send) -> Send:
        async def timed(message: Message) -> None:
            try:
                async with asyncio.timeout(self._patience):
                    await send(message)
            except TimeoutError:
                raise ClientDisconnect from None

        return timed


def _refusal(scope: Scope) -> Response | None:
    if len(scope["headers"]) > MOST_HEADERS:
        return PlainTextResponse(f"at most {MOST_HEADERS} headers", 431, headers={"connection": "close"})
    size = Headers(scope=scope).get("content-length", "0")
    if not (size.isascii() and size.isdigit()) or len(size) > 12 or int(size) > MOST_BYTES:
        return PlainTextResponse(f"at most {MOST_BYTES // 1024} kB", 413, headers={"connection": "close"})
    return None
