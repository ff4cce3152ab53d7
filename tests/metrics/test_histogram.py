"""Buckets are Sidekiq's, so that its pages read ours; and a quantile never understates a duration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.metrics.histogram import BOUNDS_MS, BUCKETS, bucket, quantile


@pytest.mark.parametrize(
    ("milliseconds", "number"), [(0, 0), (19.9, 0), (20, 1), (29.9, 1), (99, 4), (100, 5), (334_999, 24), (335_000, 25)]
)
def test_a_duration_is_in_the_first_bucket_whose_bound_is_above_it(milliseconds: float, number: int) -> None:
    assert bucket(milliseconds) == number


@given(st.floats(0, 1e9))
def test_a_duration_lies_between_the_bounds_of_its_bucket(milliseconds: float) -> None:
    number = bucket(milliseconds)

    assert 0 <= number < BUCKETS
    assert number == 0 or BOUNDS_MS[number - 1] <= milliseconds
    assert number == BUCKETS - 1 or milliseconds < BOUNDS_MS[number]


@given(st.lists(st.floats(0, 300_000), min_size=1), st.floats(0.01, 1))
def test_at_least_the_share_asked_for_lies_below_the_quantile(durations: list[float], share: float) -> None:
    counts = [0] * BUCKETS
    for duration in durations:
        counts[bucket(duration)] += 1

    found = quantile(counts, share)

    assert found is not None
    assert sum(duration < found for duration in durations) >= share * len(durations)


def test_the_quantile_of_nothing_is_nothing() -> None:
    assert quantile([0] * BUCKETS, 0.5) is None


def test_what_is_longer_than_every_bound_has_no_bound() -> None:
    assert quantile([0] * 25 + [1], 0.5) == float("inf")
