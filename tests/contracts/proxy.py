"""A wire between a store and its server that can be cut between a call and its answer."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector


class Proxy:
    """Hands bytes on; once told to, it lets the server answer and hangs up before the answer comes through.

    Attributes:
        url: What to give to a store.
        connections: How many connections were made so far.
    """

    def __init__(self, target: Path) -> None:
        self.connections = 0
        self._target = str(target)
        self._after, self._left = b"", 0
        self._cutting = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut_next_answer(self, after: bytes = b"", *, times: int = 1) -> None:
        """Hang up in place of the next answers; if *after* is given, of the next to calls with these bytes."""
        self._after, self._left = after, times

    def close(self) -> None:
        """Stop, and wait for all threads."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.connections += 1
                self._threads.append(threading.Thread(target=self._serve, args=(near,)))
                self._threads[-1].start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        far.connect(self._target)
        with near, far, DefaultSelector() as selector, suppress(OSError):
            selector.register(near, EVENT_READ, far)
            selector.register(far, EVENT_READ, near)
            while self._hand_on(selector, far):
                pass

    def _hand_on(self, selector: DefaultSelector, far: socket.socket) -> bool:
        for key, _ in selector.select():
            source, sink = key.fileobj, key.data
            data = source.recv(65536)  # type: ignore[union-attr]  # only sockets are registered
            if source is not far and self._left and self._after in data:
                self._left -= 1
                self._cutting.set()
            if not data or (source is far and self._cutting.is_set()):
                self._cutting.clear()
                return False
            sink.sendall(data)
        return True
