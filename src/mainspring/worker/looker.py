"""Waits at an empty queue until it holds a job, without taking it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Final

from mainspring.base.service import Service
from mainspring.store import queues
from mainspring.store.connection import Store

#: Seconds for which the server holds the answer back if nothing comes.
PATIENCE: Final = 10.0


class Looker(Service):
    """One queue's doorbell. A foreign push rings it too, since it is the list itself that is watched."""

    def __init__(self, queue: str, store: Store, *, rung: Callable[[], None], rng: random.Random) -> None:
        """Make a looker that does not look yet.

        Args:
            queue: The queue's name.
            store: The store.
            rung: Called when the queue holds a job, or might.
            rng: The source of jitter.
        """
        super().__init__(f"looker-{queue}", rng=rng)
        self._queue = queue
        self._store = store
        self._rung = rung
        self._armed = threading.Event()

    def arm(self) -> None:
        """Ring once the queue holds a job."""
        self._armed.set()

    def stop(self) -> None:
        """Ask the loop to end; it may be busy for as long as a look takes."""
        super().stop()
        self._armed.set()

    def turn(self) -> float:
        """Look until there is a job."""
        self._armed.wait()
        if not self.is_stopping and self._store.run(queues.look(self._queue, PATIENCE)):
            self._armed.clear()
            self._rung()
        return 0.0

    def troubled(self, error: Exception) -> None:
        """Say nothing: the capsule meets the same trouble and reports it."""

    def recovered(self) -> None:
        """Let the capsule look at once: a full server refuses to wait, but not to fetch."""
        self._rung()
