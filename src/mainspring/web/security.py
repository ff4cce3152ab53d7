"""What every answer carries, and which requests may change something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import Message, Send

from mainspring.web.languages import say

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
#: On each answer, errors and static files included.
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "private, no-store",
}
#: Where an answer says itself how long it may be kept.
KEEPS_CACHE: Final = "x-mainspring-cache"
#: Methods that change nothing.
SAFE: Final = frozenset({"GET", "HEAD"})


def with_headers(send: Send) -> Send:
    """Return a *send* that puts `HEADERS` on the answer."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            cache = headers.get(KEEPS_CACHE)
            for name, value in HEADERS.items():
                headers[name] = value
            if cache is not None:
                headers["cache-control"] = cache
                del headers[KEEPS_CACHE]
        await send(message)

    return guarded


def objection(request: Request, trusted: frozenset[str]) -> str:
    """Return why a request may not change anything; empty if it may.

    A browser says where a form comes from: in Sec-Fetch-Site, or, over plain HTTP, in Origin. What says nothing is
    refused, since a browser would have said it; a program shows a bearer token, which no page of a stranger's has.
    """
    if request.headers.get("authorization", "").lower().startswith("bearer "):
        return ""
    origin = request.headers.get("origin", "")
    if origin in trusted:
        return ""
    site = request.headers.get("sec-fetch-site")
    if site == "same-origin":
        return ""
    if site is not None:
        return say("it comes from another site (Sec-Fetch-Site: {site})", site=site[:40])
    if not origin or origin == "null":
        return say("neither Sec-Fetch-Site nor Origin says where it comes from")
    host = request.headers.get("host", "")
    if host and urlsplit(origin).netloc.lower() == host.lower():
        return ""
    return say(
        "it comes from {origin}, and this is {host}: let the proxy pass the header Host on"
        " (nginx: proxy_set_header Host $http_host), or name the origin in trusted_origins",
        origin=origin[:100],
        host=host[:100],
    )
