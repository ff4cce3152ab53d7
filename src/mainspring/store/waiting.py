"""Calls that block for seconds, and can be ended from another thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, TypeVar

from mainspring.base.errors import StoreError
from mainspring.store.command import Command
from mainspring.store.connection import Asked, Store

T = TypeVar("T")


class Waiting:
    """What one thread waits for at a store, until another ends it for good."""

    def __init__(self, store: Store) -> None:
        """Wait at *store*, on a connection that others use in between."""
        self._store = store
        self._guard = threading.Lock()
        self._asked: Asked | None = None  # the calls under way; under the lock, as what follows
        self._has_ended = False

    def run(self, command: Command[T]) -> T:
        """Make one call and return its decoded answer.

        Raises:
            StoreError: As `Store.run` does; and if the waiting was ended.
        """
        answer: T | StoreError = self.pipeline([command])[0]
        if isinstance(answer, StoreError):
            raise answer
        return answer

    def pipeline(self, commands: Sequence[Command[Any]]) -> list[Any]:
        """Make several calls in one round trip; an error takes the place of its answer.

        Raises:
            StoreUnavailable: As `Store.pipeline` does; and if the waiting was ended.
        """
        asked = self._store.ask(commands)
        with self._guard:
            self._asked = asked
            if self._has_ended:
                asked.interrupt()
        try:
            return asked.answers(self._have_come)
        finally:
            self._have_come()

    def end(self) -> None:
        """End the call that is under way, and each that follows; safe from any thread."""
        with self._guard:
            self._has_ended = True
            if self._asked is not None:
                self._asked.interrupt()

    def _have_come(self) -> None:
        # Another call may have the connection from now on.
        with self._guard:
            self._asked = None
