"""Waits at an empty queue until it holds a job, without taking it.

A job rings everybody who waits at its queue, since nobody takes it by looking. Where many
do, one or so comes at once; the others come one after the other, if it still lies there then.
How many they are, each learns from how often it comes too late.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any, Final, cast

from mainspring.base.errors import StoreError, StoreRefused
from mainspring.base.service import Service
from mainspring.store import processes, queues
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.waiting import Waiting

#: Seconds for which the server holds the answer back if nothing comes.
PATIENCE: Final = 20.0

#: How many processes may come at once when they are rung, and about how many of more do.
FEW: Final = 4
FRONT: Final = 1.0
#: Seconds for which each of the others lets each other one go first: the more are woken, the longer one fetch takes.
STEP: Final = 0.0002
LONGEST: Final = 1.0
#: Looks in vain between two counts of the processes.
LOOKS: Final = 6

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
        self._store, self._waiting = store, Waiting(store)
        self._rung = rung
        self._armed = threading.Event()
        # Only the loop touches these: how many processes there are, how many of them seem to wait, and looks in vain.
        self._crowd, self._waiters, self._looks = 0, float("inf"), 0

    def arm(self) -> None:
        """Ring once the queue holds a job."""
        self._armed.set()

    def stop(self) -> None:
        """Ask the loop to end, and the look that is under way; returns at once."""
        super().stop()
        self._armed.set()
        self._waiting.end()

    def turn(self) -> float:
        """Look until there is a job."""
        self._armed.wait()
        if self.is_stopping:
            return 0.0
        found = self._look()
        if isinstance(found, StoreRefused) and found.code == "OOM":
            self._ring()
            return POLL
        if isinstance(found, StoreError):
            raise found
        if found and self._comes():
            self._ring()
        return 0.0

    def _look(self) -> bool | StoreError:
        """Look; after a job was found, and now and then, count the processes as well."""
        calls: list[Command[Any]] = [queues.look(self._queue, PATIENCE)]
        if self._looks % LOOKS == 0:
            calls.insert(0, processes.crowd(self._queue))
        *counted, found = self._waiting.pipeline(calls)
        if counted and isinstance(counted[0], int):
            self._crowd = counted[0]
        self._looks = 0 if found is True else self._looks + 1
        return cast("bool | StoreError", found)

    def _comes(self) -> bool:
        """Let others go first, unless there are few; return whether a job is left then."""
        if self._crowd <= FEW:
            return True
        waiters = min(self._waiters, self._crowd)
        if self._rng.random() < FRONT / waiters:
            return True
        longest = min(STEP * waiters**2, LONGEST)
        self._sleep(self._rng.uniform(longest / 10, longest))
        is_left = self._store.run(queues.size(self._queue)) > 0
        # Whoever finds most jobs left is one of few who wait, however many there are in all.
        self._waiters = max(waiters - 1, FRONT) if is_left else waiters + 1
        return is_left

    def _ring(self) -> None:
        self._armed.clear()
        self._rung()

    def troubled(self, error: Exception) -> None:
        """Say nothing: the capsule meets the same trouble and reports it."""

    def recovered(self) -> None:
        """Let the capsule look at once: nobody was rung by what was pushed meanwhile."""
        self._rung()
