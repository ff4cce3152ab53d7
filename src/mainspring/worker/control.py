"""Hears at once what others tell this process, such as that a job was cancelled.

It waits at a list of this process's own, on a connection of its own: that costs a
command every few seconds while nobody says anything.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from mainspring.base.service import Service
from mainspring.store import processes
from mainspring.store.connection import Store
from mainspring.store.waiting import Waiting
from mainspring.worker.lease import Lease

#: Seconds for which the server holds the answer back if nothing comes. Not longer, since the identity may change.
PATIENCE: Final = 15.0


class Control(Service):
    """The ear of one worker."""

    def __init__(self, store: Store, *, lease: Lease, told: Callable[[str], None], rng: random.Random) -> None:
        """Make an ear that does not listen yet.

        Args:
            store: The store.
            lease: This process's identity.
            told: Called with each order.
            rng: The source of jitter.
        """
        super().__init__("control", rng=rng)
        self._waiting = Waiting(store)
        self._lease = lease
        self._told = told

    def turn(self) -> float:
        """Wait for one order, and obey."""
        order = self._waiting.run(processes.listen(self._lease.identity, PATIENCE))
        if order is not None:
            self._told(order)
        return 0.0

    def stop(self) -> None:
        """Ask the loop to end, and the waiting; returns at once."""
        super().stop()
        self._waiting.end()

    def troubled(self, error: Exception) -> None:
        """Say nothing: the capsules meet the same trouble and report it."""

    def recovered(self) -> None:
        """Say nothing either."""
