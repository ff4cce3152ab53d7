"""Buckets of durations. Pure.

From 20 ms to some minutes the bounds are Sidekiq's, so that its pages can show our
jobs: each is about half as long again as the one before. Ours go on like that at both
ends, down to a millisecond and up to a day; metrics_add.lua makes Sidekiq's of ours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

#: Upper bounds in milliseconds; a duration is in the first bucket whose bound is above it.
BOUNDS_MS: Final = (
    1, 2, 3, 5, 8, 13,
    20, 30, 45, 65, 100,
    150, 225, 335, 500, 750,
    1_100, 1_700, 2_500, 3_800, 5_750,
    8_500, 13_000, 20_000, 30_000, 45_000,
    65_000, 100_000, 150_000, 225_000, 335_000,
    500_000, 750_000, 1_100_000, 1_700_000, 2_500_000,
    3_800_000, 5_750_000, 8_500_000, 13_000_000, 20_000_000,
    30_000_000, 45_000_000, 65_000_000, 100_000_000,
)  # fmt: skip
#: The same in seconds, for those who count.
BOUNDS: Final = tuple(bound / 1000 for bound in BOUNDS_MS)
BUCKETS: Final = len(BOUNDS_MS) + 1


def bucket(milliseconds: float) -> int:
    """Return the number of the bucket of a duration, from 0 to 45."""
    return bisect_right(BOUNDS_MS, milliseconds)


def quantile(counts: Sequence[int], share: float) -> float | None:
    """Return the duration below which *share* of what was counted lies, in milliseconds.

    What fell into a bucket is taken to lie evenly in it. The answer is in the same bucket as the true
    value: from 3 ms on at most 67 % above it or 40 % below, as bounds are that far apart; mostly much less.

    Args:
        counts: How many durations fell into each bucket.
        share: From 0 to 1.

    Returns:
        The duration; the greatest bound there is, 28 hours, if it is longer than that; None if nothing was counted.
    """
    total = sum(counts)
    if not total:
        return None
    wanted, below = share * total, 0
    for number, count in enumerate(counts):
        if count and below + count >= wanted:
            return _within(number, (wanted - below) / count)
        below += count
    return float(BOUNDS_MS[-1])


def _within(number: int, part: float) -> float:
    """Return the duration at a *part* of the way through a bucket; of the last, which has no end, its beginning."""
    low = BOUNDS_MS[number - 1] if number else 0
    return low + (BOUNDS_MS[number] - low) * part if number < len(BOUNDS_MS) else float(low)
