"""All hands of one clock, the next to be claimed first."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import count

from mainspring.clock.hand import Hand

#: How many hands that were replaced may stay in the heap, beside as many as there are others.
SPARE = 100


class Dial:
    """A heap of hands by the time at which they are ready."""

    def __init__(self) -> None:
        self._hands: dict[str, Hand] = {}
        self._heap: list[tuple[float, int, Hand]] = []
        self._order = count()  # hands are not compared; equal times keep their order

    def __len__(self) -> int:
        return len(self._hands)

    def get(self, name: str) -> Hand | None:
        """Return the hand of the entry *name*."""
        return self._hands.get(name)

    def reset(self, hands: Sequence[Hand]) -> None:
        """Replace all hands."""
        self._hands, self._heap = {}, []
        for hand in hands:
            self.set(hand)

    def set(self, hand: Hand) -> None:
        """Add a hand, in place of the one that its entry had."""
        self._hands[hand.entry.name] = hand
        self.put(hand)
        if len(self._heap) > 2 * len(self._hands) + SPARE:
            self._heap = [waiting for waiting in self._heap if self._is_known(waiting[2])]
            heapq.heapify(self._heap)

    def drop(self, name: str) -> None:
        """Take the hand of the entry *name* away, if there is one."""
        self._hands.pop(name, None)

    def put(self, hand: Hand) -> None:
        """Put a hand back that `take` gave; one that has no further tick stays out."""
        if hand.tick is not None:
            heapq.heappush(self._heap, (hand.ready, next(self._order), hand))

    def take(self, now: float, most: int) -> list[Hand]:
        """Take up to *most* hands that are ready at *now*."""
        taken: list[Hand] = []
        while self._next() <= now and len(taken) < most:
            taken.append(heapq.heappop(self._heap)[2])
        return taken

    def wait(self, now: float, most: float) -> float:
        """Return the seconds from *now* until a hand is ready, at most *most*; negative if one is late."""
        return min(self._next() - now, most)

    def _next(self) -> float:
        """Return when the first hand is ready; those that were replaced stay in the heap until they are met here."""
        while self._heap:
            ready, _, hand = self._heap[0]
            if self._is_known(hand):
                return ready
            heapq.heappop(self._heap)
        return float("inf")

    def _is_known(self, hand: Hand) -> bool:
        return self._hands.get(hand.entry.name) is hand
