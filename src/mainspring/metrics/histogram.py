"""Buckets of durations. Pure.

The bounds are Sidekiq's, so that its pages can show our jobs: each is about half as
long again as the one before, from 20 ms to some minutes; what is longer is in the last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

#: Upper bounds in milliseconds; a duration is in the first bucket whose bound is above it.
BOUNDS_MS: Final = (
    20, 30, 45, 65, 100,
    150, 225, 335, 500, 750,
    1_100, 1_700, 2_500, 3_800, 5_750,
    8_500, 13_000, 20_000, 30_000, 45_000,
    65_000, 100_000, 150_000, 225_000, 335_000,
)  # fmt: skip
#: What is shorter is in bucket 0.
SHORTEST_MS: Final = BOUNDS_MS[0]
BUCKETS: Final = len(BOUNDS_MS) + 1


def bucket(milliseconds: float) -> int:
    """Return the number of the bucket of a duration, from 0 to 25."""
    return bisect_right(BOUNDS_MS, milliseconds)


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Return the duration below which *share* of what was counted lies, in milliseconds.

    Args:
        counts: How many durations fell into each bucket.
        share: From 0 to 1.

    Returns:
        The upper bound of its bucket; infinity for the last one; None if nothing was counted.
    """
    total = sum(counts)
    if not total:
        return None
    below = list(accumulate(counts))
    place = next(number for number, count in enumerate(below) if count >= share * total and count)
    return float("inf") if place >= len(BOUNDS_MS) else float(BOUNDS_MS[place])
