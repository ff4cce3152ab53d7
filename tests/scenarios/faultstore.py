"""What stands between a clock and its store in tests: counts its commands, and ends it, or the store, at one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mainspring.base.errors import StoreError, StoreUnavailable
from mainspring.store.command import Command, ignore, plain
from mainspring.store.periodic import Claim
from mainspring.testing.simulation import Calls


class Died(BaseException):
    """The process is gone: no code of it runs any more but this test's."""


#: Turns one command into those that are really sent.
Split = Callable[[Command[Any]], Iterable[Command[Any]]]


class Mortal:
    """A store whose caller dies at one command.

    Of a pipeline the server may have got a part, so each of its commands is a point of its own.

    Attributes:
        sent: The names of the commands so far.
    """

    def __init__(self, store: Calls, *, at: int = -1, done: bool = False, split: Split | None = None) -> None:
        """Prepare to die.

        Args:
            store: The store.
            at: The number of the command, from 0.
            done: Whether that command is carried out before.
            split: A mutant: sends several commands in place of one.
        """
        self.sent: list[str] = []
        self._store = store
        self._at, self._done = at, done
        self._split = split or (lambda command: [command])

    def run(self, command: Command[Any]) -> Any:
        """Make one call."""
        answer: Any = None
        for number, each in enumerate(self._split(command)):
            result = self._one(each)
            answer = result if number == 0 else answer
        return answer

    def pipeline(self, commands: Sequence[Command[Any]]) -> list[Any]:
        """Make several calls."""
        return [self._caught(command) for command in commands]

    def _caught(self, command: Command[Any]) -> Any:
        try:
            return self.run(command)
        except StoreError as error:
            return error

    def _one(self, command: Command[Any]) -> Any:
        number = len(self.sent)
        self.sent.append(command.name)
        if number == self._at and not self._done:
            raise Died
        answer = self._store.run(command)
        if number == self._at:
            raise Died
        return answer


class Absent:
    """A store that cannot be reached for a while.

    Attributes:
        tried: How often it was asked meanwhile.
    """

    def __init__(self, store: Calls, is_gone: Callable[[], bool]) -> None:
        """Stand before *store*, which is away whenever *is_gone* says so."""
        self.tried = 0
        self._store = store
        self._is_gone = is_gone

    def run(self, command: Command[Any]) -> Any:
        """Make one call."""
        self._look()
        return self._store.run(command)

    def pipeline(self, commands: Sequence[Command[Any]]) -> list[Any]:
        """Make several calls."""
        self._look()
        return self._store.pipeline(commands)

    def _look(self) -> None:
        if self._is_gone():
            self.tried += 1
            raise StoreUnavailable("it is away", applied=False)


def claim_first(command: Command[Any]) -> Iterable[Command[Any]]:
    """Claim a tick, and push its job afterwards, as two commands."""
    if command.name != "periodic_claim":
        return [command]
    *claim, name, payload, at = command.args
    queue = command.keys[2]
    push = plain("LPUSH", queue, args=(payload,), decode=ignore)
    return [Command(command.name, command.keys, (*claim, name, b"", at), command.decode), push]


def push_first(command: Command[Any]) -> Iterable[Command[Any]]:
    """Push the job of a tick, and claim it afterwards, as two commands."""
    if command.name != "periodic_claim":
        return [command]
    *_, payload, _ = command.args
    claim, _ = claim_first(command)
    return [plain("LPUSH", command.keys[2], args=(payload,), decode=lambda _: Claim.WON), claim]
