"""The server of `mainspring web` answers, ends when told, and does not wait for ever for who says nothing."""

from __future__ import annotations

import http.client
import socket
import threading

import pytest
from starlette.responses import PlainTextResponse

from mainspring.web import server


@pytest.fixture
def port(monkeypatch):
    """Give the port of a server that has little patience."""
    monkeypatch.setattr(server, "PATIENCE", 0.2)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = server.Server(PlainTextResponse("here"), listener, ended.set)
        serving.start()
        yield listener.getsockname()[1]
        serving.stop()
    assert ended.is_set()


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
