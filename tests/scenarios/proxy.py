"""A proxy between a worker and its store that loses answers, or cuts connections in the middle of a word."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from mainspring.store import scripts

#: Whether to let a chunk through: how many of its bytes, or None for all of it.
Judge = Callable[[bytes], "int | None"]


def calls(name: str) -> Callable[[bytes], bool]:
    """Return a test for requests that call the script *name*, or the server's own command of that name."""
    if name.isupper():
        return lambda request: f"\r\n{name}\r\n".encode() in request
    script = scripts.load(name)
    marks = (script.sha.encode(), f"-- {name}:".encode())
    return lambda request: any(mark in request for mark in marks)


class Proxy:
    """Listens on a loopback port and hands everything to a server's unix socket, but what it spoils.

    Attributes:
        lost: How many answers were thrown away.
        cut: How many connections were cut at a random byte.
    """

    def __init__(self, target: Path, seed: int) -> None:
        """Listen; nothing is spoilt yet."""
        self._target = str(target)
        self._rng = random.Random(seed)
        self._lock = threading.Lock()
        self._matches: Callable[[bytes], bool] = lambda request: False
        self._every = 0
        self._matched = 0
        self._reset = 0.0
        self.lost = self.cut = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads = [self._spawn(self._accept)]

    @property
    def url(self) -> str:
        """What a worker connects to."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def lose_answers(self, name: str, *, every: int) -> None:
        """From now on, run each call of *name*, and cut the connection in place of the answer to one in *every*."""
        self._matches, self._every = calls(name), every

    def cut_connections(self, share: float) -> None:
        """From now on, cut the connection at a random byte in that *share* of all chunks, either way."""
        self._reset = share

    def be_good(self) -> None:
        """Spoil nothing any more."""
        self._every, self._reset = 0, 0.0

    def close(self) -> None:
        """Cut all connections."""
        _cut(self._listener)
        with self._lock:
            for each in list(self._open):
                _cut(each)
        for thread in self._threads:
            thread.join(5)

    def _spawn(self, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, daemon=True)
        thread.start()
        return thread

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
            except OSError:
                return
            pair = _Pair(client, server)
            with self._lock:
                self._open |= {client, server}
            self._threads += [self._spawn(self._requests, pair), self._spawn(self._answers, pair)]

    def _requests(self, pair: _Pair) -> None:
        for chunk in _chunks(pair.client):
            if self._chance(self._reset):
                self.cut += 1
                pair.server.sendall(chunk[: self._rng.randrange(len(chunk))])
                break
            if self._every and self._matches(chunk):
                pair.is_doomed = self._matched % self._every == 0
                self._matched += 1
            if not _sent(pair.server, chunk):
                break
        self._end(pair)

    def _answers(self, pair: _Pair) -> None:
        for chunk in _chunks(pair.server):
            if pair.is_doomed:
                self.lost += 1
                break
            if self._chance(self._reset):
                self.cut += 1
                _sent(pair.client, chunk[: self._rng.randrange(len(chunk))])
                break
            if not _sent(pair.client, chunk):
                break
        self._end(pair)

    def _chance(self, share: float) -> bool:
        return share > 0 and self._rng.random() < share

    def _end(self, pair: _Pair) -> None:
        with self._lock:
            self._open -= {pair.client, pair.server}
        _cut(pair.client)
        _cut(pair.server)


class _Pair:
    """One connection, both ends."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client = client
        self.server = server
        self.is_doomed = False


def _chunks(source: socket.socket):
    while True:
        try:
            chunk = source.recv(1 << 16)
        except OSError:
            return
        if not chunk:
            return
        yield chunk


def _sent(target: socket.socket, chunk: bytes) -> bool:
    try:
        target.sendall(chunk)
    except OSError:
        return False
    return True


def _cut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        end.close()
