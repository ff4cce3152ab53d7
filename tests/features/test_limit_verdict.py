"""A job that comes too early for a limit comes again, later each time a crowd is too large, and not for ever."""

from __future__ import annotations

import random
from itertools import pairwise
from statistics import mean

from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.errors import OverLimit
from mainspring.features.limits import SNOOZES, after_limit

COUNTS = st.integers(0, SNOOZES - 1)
WAITS = st.floats(0, 366 * 86_400)


@given(WAITS, COUNTS, st.integers())
def test_it_never_comes_back_before_the_limit_gives_again(wait, count, seed):
    found = after_limit(OverLimit("a", wait), count, rng=random.Random(seed))

    assert found is not None
    assert wait <= found <= wait + 900


def test_a_crowd_spreads_wider_each_time():
    rng = random.Random(1)
    spread = [mean(after_limit(OverLimit("a", 2.0), count, rng=rng) - 2.0 for _ in range(500)) for count in range(9)]

    assert all(1.5 < later / earlier < 2.6 for earlier, later in pairwise(spread))


def test_after_twenty_times_it_has_failed():
    error = OverLimit("a", 1.0)

    assert after_limit(error, SNOOZES - 1, rng=random.Random(1)) is not None
    assert after_limit(error, SNOOZES, rng=random.Random(1)) is None
    assert after_limit(error, 10**9, rng=random.Random(1)) is None


def test_a_limit_of_seconds_is_asked_for_more_than_an_hour():
    rng = random.Random(1)

    assert sum(after_limit(OverLimit("a", 1.0), count, rng=rng) for count in range(SNOOZES)) > 3600
