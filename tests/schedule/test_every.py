"""A period keeps its phase for ever, and a time of day is the one on the wall."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import every
from mainspring.schedule.crontab import Cron
from mainspring.schedule.every import EveryDays, Interval, Union

NOON = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("UTC")).timestamp()
HOUR, DAY = 3600.0, 86_400.0


def walk(rule, start, count):
    """Return the next *count* ticks after *start*."""
    found = []
    for _ in range(count):
        start = rule.after(start)
        found.append(start)
    return found


# --- without a time of day -------------------------------------------------------


def test_the_first_tick_of_a_period_is_its_anchor():
    assert Interval(60, anchor=NOON).after(NOON - 0.001) == NOON
    assert Interval(60, anchor=NOON).after(0) == NOON


def test_a_restart_does_not_shift_a_period():
    rule = Interval(600, anchor=NOON)

    assert [rule.after(NOON + lost) for lost in (0, 1, 599.999)] == [NOON + 600] * 3


def test_a_period_does_not_drift_in_a_million_ticks():
    rule = Interval(0.1, anchor=NOON)

    assert rule.after(NOON + 100_000) == round(NOON + 100_000.1, 3)


def test_a_period_that_is_no_whole_number_of_milliseconds_has_ticks_that_are():
    third = Interval(1 / 3, anchor=0)

    assert walk(third, 0, 4) == [0.333, 0.667, 1.0, 1.333]


@given(
    period=st.floats(0.1, 1e6),
    anchor=st.integers(1_600_000_000_000, 2_000_000_000_000),
    ahead=st.floats(0, 1e8),
)
def test_the_tick_after_any_instant_is_later_and_none_lies_between(period, anchor, ahead):
    rule = Interval(period, anchor / 1000)
    t = rule.anchor + ahead

    tick = rule.after(t)

    assert tick > t
    assert tick - t <= period + 0.001
    assert tick == round(tick, 3)
    # Asked just before it, the rule names the same tick, and asked at it, the next.
    assert rule.after(math.nextafter(tick, 0)) == tick
    assert rule.after(tick) > tick


@pytest.mark.parametrize("period", ["10m", "0.5s", "1h30m", 0.1, 7, timedelta(hours=1)])
def test_a_period_is_read_as_every_duration_is(period):
    assert isinstance(every.rule(period, None, "UTC"), Interval)


@pytest.mark.parametrize(
    ("period", "says"),
    [
        (0, "0.1 s"),
        ("0s", "0.1 s"),
        (0.099, "0.1 s"),
        ("50ms", "0.1 s"),
        (-5, "period"),
        (timedelta(seconds=-1), "period"),
        ("soon", "period"),
        ("", "period"),
        (None, "period"),
        (True, "period"),
        (float("nan"), "period"),
        (float("inf"), "period"),
        ("36526d", "36525 days"),
    ],
)
def test_a_period_that_cannot_be_meant_is_refused(period, says):
    with pytest.raises(InvalidSchedule, match=says) as refused:
        every.rule(period, None, "UTC")

    assert refused.value.text is period


# --- with one ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expression"),
    [("00:00", "0 0 * * *"), ("9:05", "5 9 * * *"), ("09:05", "5 9 * * *"), ("23:59", "59 23 * * *")],
)
def test_a_time_of_day_is_a_cron_expression(at, expression):
    rule = every.rule("1d", at, "UTC")

    assert isinstance(rule, Cron)
    assert rule.expression == expression


def test_a_day_of_24_hours_is_a_day():
    assert every.rule("24h", "06:00", "UTC") == every.rule("1d", "06:00", "UTC")
    assert every.rule(86_400, "06:00", "UTC") == every.rule(timedelta(days=1), "06:00", "UTC")


def test_several_times_are_one_entry_in_order_each_once():
    rule = every.rule("1d", ["18:00", "06:00", "6:00"], "UTC")

    assert isinstance(rule, Union)
    assert len(rule.rules) == 2
    assert walk(rule, NOON, 3) == [NOON + 6 * HOUR, NOON + 18 * HOUR, NOON + 30 * HOUR]


def test_a_list_of_one_is_that_one():
    assert every.rule("1d", ["06:00"], "UTC") == every.rule("1d", "06:00", "UTC")


def test_times_are_those_of_the_zone():
    rule = every.rule("1d", "12:00", "America/New_York")

    assert rule.after(NOON) == NOON + 5 * HOUR


def test_times_of_day_do_not_depend_on_the_anchor():
    rule = every.rule("1d", ["06:00", "18:00"], "UTC")

    assert rule.anchored(NOON) == rule


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("24:00", 'midnight is "00:00"'),
        ("24:30", "no hour 24"),
        ("99:00", "no hour 99"),
        ("12:60", "no minute 60"),
        ("noon", "09:30"),
        ("12", "09:30"),
        ("12:5", "09:30"),
        ("12:00:00", "09:30"),
        (" 12:00", "09:30"),
        ("-1:00", "09:30"),
        ("\N{ARABIC-INDIC DIGIT ONE}2:00", "09:30"),
        ("", "09:30"),
        ("**:15", "09:30"),
        (1200, "09:30"),
        ([], "list"),
        (["06:00", "24:00"], "midnight"),
        (["06:00", None], "09:30"),
    ],
)
def test_a_time_that_does_not_exist_is_refused_and_named(at, says):
    with pytest.raises(InvalidSchedule, match="at: ") as refused:
        every.rule("1d", at, "UTC")

    assert says in str(refused.value)


@pytest.mark.parametrize("period", ["10m", "12h", "25h", "1d1s", 0.5])
def test_a_time_of_day_wants_a_period_of_whole_days(period):
    with pytest.raises(InvalidSchedule, match="whole days"):
        every.rule(period, "06:00", "UTC")


# --- each so many days ----------------------------------------------------------------


def test_days_are_counted_from_the_first_time_after_the_anchor():
    rule = every.rule("3d", "18:00", "UTC").anchored(NOON)

    assert isinstance(rule, EveryDays)
    assert walk(rule, NOON, 3) == [NOON + 6 * HOUR, NOON + 6 * HOUR + 3 * DAY, NOON + 6 * HOUR + 6 * DAY]


def test_a_time_that_was_over_at_the_anchor_begins_on_the_next_day():
    rule = every.rule("1w", "06:00", "UTC").anchored(NOON)

    assert walk(rule, NOON, 2) == [NOON + 18 * HOUR, NOON + 18 * HOUR + 7 * DAY]


def test_each_of_several_times_counts_its_own_days():
    rule = every.rule("2d", ["06:00", "18:00"], "UTC").anchored(NOON)

    assert walk(rule, NOON, 3) == [NOON + 6 * HOUR, NOON + 18 * HOUR, NOON + 54 * HOUR]


def test_counting_from_any_later_instant_gives_the_same_days():
    rule = every.rule("3d", "18:00", "Europe/Paris").anchored(NOON)
    straight = walk(rule, NOON, 50)

    for at, following in pairwise(straight):
        assert rule.after(at) == rule.after(at + DAY) == rule.after(following - 0.001) == following


def test_a_count_of_days_keeps_its_hour_over_a_change_of_the_clocks():
    paris = ZoneInfo("Europe/Paris")
    rule = every.rule("2d", "07:30", "Europe/Paris").anchored(datetime(2026, 3, 25, tzinfo=paris).timestamp())

    found = [datetime.fromtimestamp(t, paris) for t in walk(rule, 0, 4)]

    assert [moment.strftime("%d %H:%M %z") for moment in found] == [
        "25 07:30 +0100",
        "27 07:30 +0100",
        "29 07:30 +0200",
        "31 07:30 +0200",
    ]
