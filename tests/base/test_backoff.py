"""The waits of the curves are Sidekiq's, or plain arithmetic, whatever attempt a payload claims."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.backoff import exponential, fixed, jittered, linear, polynomial

attempts = st.integers(0, 10**9)
seeds = st.integers(0, 1000).map(Random)


@given(st.integers(0, 100), seeds)
def test_the_polynomial_lies_between_sidekiqs_bounds(attempt, rng):
    wait = polynomial(attempt, rng=rng)

    assert attempt**4 + 15 <= wait <= attempt**4 + 15 + 10 * (attempt + 1)


def test_the_polynomial_spans_about_twenty_days_in_25_attempts():
    days = sum(polynomial(attempt, rng=Random(1)) for attempt in range(25)) / 86_400

    assert 20 < days < 21


def test_jobs_that_failed_together_do_not_come_back_together():
    rng = Random(1)

    assert len({polynomial(0, rng=rng) for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("curve", "waits"),
    [(exponential, [2, 4, 8, 16, 32]), (linear, [2, 4, 6, 8, 10]), (fixed, [2, 2, 2, 2, 2])],
    ids=["exponential", "linear", "fixed"],
)
def test_a_curve_begins_with_its_base(curve, waits):
    assert [curve(attempt, base=2.0) for attempt in range(5)] == waits


@given(attempts)
def test_no_attempt_overflows_a_curve(attempt):
    waits = [exponential(attempt, base=1e9), linear(attempt, base=1e9), polynomial(attempt, rng=Random(1))]

    assert all(wait > 0 and not math.isnan(wait) for wait in waits)


@given(st.floats(0, 1e9), st.floats(0, 1), seeds)
def test_jitter_shortens_a_wait_by_at_most_its_share(wait, jitter, rng):
    found = jittered(wait, jitter, rng=rng)

    assert wait * (1 - jitter) * 0.999999 <= found <= wait


def test_no_jitter_leaves_a_wait_as_it_is():
    assert jittered(12.5, 0, rng=Random(1)) == 12.5


@pytest.mark.parametrize(
    "call",
    [
        lambda: polynomial(-1, rng=Random(1)),
        lambda: exponential(-1, base=1),
        lambda: linear(-1, base=1),
        lambda: fixed(-1, base=1),
    ],
    ids=["polynomial", "exponential", "linear", "fixed"],
)
def test_a_negative_attempt_is_refused(call):
    with pytest.raises(ValueError, match="retried -1 times"):
        call()
