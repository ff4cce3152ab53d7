"""A failed job becomes exactly one thing, and no policy, callable or payload can make it be lost."""

import math
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.errors import Discard, InvalidDuration, InvalidOption, Kill, RetryIn
from mainspring.base.retry import Dead, Discarded, Retried, Retry, after_failure

NOW = 1_700_000_000.0
FAILURE = ValueError("no")


def fail(policy, attempt=0, error=FAILURE, *, failed_at=None, now=NOW, job=None, seed=1):
    return after_failure(policy, attempt=attempt, failed_at=failed_at, error=error, job=job, now=now, rng=Random(seed))


def waits(policy, count):
    return [round(fail(policy, attempt).at - NOW, 6) for attempt in range(count)]


# --- the number of retries -----------------------------------------------------------


def test_the_usual_policy_retries_25_times_and_then_the_job_is_dead():
    outcomes = [fail(Retry(), attempt) for attempt in range(26)]

    assert all(isinstance(outcome, Retried) for outcome in outcomes[:25])
    assert outcomes[25] == Dead()


@given(st.integers(0, 24), st.integers(0, 1000))
def test_the_usual_wait_is_sidekiqs(attempt, seed):
    wait = fail(Retry(), attempt, seed=seed).at - NOW

    assert attempt**4 + 15 - 1e-6 <= wait <= attempt**4 + 15 + 10 * (attempt + 1) + 1e-6


def test_zero_retries_is_dead_at_the_first_failure():
    assert fail(Retry.of(0)) == Dead()


def test_retry_false_drops_the_job_at_the_first_failure():
    assert fail(Retry.of(False)) == Discarded()


def test_a_policy_without_the_dead_set_drops_the_job_in_the_end():
    assert isinstance(fail(Retry(max=1, dead=False), 0), Retried)
    assert fail(Retry(max=1, dead=False), 1) == Discarded()


@given(st.integers(25, 10**12))
def test_a_count_beyond_the_limit_from_elsewhere_is_dead(attempt):
    assert fail(Retry(), attempt) == Dead()


# --- the wait --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Retry(backoff="exponential", base="2s"), [2, 4, 8, 16]),
        (Retry(backoff="linear", base=10), [10, 20, 30, 40]),
        (Retry(backoff="fixed", base=timedelta(minutes=1)), [60, 60, 60, 60]),
        (Retry(backoff="exponential", base="2s", cap="5s"), [2, 4, 5, 5]),
        (Retry(backoff=["1s", 5, timedelta(minutes=1)]), [1, 5, 60, 60]),
        (Retry(backoff=("1s", "1h"), cap="1m"), [1, 60, 60, 60]),
        (Retry(backoff=[0]), [0, 0, 0, 0]),
        (Retry(backoff=lambda count, error, job: count + 1), [1, 2, 3, 4]),
        (Retry(backoff=lambda count, error, job: f"{count}m"), [0, 60, 120, 180]),
    ],
    ids=["exponential", "linear", "fixed", "capped", "list", "capped list", "no wait", "callable", "text"],
)
def test_the_waits_of_a_policy(policy, expected):
    assert waits(policy, 4) == expected


def test_an_uncapped_curve_never_waits_for_ever():
    policy = Retry(max=10**6, backoff="exponential", base="1w")

    assert fail(policy, 999_999).at < NOW + 101 * 366 * 86_400


@given(st.floats(0, 1), st.integers(0, 1000))
def test_jitter_shortens_by_its_share_and_keeps_the_cap(jitter, seed):
    policy = Retry(backoff="exponential", base=10, cap=60, jitter=jitter)

    wait = fail(policy, 20, seed=seed).at - NOW

    assert 60 * (1 - jitter) - 1e-6 <= wait <= 60


def test_the_same_dice_give_the_same_outcome():
    policy = Retry(jitter=1)

    assert fail(policy, 3, seed=7) == fail(policy, 3, seed=7)
    assert fail(policy, 3, seed=7) != fail(policy, 3, seed=8)


# --- a callable ----------------------------------------------------------------------------


def test_a_callable_is_given_the_count_the_error_and_the_job():
    seen = []
    policy = Retry(backoff=lambda *given: seen.append(given) or 1)

    fail(policy, 4, job="the job")

    assert seen == [(4, FAILURE, "the job")]


