"""A percentile is in the bucket of the true one, however durations lie."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.metrics.histogram import BOUNDS_MS, BUCKETS, bucket, quantile

DURATIONS = st.lists(st.one_of(st.floats(0, 100), st.floats(0, 1e8, exclude_max=True)), min_size=1)


def counted(durations: list[float]) -> list[int]:
    counts = [0] * BUCKETS
    for duration in durations:
        counts[bucket(duration)] += 1
    return counts


@pytest.mark.parametrize(
    ("milliseconds", "number"), [(0, 0), (0.9, 0), (1, 1), (19.9, 6), (20, 7), (334_999, 30), (335_000, 31), (1e12, 45)]
)
def test_a_duration_is_in_the_first_bucket_whose_bound_is_above_it(milliseconds: float, number: int) -> None:
    assert bucket(milliseconds) == number


@given(st.floats(0, 1e9))
def test_a_duration_lies_between_the_bounds_of_its_bucket(milliseconds: float) -> None:
    number = bucket(milliseconds)

    assert 0 <= number < BUCKETS
    assert number == 0 or BOUNDS_MS[number - 1] <= milliseconds
    assert number == BUCKETS - 1 or milliseconds < BOUNDS_MS[number]


@given(DURATIONS, st.floats(0.01, 1))
def test_a_percentile_lies_in_the_bucket_of_the_true_one(durations: list[float], share: float) -> None:
    rank = max(1, math.ceil(share * len(durations)))
    true = sorted(durations)[rank - 1]

    found = quantile(counted(durations), share)

    assert found is not None
    number = bucket(true)
    assert (BOUNDS_MS[number - 1] if number else 0) <= found <= BOUNDS_MS[number]


@given(DURATIONS)
def test_percentiles_do_not_cross(durations: list[float]) -> None:
    found = [quantile(counted(durations), share) or 0.0 for share in (0.0, 0.1, 0.5, 0.95, 0.99, 1.0)]

    assert found == sorted(found)


def test_from_3_ms_on_a_percentile_is_at_most_67_percent_too_high_and_40_percent_too_low() -> None:
    steps = [high / low for low, high in pairwise(BOUNDS_MS[2:])]

    assert 1.66 < max(steps) < 1.67


def test_what_fell_into_a_bucket_is_taken_to_lie_evenly_in_it() -> None:
    assert quantile(counted([110.0] * 10), 0.5) == 125
    assert quantile(counted([0.5] * 10), 0.5) == 0.5


def test_the_quantile_of_nothing_is_nothing() -> None:
    assert quantile([0] * BUCKETS, 0.5) is None


def test_what_is_longer_than_every_bound_is_shown_as_the_greatest() -> None:
    assert quantile(counted([1e12]), 0.5) == BOUNDS_MS[-1]
