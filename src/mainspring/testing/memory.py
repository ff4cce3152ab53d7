"""A store in memory, which answers the commands of a clock as a server does.

It knows those commands and no others. A test sends the same commands to it and to a
real server, and compares all answers and all keys, so that the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from mainspring.base.errors import StoreError, StoreRefused
from mainspring.base.timesource import TimeSource
from mainspring.store.command import Command, Reply
from mainspring.testing import scripts
from mainspring.testing.keyspace import Keyspace

T = TypeVar("T")


class MemoryStore:
    """Makes the calls of a clock.

    Attributes:
        keyspace: What is stored.
    """

    def __init__(self, time: TimeSource) -> None:
        """Begin empty.

        Args:
            time: Its `now` is the server's clock.
        """
        self.keyspace = Keyspace(time)

    def run(self, command: Command[T]) -> T:
        """Make one call and return its decoded answer, as `Store.run` does.

        Raises:
            StoreRefused: If it does not know the command.
        """
        return command.decode(self._answer(command))

    def pipeline(self, commands: Sequence[Command[Any]]) -> list[Any]:
        """Make several calls; an error takes the place of its answer, as in `Store.pipeline`."""
        answers: list[Any] = []
        for command in commands:
            try:
                answers.append(self.run(command))
            except StoreError as error:
                answers.append(error)
        return answers

    def _answer(self, command: Command[Any]) -> Reply:
        known = scripts.PLAIN if command.plain else scripts.SCRIPTS
        if command.name not in known:
            raise StoreRefused(f"the store in memory does not know {command.name}", "ERR")
        return known[command.name](self.keyspace, command.keys, [_wire(word) for word in command.args])


def _wire(word: str | bytes | float) -> bytes:
    """Return an argument as it arrives at a server."""
    if isinstance(word, bytes):
        return word
    return (word if isinstance(word, str) else repr(word)).encode()
