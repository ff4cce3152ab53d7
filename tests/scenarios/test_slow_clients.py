"""T13: however many clients are slow with their requests and their answers, others get theirs, and the slow are left."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from mainspring import App
from mainspring.web import Dashboard, connection, limits
from mainspring.web.actions import Actions
from mainspring.web.server import Server, standing_alone
from mainspring.web.signin import Anyone
from scenarios.record import LONG, at_length, record
from scenarios.slowclients import FORM, KINDS, besieged, refused, took
from support import until

#: Slow clients, and the seconds for which a part of a request may let wait.
CLIENTS = at_length(200, 400)
PATIENCE = at_length(1.0, limits.PATIENCE)
#: Ordinary pages that are asked for meanwhile.
PAGES = at_length(30, 300)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def port(server, tmp_path) -> Iterator[int]:
    """Give the port of a dashboard in a process of its own."""
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")]), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = os.environ | paths | {"MAINSPRING_URL": server.url, "PATIENCE": str(PATIENCE)}
    said = tmp_path / "said"
    with said.open("w") as out:
        command = [sys.executable, "-m", "scenarios.impatient", "web", "--port", "0"]
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, cwd=tmp_path)
    try:
        until(lambda: "ready in" in said.read_text() or process.poll() is not None, 60)
        yield int(re.findall(r"http://127.0.0.1:(\d+)/", said.read_text())[0])
        assert process.poll() is None, said.read_text()
        assert "Traceback" not in said.read_text()
        process.terminate()
        assert process.wait(30) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def p99(port: int) -> float:
    """Return in which time 99 % of ordinary pages come."""
    return sorted(took(port) for _ in range(PAGES))[int(PAGES * 0.99) - 1]


def test_others_get_their_pages_and_the_slow_are_left(port):
    alone = p99(port)
    with besieged(port, CLIENTS) as siege:
        with_them = p99(port)
        held = siege.held
        # A whole body may take its parts' time, some times over; the last of an answer that nobody takes, another.
        until(lambda: not siege.held, (limits.WHOLE + 2) * PATIENCE + 30)
    # Others on this machine may have been busy at either time.
    alone = max(alone, p99(port)) if LONG else alone

    giant = refused(port, FORM + b"transfer-encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n")
    announced = refused(port, FORM + b"content-length: 10000000\r\n\r\n", b"")
    headers = refused(port, b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n" + b"x: y\r\n" * 1000 + b"\r\n", b"")
    record(
        "T13",
        f"{CLIENTS} slow clients at once: {', '.join(KINDS)}; bodies of 10 MB; 1,000 headers",
        "pages are answered meanwhile, p99 <= 2 x; each slow one is left in time; the large are refused",
        p99_alone_ms=round(alone * 1000, 1),
        p99_besieged_ms=round(with_them * 1000, 1),
        slow_held_meanwhile=held,
        slow_left=sum(siege.left.values()),
        announced_10_mb=announced,
        headers_1000=headers,
    )
    # They are there while the pages come, unless the machine is so slow that their time is over.
    assert held > 0
    assert (sum(siege.left.values()), set(siege.left)) == (CLIENTS, set(KINDS))
    assert giant in {413, 0}
    assert (announced, headers) == (413, 431)
    if LONG:
        assert with_them <= 2 * alone + 0.02


@contextmanager
def served(url: str) -> Iterator[int]:
    """Serve a dashboard in this process, where it can be spoilt."""
    with closing(App(url, name="shop")) as app, socket.create_server(("127.0.0.1", 0)) as listener:
        serving = Server(standing_alone(Dashboard(app, auth=Anyone())), listener, threading.Event().set)
        serving.start()
        yield listener.getsockname()[1]
        serving.stop()


def spoil_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for heads for ever, as uvicorn does."""
    monkeypatch.setattr(connection.Patient, "_watch", lambda self: None)


def spoil_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the next part of a body, however often."""
    monkeypatch.setattr(limits, "WHOLE", 10**6)


def spoil_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for ever for what is not taken."""
    monkeypatch.setattr(connection.Patient, "_offer", lambda self: None)
    monkeypatch.setattr(limits._Request, "send", lambda self, message: self._send(message))


@pytest.mark.parametrize(
    ("spoil", "kinds"),
    [
        (spoil_heads, {"silent", "head", "again", "answered"}),
        (spoil_bodies, {"body", "chunks"}),
        (spoil_answers, {"deaf"}),
    ],
)
def test_the_count_finds_servers_that_wait_for_ever(server, monkeypatch, spoil, kinds):
    monkeypatch.setattr(limits, "PATIENCE", 0.5)
    spoil(monkeypatch)

    with served(server.url) as port, besieged(port, len(KINDS)) as siege:
        until(lambda: set(KINDS) - set(siege.left) <= kinds)
        took(port)
        stayed = set(KINDS) - set(siege.left)

    assert stayed == kinds


def test_the_pages_find_a_server_that_lets_a_thread_wait_for_each_body(server, monkeypatch):
    serve = Actions.serve

    async def in_a_thread(self: Actions, request: Request) -> Response:
        """Let a thread wait for the body, as servers do that have one for each request."""
        answering = asyncio.run_coroutine_threadsafe(serve(self, request), asyncio.get_running_loop())
        return await run_in_threadpool(answering.result)

    monkeypatch.setattr(Actions, "serve", in_a_thread)
    with served(server.url) as port, besieged(port, 40 * len(KINDS)), pytest.raises(TimeoutError):
        until(lambda: not took(port, timeout=1))