def test_a_callable_may_discard_or_kill():
    assert fail(Retry(backoff=lambda *_: "discard")) == Discarded()
    assert fail(Retry(backoff=lambda *_: "kill")) == Dead()
    assert fail(Retry(dead=False, backoff=lambda *_: "kill")) == Dead()


def test_a_callable_is_not_asked_when_no_retry_is_left():
    policy = Retry(max=1, backoff=lambda *_: pytest.fail("asked"))

    assert fail(policy, 1) == Dead()


@pytest.mark.parametrize(
    "answer",
    [None, False, True, -1, math.nan, math.inf, "soon", "", "Kill", [], {}, ["discard"]],
    ids=lambda answer: f"returns {answer!r}",
)
def test_a_callable_that_returns_garbage_gives_the_usual_wait_and_is_reported(answer):
    outcome = fail(Retry(backoff=lambda *_: answer), 2)

    assert 2**4 + 15 <= outcome.at - NOW <= 2**4 + 15 + 30
    assert isinstance(outcome.trouble, Exception)


def test_a_callable_that_raises_gives_the_usual_wait_and_is_reported():
    def broken(count, error, job):
        raise ZeroDivisionError

    outcome = fail(Retry(backoff=broken))

    assert 15 <= outcome.at - NOW <= 25
    assert isinstance(outcome.trouble, ZeroDivisionError)


def test_a_wait_that_went_well_reports_no_trouble():
    assert fail(Retry()).trouble is None
    assert fail(Retry(backoff=lambda *_: 5)).trouble is None


# --- which errors -----------------------------------------------------------------------


class Nearby(OSError):
    """A subclass."""


@pytest.mark.parametrize(
    ("policy", "error", "retried"),
    [
        (Retry(on=(OSError,)), OSError(), True),
        (Retry(on=(OSError,)), Nearby(), True),
        (Retry(on=OSError), ValueError(), False),
        (Retry(on=(OSError, ValueError)), ValueError(), True),
        (Retry(unless=(OSError,)), Nearby(), False),
        (Retry(unless=OSError), ValueError(), True),
        (Retry(on=OSError, unless=Nearby), Nearby(), False),
        (Retry(on=OSError, unless=Nearby), OSError(), True),
        (Retry(), SystemExit(), True),
    ],
    ids=range(9),
)
def test_only_the_errors_of_the_policy_are_retried(policy, error, retried):
    outcome = fail(policy, error=error)

    assert isinstance(outcome, Retried) if retried else outcome == Dead()


# --- for a time ------------------------------------------------------------------------


def test_for_a_time_the_count_does_not_matter():
    policy = Retry(for_="3d", backoff="fixed", base="1m")

    assert fail(policy, 4000, failed_at=NOW - 86_400) == Retried(NOW + 60)


def test_the_time_is_over_when_it_has_passed_since_the_first_failure():
    policy = Retry(for_="3d")

    assert fail(policy, 1, failed_at=NOW - 3 * 86_400) == Dead()
    assert isinstance(fail(policy, 1, failed_at=NOW - 3 * 86_400 + 1), Retried)


def test_the_last_try_is_made_when_the_time_is_over():
    policy = Retry(for_="1h", backoff="fixed", base="50m")

    assert fail(policy) == Retried(NOW + 3000)
    assert fail(policy, 1, failed_at=NOW - 3000) == Retried(NOW + 600)
    assert fail(policy, 2, failed_at=NOW - 3600) == Dead()


# --- what the job says itself -------------------------------------------------------------


@pytest.mark.parametrize("policy", [Retry(), Retry(max=0), Retry(on=OSError), Retry.of(False)], ids=range(4))
def test_discard_and_kill_are_obeyed_whatever_the_policy(policy):
    assert fail(policy, error=Discard("gone")) == Discarded()
    assert fail(policy, error=Kill("poison")) == Dead()


def test_retry_in_takes_the_place_of_the_policys_wait_and_choice_of_errors():
    policy = Retry(max=2, on=OSError, backoff=lambda *_: 99)

    assert fail(policy, 1, RetryIn("30s")) == Retried(NOW + 30)


