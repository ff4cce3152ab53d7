"""A job stays the function that it was made from, and its options change for one use and never for all."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from mainspring import App, InvalidDuration, InvalidName, InvalidOption, Retry, WrongArguments
from mainspring.job import Call, moment


@pytest.fixture
def app():
    return App("redis://nowhere.invalid", queue="usual", retry=7)


@pytest.fixture
def add(app):
    @app.job(queue="low", retry=5, tags=["a"])
    def add(x: int, y: int = 0) -> int:
        """Add."""
        return x + y

    return add


# --- the function ------------------------------------------------------------------


def test_a_job_runs_as_the_plain_function_that_it_is(add):
    assert add(1, 2) == 3
    assert add(1, y=5) == 6
    assert (add.__name__, add.__doc__, add.is_async) == ("add", "Add.", False)
    assert add.__wrapped__ is add.function


async def test_an_async_job_is_awaited_as_the_function_that_it_is(app):
    @app.job
    async def ask() -> int:
        return 7

    assert await ask() == 7
    assert ask.is_async


def test_a_call_of_the_plain_function_is_not_checked(add):
    assert add("a", "b") == "ab"


def test_a_job_shows_its_name_and_queue(add):
    assert repr(add) == f"<Job {add.name} queue=low>"


# --- options -----------------------------------------------------------------------


def test_options_that_are_not_given_are_the_apps(app):
    @app.job
    def bare() -> None: ...

    assert (bare.options.queue, bare.options.retry.max, bare.options.tags, bare.options.at) == ("usual", 7, (), None)


@pytest.mark.parametrize(
    ("value", "wire"),
    [(True, 7), (None, 7), (False, False), (0, 0), (3, 3), (25, True), (Retry(max=2), 2), (Retry(for_="1d"), True)],
)
def test_retries_travel_as_sidekiq_reads_them(app, value, wire):
    @app.job(retry=value)
    def job() -> None: ...

    assert job.options.retry.wire == wire
    assert type(job.options.retry.wire) is type(wire)


@pytest.mark.parametrize(
    "options",
    [
        {"queue": "a b"},
        {"queue": ""},
        {"retry": -1},
        {"retry": "3"},
        {"tags": "ab"},
        {"tags": [1]},
        {"tags": 5},
        {"tags": {"a": 1}},
        {"tags": ["a\nb"]},
    ],
)
def test_options_that_cannot_mean_anything_are_refused_where_they_stand(app, add, options):
    with pytest.raises((InvalidName, InvalidOption)):
        app.job(**options)(lambda: None)
    with pytest.raises((InvalidName, InvalidOption)):
        add.using(**options)


def test_using_changes_a_copy(add):
    other = add.using(queue="high", retry=0, tags=["b"], at=5)

    assert (other.options.queue, other.options.retry.max, other.options.tags, other.options.at) == (
        "high",
        0,
        ("b",),
        5.0,
    )
    assert (add.options.queue, add.options.retry.max, add.options.tags, add.options.at) == ("low", 5, ("a",), None)
    assert (other.name, other.function, other(1, 2)) == (add.name, add.function, 3)


def test_using_can_be_chained_and_keeps_what_it_does_not_name(add):
    other = add.using(queue="high").using(retry=2).using()

    assert (other.options.queue, other.options.retry.max, other.options.tags) == ("high", 2, ("a",))


def test_a_whole_policy_belongs_to_the_job(add):
    with pytest.raises(InvalidOption, match=r"@app\.job\(retry=Retry"):
        add.using(retry=Retry(max=3))


def test_fewer_retries_for_one_use_keep_the_policys_other_parts(app):
    job = app.job(retry=Retry(max=9, backoff="fixed", base="2s", on=(OSError,)))(lambda: None)

    policy = job.using(retry=1).options.retry

    assert (policy.max, policy.backoff, policy.base, policy.on) == (1, "fixed", "2s", (OSError,))


# --- times -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        (1790000000, 1790000000.0),
        (1790000000.25, 1790000000.25),
        (0, 0.0),
        (-5, -5.0),
        (datetime(2026, 11, 21, 12, tzinfo=UTC), 1795262400.0),
        (datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=2))), 1795255200.0),
        (datetime(2026, 11, 21, 12, tzinfo=ZoneInfo("America/New_York")), 1795280400.0),
    ],
)
def test_a_moment_is_unix_seconds_or_a_datetime_with_a_zone(when, seconds):
    assert moment(when) == seconds


@pytest.mark.parametrize("when", [1790000000000, "now", None, True, math.nan, math.inf, timedelta(1), [1]])
def test_what_is_no_moment_is_refused(add, when):
    with pytest.raises(InvalidOption, match="is no time"):
        moment(when)
    with pytest.raises(InvalidOption):
        add.enqueue_at(when, 1)


def test_a_datetime_without_a_zone_is_refused_with_the_way_out(add):
    naive = datetime(2026, 11, 21, 12)  # noqa: DTZ001 - what shall be refused

    with pytest.raises(InvalidOption, match=r"has no time zone.*tzinfo=ZoneInfo"):
        add.enqueue_at(naive, 1)
    with pytest.raises(InvalidOption, match="has no time zone"):
        add.using(at=naive)


@pytest.mark.parametrize("delay", ["soon", -1, "-5s", math.nan, None, True])
def test_what_is_no_delay_is_refused(add, delay):
    with pytest.raises(InvalidDuration):
        add.enqueue_in(delay, 1)
    with pytest.raises(InvalidDuration):
        add.enqueue_many([(1,)], spread=delay)


# --- calls -------------------------------------------------------------------------


def test_a_call_is_kept_and_not_made(add):
    call = add.call(1, y=2)

    assert isinstance(call, Call)
    assert (call.args, call.kwargs) == ((1,), {"y": 2})


@pytest.mark.parametrize("calls", [[1], ["ab"], [{"x": 1}], [None]])
def test_what_is_no_call_is_refused_with_the_way_out(add, calls):
    with pytest.raises(WrongArguments, match=r"write \(x,\) for one"):
        add.enqueue_many(calls)
