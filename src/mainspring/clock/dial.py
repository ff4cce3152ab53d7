"""All hands of one clock, the next to be claimed first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from itertools import count

from mainspring.clock.hand import Hand


class Dial:
    """A heap of hands by the time at which they are ready."""

    def __init__(self) -> None:
        self._hands: list[Hand] = []
        self._heap: list[tuple[float, int, Hand]] = []
        self._order = count()  # hands are not compared; equal times keep their order

    def __len__(self) -> int:
        return len(self._hands)

    def lasts(self) -> dict[str, float]:
        """Return for each entry the newest tick that was claimed or given up."""
        return {hand.entry.name: hand.last for hand in self._hands}

    def reset(self, hands: Iterable[Hand]) -> None:
        """Replace all hands."""
        self._hands = list(hands)
        self._heap = []
        for hand in self._hands:
            self.put(hand)

    def put(self, hand: Hand) -> None:
        """Put a hand back that `take` gave; one that has no further tick stays out."""
        if hand.tick is not None:
            heapq.heappush(self._heap, (hand.ready, next(self._order), hand))

    def take(self, now: float, most: int) -> list[Hand]:
        """Take up to *most* hands that are ready at *now*."""
        taken: list[Hand] = []
        while self._heap and self._heap[0][0] <= now and len(taken) < most:
            taken.append(heapq.heappop(self._heap)[2])
        return taken

    def wait(self, now: float, most: float) -> float:
        """Return the seconds from *now* until a hand is ready, at most *most*; negative if one is late."""
        return min(self._heap[0][0] - now, most) if self._heap else most