def test_retry_in_needs_a_retry_that_is_left():
    assert fail(Retry(max=2), 2, RetryIn("30s")) == Dead()
    assert fail(Retry.of(False), 0, RetryIn("30s")) == Discarded()


def test_retry_in_with_a_delay_that_is_none_waits_as_usual_and_is_reported():
    outcome = fail(Retry(), error=RetryIn("soonish"))

    assert 15 <= outcome.at - NOW <= 25
    assert isinstance(outcome.trouble, InvalidDuration)


# --- the policy itself -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"max": -1}, "retry=-1"),
        ({"max": 2.5}, "retry=2.5"),
        ({"max": True}, "retry=True"),
        ({"backoff": "quadratic"}, "'quadratic'"),
        ({"backoff": []}, "backoff=[]"),
        ({"backoff": 5}, "backoff=5"),
        ({"backoff": ["1m", "soon"]}, "'soon'"),
        ({"base": "soon"}, "base"),
        ({"base": 0}, "base=0"),
        ({"base": -1}, "base"),
        ({"cap": "0s"}, "cap='0s'"),
        ({"for_": math.inf}, "for_"),
        ({"for_": 0}, "for_=0"),
        ({"jitter": 1.5}, "jitter=1.5"),
        ({"jitter": -0.1}, "jitter=-0.1"),
        ({"jitter": math.nan}, "jitter=nan"),
        ({"jitter": "10%"}, "jitter='10%'"),
        ({"jitter": True}, "jitter=True"),
        ({"on": "OSError"}, "on='OSError'"),
        ({"on": (OSError, 5)}, "on="),
        ({"unless": OSError()}, "unless="),
        ({"max": 3, "for_": "1h"}, "not both"),
    ],
    ids=lambda value: str(value).replace("\n", " "),
)
def test_what_cannot_mean_anything_is_refused_where_it_is_written(options, name):
    with pytest.raises(InvalidOption) as caught:
        Retry(**options)

    assert name in str(caught.value)


@pytest.mark.parametrize("value", [-1, 2.5, "3", None, [], -0.5], ids=repr)
def test_retry_takes_true_false_a_number_or_a_policy(value):
    with pytest.raises(InvalidOption):
        Retry.of(value)


def test_a_policy_is_what_it_was_given():
    policy = Retry(max=3)

    assert Retry.of(policy) is policy
    assert Retry.of(True) == Retry()
    assert Retry.of(7) == Retry(max=7)
    assert Retry.of(False) == Retry(max=0, dead=False)


@pytest.mark.parametrize(
    ("policy", "wire"),
    [
        (Retry(), True),
        (Retry.of(25), True),
        (Retry.of(0), 0),
        (Retry.of(False), False),
        (Retry(max=3), 3),
        (Retry(max=3, dead=False), 3),
        (Retry(for_="1h"), True),
    ],
    ids=range(7),
)
def test_the_wire_says_what_sidekiq_reads_and_reads_back_as_the_same_policy(policy, wire):
    assert policy.wire is wire
    assert policy.limited(policy.wire) == policy


def test_another_number_of_retries_keeps_the_rest_of_the_policy():
    policy = Retry(max=3, backoff="fixed", base="1m", on=OSError)

    assert policy.limited(7) == Retry(max=7, backoff="fixed", base="1m", on=OSError)
    assert policy.limited(True).max == 25
    assert fail(policy.limited(0), error=OSError()) == Dead()
    assert fail(policy.limited(False), error=OSError()) == Discarded()


def test_a_number_of_retries_ends_a_time_of_retries():
    assert Retry(for_="1h").limited(25) == Retry()
    assert Retry(for_="1h").limited(0) == Retry(max=0)


def test_a_job_without_retries_that_is_given_some_may_die_again():
    assert Retry.of(False).limited(2) == Retry(max=2)
    assert Retry.of(False).limited(0) == Retry(max=0)
    assert Retry(max=3, dead=False).limited(2) == Retry(max=2, dead=False)


def test_a_policy_cannot_be_changed():
    with pytest.raises(AttributeError):
        Retry().max = 3  # type: ignore[misc]
