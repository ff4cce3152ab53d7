"""A period keeps its phase for ever; with `at` it is the distance between runs, on the minutes that `at` names."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import crontab, every
from mainspring.schedule.every import Union
from mainspring.schedule.interval import Interval

#: A Monday.
NOON = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("UTC")).timestamp()
HOUR, DAY = 3600.0, 86_400.0


def walk(rule, start, count):
    """Return the next *count* ticks after *start*; None once there are no more."""
    found = []
    for _ in range(count):
        start = None if start is None else rule.after(start)
        found.append(start)
    return found


def told(rule, count, zone="UTC", start=NOON):
    """Return the next *count* ticks after *start* as a clock on the wall tells them."""
    return [datetime.fromtimestamp(t, ZoneInfo(zone)).strftime("%d %H:%M:%S") for t in walk(rule, start, count)]


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
    assert rule.before(math.nextafter(tick, math.inf)) == tick
    assert rule.after(rule.before(tick) if tick > rule.anchor else 0) == tick


def test_a_period_has_no_tick_before_its_anchor():
    rule = Interval(60, anchor=NOON)

    assert rule.before(NOON) is None
    assert rule.before(0) is None
    assert rule.before(NOON + 0.001) == NOON


def test_a_period_may_end():
    rule = Interval(60, anchor=NOON, count=3)

    assert walk(rule, 0, 4) == [NOON, NOON + 60, NOON + 120, None]
    assert rule.before(NOON + 9999) == NOON + 120
    assert rule.after(NOON + 9999) is None


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


def test_a_day_of_24_hours_is_a_day():
    assert every.rule("24h", "06:00", "UTC") == every.rule("1d", "06:00", "UTC")
    assert every.rule(86_400, "06:00", "UTC") == every.rule(timedelta(days=1), "06:00", "UTC")


def test_several_times_are_one_entry_in_order_each_once():
    rule = every.rule("1d", ["18:00", "06:00", "6:00"], "UTC")

    assert isinstance(rule, Union)
    assert len(rule.rules) == 2
    assert walk(rule, NOON, 3) == [NOON + 6 * HOUR, NOON + 18 * HOUR, NOON + 30 * HOUR]
    assert rule.before(NOON) == NOON - 6 * HOUR


def test_a_list_of_one_is_that_one():
    assert every.rule("1d", ["06:00"], "UTC") == every.rule("1d", "06:00", "UTC")


def test_times_are_those_of_the_zone():
    rule = every.rule("1d", "12:00", "America/New_York")

    assert rule.after(NOON) == NOON + 5 * HOUR


@pytest.mark.parametrize(
    ("period", "at"),
    [("1d", ["06:00", "18:00"]), ("10m", "12:**"), ("10s", "12:00"), ("1w", "mon 12:00"), ("90m", "mon **:00")],
)
def test_what_needs_no_phase_does_not_depend_on_the_anchor(period, at):
    rule = every.rule(period, at, "Europe/Paris")

    assert rule.anchored(NOON) == rule


def test_an_error_in_at_is_told_as_every_error_of_the_schedule():
    with pytest.raises(InvalidSchedule, match="there is no hour 24"):
        every.rule("1d", ["06:00", "24:00"], "UTC")
    with pytest.raises(InvalidSchedule, match="no such time zone"):
        every.rule("1d", "06:00", "Europe/Pariss")


@pytest.mark.parametrize("period", [0.1, "0.5s", 0.999])
def test_with_a_time_a_period_is_a_second_or_more(period):
    with pytest.raises(InvalidSchedule, match="with at= write one from 1 s"):
        every.rule(period, "06:00", "UTC")


# --- the period is the distance, `at` the minutes that may be used ----------------------

# period, at, and what the wall shows after Monday the 2nd, 12:00:00
DISTANCES = [
    # at most once at each time that is named
    ("30m", "**:00", ["02 13:00:00", "02 14:00:00", "02 15:00:00"]),
    ("1h", "*:15", ["02 12:15:00", "02 13:15:00", "02 14:15:00"]),
    ("1m", "18:00", ["02 18:00:00", "03 18:00:00", "04 18:00:00"]),
    ("12h", "18:00", ["02 18:00:00", "03 18:00:00", "04 18:00:00"]),
    ("1d", "9:05", ["03 09:05:00", "04 09:05:00", "05 09:05:00"]),
    ("1d", "Monday 12:30", ["02 12:30:00", "09 12:30:00", "16 12:30:00"]),
    ("1w", "Monday 12:30", ["02 12:30:00", "09 12:30:00", "16 12:30:00"]),
    ("30m", "mon **:00", ["02 13:00:00", "02 14:00:00", "02 15:00:00"]),
    ("1h", "Sunday *:30", ["08 00:30:00", "08 01:30:00", "08 02:30:00"]),
    # every so many hours
    ("61m", "**:30", ["02 12:30:00", "02 14:30:00", "02 16:30:00"]),
    ("90m", "**:30", ["02 12:30:00", "02 14:30:00", "02 16:30:00"]),
    ("7h", "**:30", ["02 12:30:00", "02 19:30:00", "03 02:30:00"]),
    ("1d", "**:15", ["02 12:15:00", "03 12:15:00", "04 12:15:00"]),
    ("36h", "**:15", ["02 12:15:00", "04 00:15:00", "05 12:15:00"]),
    # every so many days or weeks
    ("2d", "18:00", ["02 18:00:00", "04 18:00:00", "06 18:00:00"]),
    ("25h", "18:00", ["02 18:00:00", "04 18:00:00", "06 18:00:00"]),
    ("1w", "06:00", ["03 06:00:00", "10 06:00:00", "17 06:00:00"]),
    ("10d", "Monday 12:30", ["02 12:30:00", "16 12:30:00", "30 12:30:00"]),
    ("2w", "tue 12:30", ["03 12:30:00", "17 12:30:00", "31 12:30:00"]),
    # within an hour, which begins anew each day
    ("10m", "13:**", ["02 13:00:00", "02 13:10:00", "02 13:20:00"]),
    ("25m", "13:**", ["02 13:00:00", "02 13:25:00", "02 13:50:00", "03 13:00:00"]),
    ("1m", "13:**", ["02 13:00:00", "02 13:01:00", "02 13:02:00"]),
    ("90s", "13:**", ["02 13:00:00", "02 13:01:30", "02 13:03:00"]),
    ("7s", "13:**", ["02 13:00:00", "02 13:00:07", "02 13:00:14"]),
    ("1h", "13:**", ["02 13:00:00", "03 13:00:00", "04 13:00:00"]),
    ("23h", "13:**", ["02 13:00:00", "03 13:00:00", "04 13:00:00"]),
    ("30m", "tue 13:**", ["03 13:00:00", "03 13:30:00", "10 13:00:00"]),
    # within a day, which begins anew each week
    ("90m", "tue **:00", ["03 00:00:00", "03 02:00:00", "03 04:00:00"]),
    ("7h", "tue **:30", ["03 00:30:00", "03 07:30:00", "03 14:30:00", "03 21:30:00", "10 00:30:00"]),
    # within a minute
    ("10s", "18:00", ["02 18:00:00", "02 18:00:10", "02 18:00:20", "02 18:00:30", "02 18:00:40", "02 18:00:50", "03 18:00:00"]),
    ("25s", "**:15", ["02 12:15:00", "02 12:15:25", "02 12:15:50", "02 13:15:00"]),
    ("59s", "tue *:15", ["03 00:15:00", "03 00:15:59", "03 01:15:00"]),
    ("20s", "tue 18:00", ["03 18:00:00", "03 18:00:20", "03 18:00:40", "10 18:00:00"]),
    # a chain that comes back to where it was only after some days
    ("1d", "13:**", ["02 13:00:00", "03 13:00:00", "04 13:00:00"]),
    ("1d", "12:**", ["02 12:01:00", "03 12:01:00", "04 12:01:00"]),  # within it at the anchor
    ("36h", "12:**", ["02 12:01:00", "04 12:00:00", "06 12:00:00"]),
    ("24h30m", "13:**", ["02 13:00:00", "03 13:30:00", "05 13:00:00", "06 13:30:00"]),
    ("1w", "tue **:00", ["03 00:00:00", "10 00:00:00", "17 00:00:00"]),
    ("1d", "mon **:00", ["02 13:00:00", "09 00:00:00", "16 00:00:00"]),
    ("7d12h", "mon **:00", ["02 13:00:00", "16 00:00:00", "23 12:00:00"]),
    # in a list each counts for itself
    ("2d", ["18:00", "06:00"], ["02 18:00:00", "03 06:00:00", "04 18:00:00", "05 06:00:00"]),
    ("2h", ["**:00", "**:30"], ["02 12:30:00", "02 13:00:00", "02 14:30:00", "02 15:00:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("period", "at", "wall"), DISTANCES)
def test_the_period_is_the_least_distance_of_the_times(period, at, wall):
    rule = every.rule(period, at, "UTC").anchored(NOON + 1)

    assert told(rule, len(wall)) == wall


@pytest.mark.parametrize(
    ("period", "at", "expression"),
    [
        ("1d", "09:30", "30 9 * * *"),
        ("1h", "**:15", "15 * * * *"),
        ("1w", "sun 02:30", "30 2 * * 0"),
        ("1h", "sun **:30", "30 * * * 0"),
        ("1m", "02:**", "* 2 * * *"),
        ("10m", "02:**", "*/10 2 * * *"),
        ("30m", "sun 02:**", "*/30 2 * * 0"),
        ("2h", "sun **:00", "0 */2 * * 0"),
        ("10s", "02:30", "*/10 30 2 * * *"),
    ],
)
def test_what_cron_can_say_too_is_the_same_all_year_round(period, at, expression):
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()

    def year(rule):
        return [t for t in walk(rule, start, 900) if t < start + 365 * DAY]

    assert year(every.rule(period, at, "UTC")) == year(crontab.parse(expression, "UTC"))


@pytest.mark.parametrize("dst", ["vixie", "skip", "both"])
@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Asia/Beirut", "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    ("period", "at", "expression"),
    [
        ("1d", "02:30", "30 2 * * *"),
        ("1d", "00:15", "15 0 * * *"),
        ("1w", "sun 02:00", "0 2 * * 0"),
    ],
)
def test_and_is_so_where_clocks_change(period, at, expression, zone, dst):
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()
    rule, cron = every.rule(period, at, zone, dst=dst), crontab.parse(expression, zone, dst=dst)

    assert walk(rule, start, 370) == walk(cron, start, 370)
    assert [rule.before(tick) for tick in walk(rule, start, 370)] == [
        cron.before(tick) for tick in walk(cron, start, 370)
    ]


# --- the phase ---------------------------------------------------------------------------


def test_days_are_counted_from_the_first_time_after_the_anchor():
    rule = every.rule("3d", "18:00", "UTC").anchored(NOON)

    assert walk(rule, NOON, 3) == [NOON + 6 * HOUR, NOON + 6 * HOUR + 3 * DAY, NOON + 6 * HOUR + 6 * DAY]
    assert rule.before(NOON + 6 * HOUR) is None


def test_a_time_at_the_anchor_itself_counts():
    for period, at in [("3d", "12:00"), ("3h", "**:00"), ("3w", "mon 12:00"), ("3d", "12:**")]:
        assert every.rule(period, at, "UTC").anchored(NOON).after(NOON - 0.001) == NOON


def test_a_time_that_was_over_at_the_anchor_begins_on_the_next_day():
    rule = every.rule("1w", "06:00", "UTC").anchored(NOON)

    assert walk(rule, NOON, 2) == [NOON + 18 * HOUR, NOON + 18 * HOUR + 7 * DAY]


def test_each_of_several_times_counts_its_own_days():
    rule = every.rule("2d", ["06:00", "18:00"], "UTC").anchored(NOON)

    assert walk(rule, NOON, 3) == [NOON + 6 * HOUR, NOON + 18 * HOUR, NOON + 54 * HOUR]


@pytest.mark.parametrize(
    ("period", "at"), [("3d", "18:00"), ("24h30m", "12:**"), ("7d12h", "mon **:00"), ("5h", "**:20")]
)
def test_counting_from_any_later_instant_gives_the_same_ticks(period, at):
    rule = every.rule(period, at, "Europe/Paris").anchored(NOON)
    straight = walk(rule, NOON, 50)

    for tick, following in pairwise(straight):
        restarts = (tick, tick + HOUR / 2, (tick + following) / 2, following - 0.001)
        assert {rule.after(restart) for restart in restarts} == {following}
        assert rule.before(following) == tick


def test_a_chain_of_a_hundred_years_is_not_walked():
    rule = every.rule("24h30m", "12:**", "UTC").anchored(NOON)
    # Each third day is left out, and 36,000 days are a multiple of three.
    far = rule.after(NOON) + 36_000 * DAY

    assert rule.after(far - HOUR) == far
    assert rule.before(far + 1) == far
