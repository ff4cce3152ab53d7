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
#: In how many times that a whole body has to come, however steadily its parts do.
WHOLE: Final = 3


class Limits:
    """An ASGI app that refuses what is too much before another sees it."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before *app*, a dashboard."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is None:
            request = _Request(receive, send)
            try:
                await self._app(scope, request.receive, request.send)
            except ClientDisconnect:
                # Of what was cut off here, the client is still there.
                if request.cut is None:
                    raise
            refusal = None if request.is_answered else request.cut
        if refusal is not None:
            await refusal(scope, receive, with_headers(send))


class _Request:
    """A request under way, whose parts are counted and timed.

    Attributes:
        cut: What is said to a client whose request was cut off; None if it was not.
        is_answered: Whether the app has begun to answer.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        """Count what comes from *receive* and goes to *send*."""
        self._receive = receive
        self._send = send
        self._came, self._is_over = 0, False
        self._until = asyncio.get_running_loop().time() + WHOLE * PATIENCE
        self.cut: Response | None = None
        self.is_answered = False

    async def receive(self) -> Message:
        """Return the next part; that the client is gone, where it takes too long or sends too much."""
        if self.cut is not None:
            return {"type": "http.disconnect"}
        if self._is_over:
            # What is waited for now is that the client goes, which may take as long as it likes.
            return await self._receive()
        message = await self._next()
        if message is None:
            return self._off(408, "a request has to come faster")
        self._came += len(message.get("body", b""))
        self._is_over = not message.get("more_body", False)
        return self._off(413, f"at most {MOST_BYTES // 1024} kB") if self._came > MOST_BYTES else message

    async def send(self, message: Message) -> None:
        """Send a part of the answer.

        Raises:
            ClientDisconnect: If the client does not take it.
        """
        self.is_answered = True
        try:
            async with asyncio.timeout(PATIENCE):
                await self._send(message)
        except TimeoutError:
            raise ClientDisconnect from None

    async def _next(self) -> Message | None:
        left = self._until - asyncio.get_running_loop().time()
        if left <= 0:
            return None
        try:
            async with asyncio.timeout(min(PATIENCE, left)):
                return await self._receive()
        except TimeoutError:
            return None

    def _off(self, status: int, why: str) -> Message:
        self.cut = PlainTextResponse(why, status, headers={"connection": "close"})
        return {"type": "http.disconnect"}


def _refusal(scope: Scope) -> Response | None:
    if len(scope["headers"]) > MOST_HEADERS:
        return PlainTextResponse(f"at most {MOST_HEADERS} headers", 431, headers={"connection": "close"})
    size = Headers(scope=scope).get("content-length", "0")
    if not (size.isascii() and size.isdigit()) or len(size) > 12 or int(size) > MOST_BYTES:
        return PlainTextResponse(f"at most {MOST_BYTES // 1024} kB", 413, headers={"connection": "close"})
    return None
