"""What limits promise, computed in the plainest way: from the list of all that was ever taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from mainspring.store.limiters import Limit


@dataclass
class Model:
    """One limit, and all that was taken of it.

    Attributes:
        taken: When, how much, and by whom.
    """

    limit: Limit
    taken: list[tuple[int, Fraction, str]] = field(default_factory=list)

    def take(self, now: int, cost: Fraction, member: str) -> None:
        """Take of it."""
        self.taken.append((now, cost, member))

    def release(self, member: str) -> None:
        """Give back what *member* holds."""
        self.taken = [each for each in self.taken if each[2] != member]

    def used(self, now: int) -> Fraction:
        """Return how much of it is in use at *now*."""
        return _USED[self.limit.kind](self, now)

    def room(self, now: int, cost: Fraction) -> Fraction:
        """Return how much would be left at *now* if *cost* were taken; below 0 it must be refused."""
        return self.limit.n - self.used(now) - cost

    def _in_span(self, now: int) -> Fraction:
        return sum((cost for at, cost, _ in self.taken if now - at < self.limit.us), Fraction(0))

    def _in_interval(self, now: int) -> Fraction:
        interval = now // self.limit.us
        return sum((cost for at, cost, _ in self.taken if at // self.limit.us == interval), Fraction(0))

    def _in_bucket(self, now: int) -> Fraction:
        level, last = Fraction(0), 0
        for at, cost, _ in [*self.taken, (now, Fraction(0), "")]:
            drained = Fraction((at - last) * self.limit.n, self.limit.us)
            level, last = max(Fraction(0), level - drained) + cost, at
        return level


_USED: dict[str, Callable[[Model, int], Fraction]] = {
    "concurrent": Model._in_span,
    "window": Model._in_span,
    "bucket": Model._in_interval,
    "leaky": Model._in_bucket,
    "points": Model._in_bucket,
}
