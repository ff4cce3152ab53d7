"""Jobs that were in flight when a process died run one at a time, marked in the store.

A job that kills its process takes with it the jobs that run beside it. Were all of
them blamed, three crashes would bury innocents with the culprit. So whoever was in
flight at a crash is a suspect from then on: it runs as the only suspect of its
process, and the store knows that it runs. At the next crash the marked one is blamed,
and no other.

Whoever was blamed once and could die of the next crash runs alone for longer: a long job
beside which the culprit was started would otherwise be buried with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from mainspring.store import queues
from mainspring.store.command import Command
from mainspring.worker.delivery import Delivery
from mainspring.worker.recoverer import DEATHS

#: Seconds after which the next suspect may start beside one that still runs: what kills a process,
#: kills it soon, and a crowd of long jobs must not wait for each other.
PATIENCE: Final = 2.0
#: The same where the next crash would bury one of the two.
GRAVE_PATIENCE: Final = 60.0


class Quarantine:
    """The suspects of one capsule; used by that capsule's thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: deque[Delivery] = deque()
        self._running: list[Delivery] = []
        self._since = 0.0

    def __len__(self) -> int:
        """Count the suspects that wait."""
        return len(self._waiting)

    def add(self, suspects: Iterable[Delivery]) -> None:
        """Let suspects wait for their turn."""
        self._waiting.extend(suspects)

    def next(self, now: float) -> Delivery | None:
        """Return the suspect whose turn it is; None if none waits, or one runs."""
        if not self._waiting:
            return None
        candidate = self._waiting[0]
        if self._running:
            is_grave = any(map(_is_grave, (candidate, *self._running)))
            if now - self._since < (GRAVE_PATIENCE if is_grave else PATIENCE):
                return None
        return candidate

    def mark(self, delivery: Delivery) -> Command[int]:
        """Return the call that marks a suspect before it runs."""
        return queues.mark(delivery.queue, delivery.holder, delivery.seq)

    def started(self, now: float) -> Delivery:
        """Take the suspect whose turn it is; it runs now."""
        delivery = self._waiting.popleft()
        self._running.append(delivery)
        self._since = now
        return delivery

    def ended(self, deliveries: Sequence[Delivery]) -> None:
        """Note that deliveries have run, suspects perhaps among them."""
        if self._running:
            self._running = [each for each in self._running if not any(each is ended for ended in deliveries)]

    def surrender(self) -> Iterator[Delivery]:
        """Take back the suspects that wait."""
        while self._waiting:
            yield self._waiting.popleft()


def _is_grave(delivery: Delivery) -> bool:
    """Return True if the next crash that is blamed on a suspect is its last."""
    deaths = delivery.payload.recovered if delivery.payload else None
    return isinstance(deaths, list) and len(deaths) >= DEATHS - 1
