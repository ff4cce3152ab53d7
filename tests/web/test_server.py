"""The server of `mainspring web` answers, ends when told, and does not wait for ever for who says nothing."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from starlette.responses import PlainTextResponse

from mainspring.web import connection, limits, server
from support import until


@dataclass
class Serving:
    """A server that has little patience."""

    port: int
    server: server.Server


@contextmanager
def serving(text):
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = server.Server(PlainTextResponse(text), listener, ended.set)
        served.start()
        yield Serving(listener.getsockname()[1], served)
        served.stop()
    assert ended.is_set()


@pytest.fixture
def port(monkeypatch):
    """Give the port of a server that has little patience."""
    monkeypatch.setattr(limits, "PATIENCE", 0.2)
    with serving("here") as served:
        yield served.port


@pytest.fixture
def giant(monkeypatch):
    """Give a server whose answer is larger than what a system keeps for a client."""
    monkeypatch.setattr(limits, "PATIENCE", 0.2)
    with serving("x" * 20_000_000) as served:
        yield served


def ask(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    return connection, answer.status


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: "])
def test_who_says_nothing_or_half_a_request_is_left_and_others_are_answered(port, said):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
        slow.sendall(said)

        other, status = ask(port)

        assert (status, slow.recv(100)) == (200, b"")
        other.close()


def test_who_was_answered_and_begins_another_request_slowly_is_left(port):
    connection, status = ask(port)
    connection.sock.sendall(b"GET / HT")

    assert status == 200
    assert connection.sock.recv(100) == b""
    connection.close()


def test_a_head_that_does_not_end_is_refused(port):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as endless:
        endless.sendall(b"GET / HTTP/1.1\r\nx: " + b"y" * 200_000)

        assert endless.recv(100).startswith(b"HTTP/1.1 4")


def test_where_there_are_too_many_those_give_way_who_have_asked_for_nothing(port, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 60)
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 5)
    silent = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(5)]

    others = [ask(port) for _ in range(3)]

    assert [status for _, status in others] == [200] * 3
    assert [is_ended(each) for each in silent] == [True] * 3 + [False] * 2
    for each in (*silent, *(other for other, _ in others)):
        each.close()


def is_ended(sock):
    sock.settimeout(0.05)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("closing", [b"", b"connection: close\r\n"])
def test_who_takes_nothing_of_an_answer_is_left(giant, closing):
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", giant.port))
        slow.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n" + closing + b"\r\n")
        until(lambda: giant.server._server.server_state.total_requests)

        until(lambda: not giant.server._server.server_state.connections)
