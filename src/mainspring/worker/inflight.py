"""What one capsule holds: fetched, and not settled yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mainspring.worker.delivery import Delivery


class InFlight:
    """The deliveries of one capsule, by queue and number; only that capsule's thread changes it."""

    def __init__(self, queues: Iterable[str]) -> None:
        """Begin with none of any queue."""
        self._held: dict[str, dict[int, Delivery]] = {queue: {} for queue in queues}
        self._newest = dict.fromkeys(self._held, 0)  # the number that came last, which may have been settled since

    def __len__(self) -> int:
        """Count them."""
        return sum(map(len, self._held.values()))

    def __iter__(self) -> Iterator[Delivery]:
        """Go through them, queue by queue."""
        for held in self._held.values():
            yield from held.values()

    def of(self, queue: str) -> dict[int, Delivery]:
        """Return those of one queue, by number; not to be changed."""
        return self._held[queue]

    def add(self, queue: str, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Hold deliveries of one queue, in the order of their numbers.

        Returns:
            Those held before if the numbers went back: the store has lost its history and numbers anew.
        """
        held = self._held[queue]
        if not deliveries:
            return []
        went_back = deliveries[0].seq <= self._newest[queue]
        old = list(held.values()) if went_back else []
        self._newest[queue] = deliveries[-1].seq
        for delivery in deliveries:
            held[delivery.seq] = delivery
        return old

    def forget(self, deliveries: Iterable[Delivery]) -> None:
        """Hold them no more."""
        for delivery in deliveries:
            held = self._held[delivery.queue]
            # After the store lost its history, another delivery may have the same number.
            if held.get(delivery.seq) is delivery:
                del held[delivery.seq]
