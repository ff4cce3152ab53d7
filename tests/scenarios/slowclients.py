"""Clients that are slow on purpose, all in one thread: each kind keeps a connection by another means."""

from __future__ import annotations

import http.client
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

from mainspring.web.assets import Assets

FORM: Final = (
    b"POST /actions/queue.pause HTTP/1.1\r\nhost: 127.0.0.1\r\nsec-fetch-site: same-origin\r\n"
    b"content-type: application/x-www-form-urlencoded\r\n"
)
#: What each kind says at first, and what it says again at each turn.
KINDS: Final = {
    "silent": (b"", b""),
    "head": (b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ", b"y"),
    "body": (FORM + b"content-length: 200000\r\n\r\nname=", b"y"),
    "chunks": (FORM + b"transfer-encoding: chunked\r\n\r\n", b"1\r\ny\r\n"),
    "answered": (b"GET /-/live HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 200000\r\n\r\n", b"y"),
    # It asks again and again, and takes no answer.
    "deaf": (b"", f"GET /static/{Assets().names['app.css']} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode() * 40),
    # A part of a whole head, so that the connection is one that was answered before.
    "again": (b"GET /-/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\nGET / HT", b"y"),
}
#: Seconds between two turns.
TURN: Final = 0.05


@dataclass
class Slow:
    """A client.

    Attributes:
        kind: One of `KINDS`.
        sock: Its connection.
        said: How much of what it has to say now has gone.
    """

    kind: str
    sock: socket.socket
    said: bytes = b""


@dataclass
class Siege:
    """All of them; a thread of its own moves them on.

    Attributes:
        left: How many of each kind the server has left.
    """

    clients: list[Slow]
    left: Counter[str] = field(default_factory=Counter)
    _ended: threading.Event = field(default_factory=threading.Event)

    @property
    def held(self) -> int:
        """How many connections there still are."""
        return len(self.clients) - sum(self.left.values())

    def run(self) -> None:
        """Move all on, until `end`."""
        with selectors.DefaultSelector() as ready:
            for each in self.clients:
                ready.register(each.sock, selectors.EVENT_READ if each.kind != "deaf" else selectors.EVENT_WRITE, each)
            while not self._ended.wait(TURN):
                self._turn(ready)

    def end(self) -> None:
        """Let all go."""
        self._ended.set()

    def _turn(self, ready: selectors.BaseSelector) -> None:
        for key, _ in ready.select(0):
            if key.data.kind != "deaf" and _is_over(key.data):
                self._gone(ready, key.data)
        for key in list(ready.get_map().values()):
            if not _says(key.data):
                self._gone(ready, key.data)

    def _gone(self, ready: selectors.BaseSelector, client: Slow) -> None:
        ready.unregister(client.sock)
        self.left[client.kind] += 1


def _is_over(client: Slow) -> bool:
    try:
        return client.sock.recv(65536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _says(client: Slow) -> bool:
    client.said = client.said or KINDS[client.kind][1]
    try:
        client.said = client.said[client.sock.send(client.said) :] if client.said else b""
    except BlockingIOError:
        pass
    except OSError:
        return False
    return True


@contextmanager
def besieged(port: int, count: int) -> Iterator[Siege]:
    """Let *count* slow clients of all kinds stand before the server at *port*."""
    # What the deaf do not take, the system keeps: a few fill megabytes each.
    kinds = [*KINDS, *(list(KINDS.keys() - {"deaf"}) * count)][:count]
    clients = [_came(port, kind) for kind in kinds]
    siege = Siege(clients)
    thread = threading.Thread(target=siege.run, name="siege")
    thread.start()
    try:
        yield siege
    finally:
        siege.end()
        thread.join()
        for each in clients:
            each.sock.close()


def _came(port: int, kind: str) -> Slow:
    sock = socket.socket()
    # What is not taken must not vanish into buffers.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    sock.sendall(KINDS[kind][0])
    sock.setblocking(False)
    return Slow(kind, sock)


def took(port: int, path: str = "/", timeout: float = 60) -> float:
    """Return how many seconds an ordinary page takes, with a connection of its own; it has to be answered."""
    begun = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
    assert answer.status == 200, answer.status
    return time.monotonic() - begun


def refused(port: int, head: bytes, body: bytes) -> int:
    """Return the status by which a request is refused while it is sent; 0 if it is hung up on before one can be read."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as sock:
        try:
            sock.sendall(head)
            for _ in range(160):
                sock.sendall(body)
        except OSError:
            pass
        try:
            said = sock.recv(100)
        except ConnectionError:
            return 0
        return int(said.split()[1]) if said else 0
