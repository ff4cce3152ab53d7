"""Waits at an empty queue until it holds a job, without taking it.

A job rings everybody who waits at its queue, since nobody takes it by looking. Where many
do, one or so comes at once; the others come one after the other, if it still lies there then.
How many they are, each learns from how often it comes too late.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Final

from mainspring.base.errors import StoreRefused
from mainspring.base.service import Service
from mainspring.store import processes, queues
from mainspring.store.connection import Store

#: Seconds for which the server holds the answer back if nothing comes.
PATIENCE: Final = 10.0

#: How many processes may come at once when they are rung.
FEW: Final = 4
#: Seconds between two of more, longer than a fetch takes; and the longest that one lets others go first.
STEP: Final = 0.005
LONGEST: Final = 0.25

#: Seconds between two fetches on a server that is full: it refuses to wait, but not to fetch.
POLL: Final = 1.0


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
        self._others = float("inf")  # how many wait here as well; only the loop touches it

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
        if self.is_stopping:
            return 0.0
        crowd, found = self._store.pipeline([processes.crowd(self._queue), queues.look(self._queue, PATIENCE)])
        if isinstance(found, StoreRefused) and found.code == "OOM":
            self._ring()
            return POLL
        for answer in (crowd, found):
            if isinstance(answer, Exception):
                raise answer
        if found and self._comes(crowd):
            self._ring()
        return 0.0

    def _comes(self, crowd: int) -> bool:
        """Let others go first, unless there are few; return whether a job is left then."""
        if crowd <= FEW:
            return True
        others = min(self._others, crowd)
        if self._rng.random() < 1 / others:
            return True
        self._sleep(self._rng.uniform(STEP, min(STEP * others, LONGEST)))
        is_left = self._store.run(queues.size(self._queue)) > 0
        # Were there k of them, one in k would find a job left: this settles at about twice as many.
        self._others = max(others / 2, 2) if is_left else others + 1
        return is_left

    def _ring(self) -> None:
        self._armed.clear()
        self._rung()

    def troubled(self, error: Exception) -> None:
        """Say nothing: the capsule meets the same trouble and reports it."""

    def recovered(self) -> None:
        """Let the capsule look at once: nobody was rung by what was pushed meanwhile."""
        self._rung()
