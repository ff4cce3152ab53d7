"""A wire on which answers come late and byte by byte, so that whoever reads one waits many times."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path


class SlowWire:
    """Hands bytes on to a server's unix socket at once, and back in pieces, each a moment after the last.

    Attributes:
        is_cut: True to hand on nothing at all, either way, and to say nothing.
    """

    def __init__(self, target: Path, *, late: float = 0.0003, piece: int = 1) -> None:
        """Listen.

        Args:
            target: The server's socket.
            late: Seconds before each piece.
            piece: Bytes in a piece.
        """
        self.is_cut = False
        self._target = str(target)
        self._late, self._piece = late, piece
        self._told = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """What to give to a store."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def close(self) -> None:
        """Cut all connections, and wait for all threads."""
        self._told.set()
        for end in (self._listener, *self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._target)
                self._open += [near, far]
                for source, sink, is_slow in ((near, far, False), (far, near, True)):
                    thread = threading.Thread(target=self._hand_on, args=(source, sink, is_slow), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _hand_on(self, source: socket.socket, sink: socket.socket, is_slow: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self._send(sink, data, is_slow)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _send(self, sink: socket.socket, data: bytes, is_slow: bool) -> None:
        size = self._piece if is_slow else len(data)
        for start in range(0, len(data), size):
            if is_slow:
                self._told.wait(self._late)
            if not self.is_cut:
                sink.sendall(data[start : start + size])
