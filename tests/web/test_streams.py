"""An operation's page is told how far it is, by one read a second for all; and where that cannot be, it asks, as before."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import socket
import threading
from contextlib import closing

import pytest

from mainspring import App
from mainspring.web import Dashboard, streams
from mainspring.web.server import Server, standing_alone
from mainspring.web.signin import Anyone
from support import until
from web import stock
from web.client import Client


@pytest.fixture
def client(app, monkeypatch):
    monkeypatch.setattr(streams, "EVERY", 0.02)
    # No two looks are within a second.
    seconds = itertools.count(0.0, 2.0)
    app.time.monotonic = lambda: next(seconds)
    return Client(app, streams=True)


def running(app, server):
    """Begin an operation that nobody turns."""
    stock.put(server, "dead", stock.failed(1), -60)
    return app.operations.start("delete", state="dead").id


def path(name):
    return f"/operations/{name}/events"


def events(text):
    """Return the data of each message, and the name of each other event."""
    found = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append(fields["event"].strip())
        elif fields:
            found.append(json.loads(fields["data"]))
    return found


def beside(do, condition):
    """Do something as soon as a condition holds, in a thread; return that."""

    def wait():
        until(condition)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_what_happens_to_an_operation_is_told_until_its_end(app, server, client):
    name = running(app, server)
    other = App(server.url)
    thread = beside(lambda: all(iter(other.operations.turn, False)), lambda: len(client.dashboard._streams) == 1)

    answer = client.get(path(name))

    thread.join()
    other.close()
    first, *_, last, end = events(answer.text)
    assert (first["status"], first["done"], last["status"], last["done"]) == ("running", 0, "done", 1)
    assert end == "end"
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["cache-control"] == "private, no-store"
    assert len(client.dashboard._streams) == 0


def test_while_nothing_happens_a_proxy_is_shown_that_it_lives(app, server, client, monkeypatch):
    monkeypatch.setattr(streams, "BEAT", 0.05)
    monkeypatch.setattr(streams, "LONGEST", 0.4)
    name = running(app, server)

    text = client.get(path(name)).text

    assert text.count(": still here") >= 2
    assert [each if isinstance(each, str) else each["status"] for each in events(text)] == ["running", "end"]
    assert app.operations.cancel(name)


def test_of_all_who_listen_one_reads_once_a_second(app, server, monkeypatch):
    monkeypatch.setattr(streams, "EVERY", 0.01)
    monkeypatch.setattr(streams, "LONGEST", 0.5)
    name = running(app, server)
    client, now, reads, find = Client(app, streams=True), [0.0], [], app.operations.find
    app.time.monotonic = lambda: now[0]
    monkeypatch.setattr(type(app.operations), "find", lambda self, asked: reads.append(asked) or find(asked))

    async def all_at_once():
        return await asyncio.gather(*(client._ask("GET", path(name), {}, b"") for _ in range(20)))

    answers = asyncio.run(all_at_once())

    # However often they look: not a second of the store's has gone by.
    assert len(reads) == 1
    assert all(len(events(each.text)) == 2 for each in answers)
    assert app.operations.cancel(name)


@pytest.mark.parametrize("why", ["off", "wsgi", "crowd", "unknown"])
def test_who_cannot_be_told_is_sent_away_without_a_complaint(app, server, client, monkeypatch, why):
    name = running(app, server)
    if why == "off":
        client = Client(app)
    elif why == "wsgi":
        scope = client._scope
        monkeypatch.setattr(client, "_scope", lambda *asked: scope(*asked) | {"wsgi_environ": {}})
    elif why == "crowd":
        monkeypatch.setattr(streams, "MOST", 0)

    answer = client.get(path("0123" if why == "unknown" else name))

    assert (answer.status, answer.body) == (204, b"")
    assert app.operations.cancel(name)


def test_head_begins_no_stream(app, server, client):
    name = running(app, server)

    assert client.ask("HEAD", path(name)).status == 204
    assert app.operations.cancel(name)


def test_a_store_that_goes_ends_it(private_server, monkeypatch):
    monkeypatch.setattr(streams, "EVERY", 0.02)
    server = private_server()
    with closing(App(server.url)) as app:
        client, name = Client(app, streams=True), running(app, server)
        seconds, reads, find = itertools.count(0.0, 2.0), [], app.operations.find
        app.time.monotonic = lambda: next(seconds)
        monkeypatch.setattr(type(app.operations), "find", lambda self, asked: reads.append(asked) or find(asked))
        # One is made before the stream, one for its first event; by the third that was told.
        thread = beside(server.kill9, lambda: len(reads) >= 3)

        answer = client.get(path(name))

        thread.join()
        assert [each if isinstance(each, str) else each["status"] for each in events(answer.text)] == ["running", "end"]
        assert client.get(path(name)).status == 204


def test_only_who_may_look_is_told(app, server):
    name = running(app, server)

    answer = Client(app, auth=lambda _: None, streams=True).get(path(name))

    assert answer.status == 403
    assert app.operations.cancel(name)


def test_a_page_names_its_stream_only_while_there_is_something_to_tell(app, server, client):
    name = running(app, server)

    told = client.get(f"/operations/{name}").page.one("[data-events]")["data-events"]
    silent = Client(app).get(f"/operations/{name}").page.find("[data-events]")
    client.act("operation.cancel", {"id": name})
    after = client.get(f"/operations/{name}").page.find("[data-events]")

    assert told == path(name)
    assert (silent, after) == (None, None)


def test_a_server_that_ends_ends_its_streams_at_once(app, server, monkeypatch):
    monkeypatch.setattr(streams, "EVERY", 600)
    name, ended = running(app, server), threading.Event()
    dashboard = Dashboard(app, auth=Anyone(), streams=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = Server(standing_alone(dashboard), listener, ended.set, dashboard.close)
        serving.start()
        with closing(http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=30)) as connection:
            connection.request("GET", path(name))
            answer = connection.getresponse()
            assert answer.readline().startswith(b"data: {")

            serving.stop()

            assert answer.read().endswith(b"event: end\ndata:\n\n")
    assert ended.is_set()
    assert app.operations.cancel(name)
