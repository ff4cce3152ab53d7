"""One connection to the server: redis-py's, with the steps that each call takes made short.

A call that comes after a pause finds the processor's caches cold, and pays some ten times for each
step: what redis-py does to see whether a connection is alive, and to write a command, took a third
of the way of a push to the server. hiredis writes the same bytes, and one look with `poll` that is
kept ready tells as much of a connection on which nothing is due.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mainspring.store.command import Command


class Line:
    """One connection. Used by one thread at a time.

    Attributes:
        closings: How often its store had been closed when it was last borrowed.
    """

    __slots__ = ("_connection", "_pack", "_poll", "closings")

    def __init__(self, connection: Any) -> None:
        """Take a connection of redis-py's, which may not be connected yet."""
        from hiredis import pack_command

        self._connection = connection
        self._pack = pack_command
        self._poll = select.poll()
        self.closings = 0

    def connect(self) -> None:
        """Connect; raises what redis-py raises."""
        self._connection.connect()
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def disconnect(self) -> None:
        """Close the connection; it may be connected again."""
        self._connection.disconnect()

    def interrupt(self) -> None:
        """Let a thread that reads from it fail at once."""
        if (sock := self._socket) is not None:
            # Of a connection with TLS the one below: the other is the reader's.
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @property
    def _socket(self) -> Any:
        return self._connection._sock  # noqa: SLF001 - there is no public way to the socket

    def is_stale(self) -> bool:
        """True if it was closed, or holds an answer for which nobody waits: no call may use it."""
        sock = self._socket
        # What TLS has read and not given out is seen by no poll.
        return sock is None or bool(self._poll.poll(0)) or (hasattr(sock, "pending") and sock.pending() > 0)

    def write(self, calls: Sequence[tuple[Any, ...]]) -> None:
        """Send calls, each the words of one; raises what redis-py raises."""
        data = self._pack(calls[0]) if len(calls) == 1 else b"".join(map(self._pack, calls))
        self._connection.send_packed_command([data], check_health=False)

    def read(self, command: Command[Any], timeout: float) -> Any:
        """Read the answer to one call; raises what redis-py raises, for an answer that is an error too.

        Args:
            command: The call.
            timeout: Seconds to wait, beyond what a blocking command may take.
        """
        if command.blocks:
            return self._connection.read_response(timeout=command.blocks + timeout)
        return self._connection.read_response()


def errors() -> tuple[type[Exception], ...]:
    """Return all that redis-py raises of its own."""
    from redis import exceptions

    return (exceptions.RedisError,)


def broken() -> tuple[type[Exception], ...]:
    """Return what it raises when a connection is of no use any more."""
    from redis import exceptions

    return (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.InvalidResponse, OSError)


def is_answer(error: Exception) -> bool:
    """Return True for an error that the server sent, False for one of the wire."""
    from redis import exceptions

    return isinstance(error, exceptions.ResponseError) or bool(getattr(error, "status_code", None))
