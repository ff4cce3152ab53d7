"""The dashboard works within any application, under any path, behind that application's own sign-in."""

from __future__ import annotations

import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from mainspring import App
from servers import bound_to_parent, free_port
from support import until
from web.mounts import KINDS, PREFIX
from web.tree import parse

PROGRAM = Path(__file__).parent / "mounts.py"


class Visitor:
    """A browser that keeps cookies, on a real connection."""

    def __init__(self, port: int) -> None:
        """Speak to *port*."""
        self.port = port
        self.cookies: dict[str, str] = {}

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, str]:
        """Make a request, as a page of the same origin would."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{self.port}"}
        connection.request(method, path, urlencode(form) if form is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        connection.close()
        return answer.status, answer.headers, text

    def sign_in(self, kind: str, name: str, role: str) -> None:
        """Become somebody, in the way of an application of this kind."""
        if kind.startswith("django"):
            assert self.ask("GET", f"/sign-in/{name}/{role}")[0] == 200
        else:
            self.cookies["who"] = f"{name}:{role}"


def answers(port: int) -> bool:
    """Return whether anybody listens."""
    try:
        Visitor(port).ask("GET", "/")
    except OSError:
        return False
    return True


@pytest.fixture(params=KINDS)
def mounted(request, server, tmp_path) -> Iterator[tuple[str, int, App]]:
    """Run an application of each kind in a process of its own."""
    app, port = App(server.url), free_port()
    app.enqueue("shop.add", [1], queue="mail")
    with (tmp_path / "log").open("wb") as log:
        command = [*bound_to_parent(), sys.executable, str(PROGRAM), request.param, str(port), server.url]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
    try:
        until(lambda: answers(port) or process.poll() is not None, timeout=60)
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield request.param, port, app
    finally:
        process.kill()
        process.wait()
        app.close()


def test_everybody_sees_and_does_there_what_they_may(mounted):
    kind, port, app = mounted
    stranger, viewer, admin = Visitor(port), Visitor(port), Visitor(port)
    viewer.sign_in(kind, "vera", "viewer")
    admin.sign_in(kind, "ada", "admin")

    assert stranger.ask("GET", f"{PREFIX}/queues")[0] == 403
    status, _, text = viewer.ask("GET", f"{PREFIX}/queues")
    page = parse(text)
    assert status == 200
    assert page.find("#queue-mail") is not None
    assert page.find("main form[method=post]") is None
    links = [link["href"] for link in page.all("a")]
    assert [link for link in links if not link.startswith((f"{PREFIX}/", "#"))] == []
    status, headers, _ = stranger.ask("GET", page.all("link[rel=stylesheet]")[0]["href"])
    assert (status, headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")

    pause = {"name": "mail", "back": f"{PREFIX}/queues"}
    assert stranger.ask("POST", f"{PREFIX}/actions/queue.pause", pause)[0] == 403
    assert viewer.ask("POST", f"{PREFIX}/actions/queue.pause", pause)[0] == 403
    assert not app.queue("mail").is_paused
    status, headers, _ = admin.ask("POST", f"{PREFIX}/actions/queue.pause", pause)
    assert (status, headers["Location"]) == (303, f"{PREFIX}/queues")
    assert app.queue("mail").is_paused
    assert parse(admin.ask("GET", f"{PREFIX}/queues")[2]).find("#notices .notice") is not None
    assert [entry.by for entry in app.audit.page()] == ["ada"]
    # Progress is streamed where that takes no thread; elsewhere pages ask.
    begun = app.operations.start("delete", state="dead")
    assert app.operations.cancel(begun.id)
    status, _, text = viewer.ask("GET", f"{PREFIX}/operations/{begun.id}/events")
    is_wsgi = kind in {"flask", "django-wsgi"}
    assert (status, text.endswith("event: end\ndata:\n\n")) == ((204, False) if is_wsgi else (200, True))


def test_its_first_page_is_there_with_and_without_a_slash(mounted):
    kind, port, _ = mounted
    viewer = Visitor(port)
    viewer.sign_in(kind, "vera", "viewer")

    for path in (f"{PREFIX}/", PREFIX):
        status, headers, _ = viewer.ask("GET", path)
        if status in {301, 302, 303, 307, 308}:
            status, *_ = viewer.ask("GET", headers["Location"].partition(f":{port}")[2] or headers["Location"])
        assert status == 200
