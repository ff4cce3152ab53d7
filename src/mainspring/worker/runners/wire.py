"""What a worker and the process of a job say to each other: JSON, each message behind its length."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import Final, TypeAlias

import msgspec

from mainspring.store.queues import Settlement
from mainspring.store.ties import Trace

_LENGTH: Final = struct.Struct("!I")
_CHUNK: Final = 262_144


class Task(msgspec.Struct, tag="task"):
    """A job to run; the worker says it.

    Attributes:
        queue: The queue it came from.
        seq: Its number.
        raw: The job as it was stored.
        holder: The identity under which it was fetched.
        is_suspect: True if a process died before while it may have run.
    """

    queue: str
    seq: int
    raw: bytes
    holder: str
    is_suspect: bool


class Signs(msgspec.Struct, tag="signs"):
    """How things are with the worker; it says so when it is asked.

    Attributes:
        is_stopping: True if it is shutting down.
        is_quiet: True if it starts no more jobs.
        is_lost: True if others may hold it for dead.
    """

    is_stopping: bool = False
    is_quiet: bool = False
    is_lost: bool = False


class Ask(msgspec.Struct, tag="ask"):
    """How are things with the worker? Asked by the job's process."""


class Said(msgspec.Struct, tag="said"):
    """How far the job has come."""

    fraction: float
    note: str


class Report(msgspec.Struct, tag="report"):
    """What shall become of the job; the process has ended its run.

    Attributes:
        settlement: What the store shall record; None for a success, with all that the worker knows to hang on it.
        trace: What is kept of the run for people; None for nothing.
        is_given_up: True if it shall not be acknowledged.
        is_gone: True if the store has moved it elsewhere.
        is_last: True if the process takes no other job.
    """

    settlement: Settlement | None
    trace: Trace | None
    is_given_up: bool
    is_gone: bool
    is_last: bool


#: What a process says, and what it is told.
Upward: TypeAlias = Ask | Said | Report
Downward: TypeAlias = Task | Signs

_UP: Final[msgspec.json.Decoder[Upward]] = msgspec.json.Decoder(Upward)
_DOWN: Final[msgspec.json.Decoder[Downward]] = msgspec.json.Decoder(Downward)


def send(connection: socket.socket, message: Upward | Downward) -> None:
    """Send one message.

    Raises:
        OSError: If the other end is gone, or does not read.
    """
    data = msgspec.json.encode(message)
    connection.sendall(_LENGTH.pack(len(data)) + data)


class Inbox:
    """Puts messages together from what a connection gives."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._data = bytearray()

    def feed(self, connection: socket.socket) -> bool:
        """Take what has come; False at the end.

        Raises:
            OSError: If the connection was broken.
        """
        data = connection.recv(_CHUNK)
        self._data += data
        return bool(data)

    def _messages(self) -> Iterator[bytes]:
        while len(self._data) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._data)[0]
            if len(self._data) < end:
                return
            message = bytes(self._data[_LENGTH.size : end])
            del self._data[:end]
            yield message

    def upward(self) -> Iterator[Upward]:
        """Yield what a process has said."""
        return map(_UP.decode, self._messages())

    def downward(self, connection: socket.socket) -> Downward | None:
        """Wait for the next that a process is told; None at the end."""
        while True:
            for message in self._messages():
                return _DOWN.decode(message)
            if not self.feed(connection):
                return None
