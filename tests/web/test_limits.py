"""What is too much is refused before anything is done with it, and the slow are not waited for."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from starlette.requests import ClientDisconnect, Request

from mainspring.web import limits
from mainspring.web.limits import MOST_BYTES, MOST_HEADERS, Limits

ASKED = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}


@pytest.fixture
def hurry(monkeypatch):
    """Have little patience."""
    monkeypatch.setattr(limits, "PATIENCE", 0.02)


def call(headers=(), parts=(), *, taken=True, repeat=False):
    """Return what was answered, and what the app behind got to read; None if it was not asked."""
    got, sent, incoming = [], [], list(parts)

    async def app(scope, receive, send):
        body = await Request(scope, receive).body()
        got.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        if repeat:
            # As from somebody who sends a byte now and then, and never ends.
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), limits.PATIENCE / 4)
            return incoming[0]
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop(0)

    async def send(message):
        if not taken:
            await asyncio.Event().wait()
        sent.append(message)

    asyncio.run(Limits(app)({**ASKED, "headers": list(headers)}, receive, send))
    return sent[0], got


def part(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def test_what_is_not_too_much_passes():
    answer, got = call([(b"x", b"y")] * MOST_HEADERS, [part(b"a", more=True), part(b"b")])

    assert (answer["status"], got) == (200, [b"ab"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"x", b"y")] * (MOST_HEADERS + 1), 431),
        ([(b"content-length", str(MOST_BYTES + 1).encode())], 413),
        ([(b"content-length", b"9" * 400)], 413),
        ([(b"content-length", b"-1")], 413),
        ([(b"content-length", "\u0663".encode())], 413),
    ],
)
def test_too_much_is_refused_unread(headers, status):
    answer, got = call(headers, [part(b"")])

    assert (answer["status"], got) == (status, [])
    assert dict(answer["headers"])[b"cache-control"] == b"private, no-store"


def test_a_body_that_grows_beyond_is_cut_off():
    answer, got = call(parts=[part(b"x" * (MOST_BYTES // 2 + 1), more=True)] * 2)

    assert (answer["status"], got) == (413, [])


def test_who_does_not_go_on_with_a_body_is_left(hurry):
    answer, got = call(parts=[part(b"x", more=True)])

    assert (answer["status"], got) == (408, [])
    assert dict(answer["headers"])[b"connection"] == b"close"


def test_who_goes_on_with_a_body_for_ever_is_left(hurry):
    answer, got = call(parts=[part(b"x", more=True)], repeat=True)

    assert (answer["status"], got) == (408, [])


def test_who_does_not_take_an_answer_is_left(hurry):
    with pytest.raises(ClientDisconnect):
        call(parts=[part(b"")], taken=False)


def test_who_has_gone_is_told_nothing():
    with pytest.raises(ClientDisconnect):
        call(parts=[{"type": "http.disconnect"}])
