"""Tells one of all workers that it is the leader, if anybody listens.

A lease on the server says which. It is for what should be done by one process and does no harm if
two do it for a moment, or none: nothing in mainspring relies on it. The schedule does not need it,
since each tick is claimed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from mainspring.base.errors import StoreError
from mainspring.base.loggers import Log
from mainspring.base.service import Service
from mainspring.events import Handlers
from mainspring.store import leader
from mainspring.store.connection import Store

_log: Final = Log("mainspring.worker")

#: Seconds between two claims, and how long one holds: two may fail before another process takes over.
EVERY: Final = 15.0
LEASE: Final = 45.0


class Leader(Service):
    """Claims the lead again and again."""

    def __init__(
        self, store: Store, *, identity: Callable[[], str], handlers: Handlers, rng: random.Random, every: float = EVERY
    ) -> None:
        """Make a service that claims nothing yet.

        Args:
            store: The store.
            identity: The process's identity, which may change.
            handlers: Whose ``leader`` is told.
            rng: The source of jitter.
            every: Seconds between two claims, up to a fifth less.
        """
        super().__init__("leader", rng=rng)
        self._store = store
        self._identity = identity
        self._handlers = handlers
        self._every = every
        self._claimed = ""  # only the loop writes this

    def start(self) -> None:
        """Begin, if anybody listens."""
        if self._handlers.hears("leader"):
            super().start()

    def turn(self) -> float:
        """Claim the lead, and tell if it is new."""
        self._claimed = self._identity()
        if self._store.run(leader.claim(self._claimed, round(LEASE * 1000))) == 1:
            facts = {"identity": self._claimed}
            _log.info("%s leads", self._claimed, extra={"event": "process.leader", "facts": facts})
            self._handlers.fire("leader")
        return self._every * self._rng.uniform(0.8, 1.0)

    def end(self) -> None:
        """Give it back, so that another need not wait."""
        try:
            self._store.run(leader.claim(self._claimed, 0))
        except StoreError as error:
            _log.debug("the lead is not given back: %s", error)
