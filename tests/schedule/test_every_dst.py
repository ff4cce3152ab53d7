"""When the clocks change, a time of day runs once, a distance of days keeps its hour, and the rest goes by elapsed time.

The reference below is the slow way: it looks at each minute, as clockwork does, and knows nothing of the rules.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import every
from mainspring.schedule.zones import DSTS

MINUTE, HOUR, DAY = 60, 3600, 86_400

# Each row: period, at, the zone, the local time at which the entry is registered, and the UTC times that follow.
# Paris: 29 March 2026, 02:00 becomes 03:00, which is 01:00 UTC; 25 October, 03:00 becomes 02:00, which is 01:00 UTC.
SPRING = [
    ("1d", "02:30", "Europe/Paris", "2026-03-28", ["28 01:30", "29 01:00", "30 00:30"]),
    ("12h", "02:30", "Europe/Paris", "2026-03-28", ["28 01:30", "29 01:00", "30 00:30"]),
    ("1w", "sun 02:30", "Europe/Paris", "2026-03-28", ["29 01:00", "05 00:30"]),
    ("2d", "02:30", "Europe/Paris", "2026-03-27", ["27 01:30", "29 01:00", "31 00:30"]),
    ("2d", "02:30", "Europe/Paris", "2026-03-29T03:00", ["29 01:00", "31 00:30"]),  # the very moment
    ("2d", "12:00", "Europe/Paris", "2026-03-27", ["27 11:00", "29 10:00", "31 10:00"]),
    ("10d", "sun 12:00", "Europe/Paris", "2026-03-09", ["15 11:00", "29 10:00", "12 10:00"]),
    ("1d", "02:**", "Europe/Paris", "2026-03-28", ["28 01:00", "29 01:00", "30 00:00"]),
    ("1w", "sun **:00", "Europe/Paris", "2026-03-15T12:00", ["15 11:00", "22 11:00", "29 10:00"]),
    # by elapsed time: nothing in an hour that is missing
    ("20m", "02:**", "Europe/Paris", "2026-03-28", ["28 01:00", "28 01:20", "28 01:40", "30 00:00"]),
    ("20m", "03:**", "Europe/Paris", "2026-03-29", ["29 01:00", "29 01:20", "29 01:40", "30 01:00"]),
    ("90m", "sun **:00", "Europe/Paris", "2026-03-28", ["28 23:00", "29 01:00", "29 03:00"]),
    ("2h", "**:30", "Europe/Paris", "2026-03-29", ["28 23:30", "29 01:30", "29 03:30"]),
    ("1d", "**:30", "Europe/Paris", "2026-03-28T12:00", ["28 11:30", "29 11:30", "30 11:30"]),
    # a minute that is missing is made up for as a whole
    ("30s", "02:30", "Europe/Paris", "2026-03-29", ["29 01:00", "29 01:00:30", "30 00:30", "30 00:30:30"]),
    ("30s", "*:59", "Europe/Paris", "2026-03-29T01:30", ["29 00:59", "29 00:59:30", "29 01:59", "29 01:59:30"]),
]  # fmt: skip
AUTUMN = [
    ("1d", "02:30", "Europe/Paris", "2026-10-24", ["24 00:30", "25 00:30", "26 01:30"]),
    ("30m", "02:30", "Europe/Paris", "2026-10-24", ["24 00:30", "25 00:30", "26 01:30"]),
    ("30s", "02:30", "Europe/Paris", "2026-10-25", ["25 00:30", "25 00:30:30", "26 01:30"]),
    ("2d", "02:30", "Europe/Paris", "2026-10-23", ["23 00:30", "25 00:30", "27 01:30"]),
    ("2d", "12:00", "Europe/Paris", "2026-10-23", ["23 10:00", "25 11:00", "27 11:00"]),
    ("1d", "02:**", "Europe/Paris", "2026-10-24", ["24 00:00", "25 00:00", "26 01:00"]),
    ("1w", "sun **:00", "Europe/Paris", "2026-10-18T12:00", ["18 10:00", "25 11:00", "01 11:00"]),
    # by elapsed time: in both passes of an hour that comes twice
    ("40m", "02:**", "Europe/Paris", "2026-10-25", ["25 00:00", "25 00:40", "25 01:20", "26 01:00"]),
    ("30m", "01:**", "Antarctica/Troll", "2026-10-25", ["24 23:00", "24 23:30", "25 01:00", "25 01:30", "26 01:00"]),
    ("90m", "sun **:00", "Europe/Paris", "2026-10-25", ["24 22:00", "25 00:00", "25 02:00", "25 04:00"]),
    ("2h", "**:30", "Europe/Paris", "2026-10-25", ["24 22:30", "25 00:30", "25 02:30"]),
    ("30s", "*:30", "Europe/Paris", "2026-10-25T02:00", ["25 00:30", "25 00:30:30", "25 01:30", "25 01:30:30"]),
]
ELSEWHERE = [
    # Beirut: 29 March 2026 has no hour after midnight.
    ("2d", "00:30", "Asia/Beirut", "2026-03-27", ["26 22:30", "28 22:00", "30 21:30"]),
    ("90m", "sun **:30", "Asia/Beirut", "2026-03-28", ["28 22:30", "29 00:30", "29 02:30"]),
    # Nuuk: on Saturday, 28 March 2026, 23:00 becomes midnight, which is 01:00 UTC: made up for on Sunday.
    ("2d", "23:30", "America/Nuuk", "2026-03-26", ["27 01:30", "29 01:00", "31 00:30"]),
    ("30s", "sat 23:30", "America/Nuuk", "2026-03-28", ["29 01:00", "29 01:00:30", "05 00:30"]),
    # Lord Howe Island: half an hour, 4 October, 02:00 becomes 02:30; 5 April, 02:00 becomes 01:30; which is 15:30 and 15:00 UTC.
    ("2d", "02:15", "Australia/Lord_Howe", "2026-10-02", ["01 15:45", "03 15:30", "05 15:15"]),
    ("2h", "**:00", "Australia/Lord_Howe", "2026-10-04", ["03 13:30", "03 16:00", "03 18:00"]),
    ("2h", "**:00", "Australia/Lord_Howe", "2026-04-05", ["04 13:00", "04 15:30", "04 17:30"]),
]  # fmt: skip
OTHERWISE = [
    ("skip", "1d", "02:30", "Europe/Paris", "2026-03-28", ["28 01:30", "30 00:30", "31 00:30"]),
    ("skip", "2d", "02:30", "Europe/Paris", "2026-03-27", ["27 01:30", "31 00:30", "02 00:30"]),
    ("skip", "2d", "02:30", "Europe/Paris", "2026-03-29", ["30 00:30", "01 00:30"]),  # the first one that comes
    ("skip", "30s", "02:30", "Europe/Paris", "2026-03-29", ["30 00:30", "30 00:30:30"]),
    ("skip", "2d", "02:30", "Europe/Paris", "2026-10-23", ["23 00:30", "25 00:30", "27 01:30"]),
    ("both", "1d", "02:30", "Europe/Paris", "2026-10-24", ["24 00:30", "25 00:30", "25 01:30", "26 01:30"]),
    ("both", "2d", "02:30", "Europe/Paris", "2026-10-23", ["23 00:30", "25 00:30", "25 01:30", "27 01:30"]),
    ("both", "30s", "02:30", "Europe/Paris", "2026-10-25", ["25 00:30", "25 00:30:30", "25 01:30", "25 01:30:30", "26 01:30"]),
    ("both", "2d", "02:30", "Europe/Paris", "2026-03-27", ["27 01:30", "29 01:00", "31 00:30"]),
]  # fmt: skip


def instant(local, zone):
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()


def utc(ticks):
    return [datetime.fromtimestamp(t, UTC).strftime("%d %H:%M:%S").removesuffix(":00") for t in ticks]


def onward(rule, start, count):
    found = []
    for _ in range(count):
        start = rule.after(start)
        found.append(start)
    return found


@pytest.mark.parametrize(("period", "at", "zone", "registered", "expected"), SPRING + AUTUMN + ELSEWHERE)
def test_a_period_with_at_follows_the_clocks(period, at, zone, registered, expected):
    start = instant(registered, zone)
    rule = every.rule(period, at, zone).anchored(start)

    assert utc(onward(rule, start - 0.001, len(expected))) == expected


@pytest.mark.parametrize(("dst", "period", "at", "zone", "registered", "expected"), OTHERWISE)
def test_another_rule_may_be_chosen(dst, period, at, zone, registered, expected):
    start = instant(registered, zone)
    rule = every.rule(period, at, zone, dst=dst).anchored(start)

    assert utc(onward(rule, start - 0.001, len(expected))) == expected


@pytest.mark.parametrize("dst", ["skip", "both"])
@pytest.mark.parametrize(("period", "at"), [("20m", "02:**"), ("90m", "sun **:00"), ("2h", "**:30"), ("30s", "*:30")])
def test_what_goes_by_elapsed_time_does_so_by_any_rule(dst, period, at):
    start = instant("2026-01-01", "Europe/Paris")

    one, other = (every.rule(period, at, "Europe/Paris", dst=each).anchored(start) for each in ("vixie", dst))

    for day in ("2026-03-28T12:00", "2026-10-24T12:00"):
        t = instant(day, "Europe/Paris")
        assert onward(one, t, 300) == onward(other, t, 300)


@pytest.mark.parametrize("period", ["1d", "2d", "59s"])
def test_asked_within_the_first_pass_both_still_has_the_second(period):
    rule = every.rule(period, "02:30", "Europe/Paris", dst="both").anchored(instant("2026-10-25", "Europe/Paris"))
    first = instant("2026-10-25T02:30", "Europe/Paris")

    assert rule.after(first + 10 * MINUTE) == first + HOUR
    assert rule.before(first + 50 * MINUTE) <= first + MINUTE


@pytest.mark.parametrize(
    ("day", "period", "runs"),
    [
        ("2026-03-22", "90m", 12),
        ("2026-03-29", "90m", 12),
        ("2026-10-25", "90m", 13),
        ("2026-03-22", "23h", 2),
        ("2026-03-29", "23h", 1),
        ("2026-10-25", "12h", 3),
    ],
)
def test_a_sunday_has_as_many_runs_as_it_has_room_for(day, period, runs):
    rule, midnight = every.rule(period, "sun **:00", "Europe/Paris"), instant(day, "Europe/Paris")

    ticks = onward(rule, midnight - 0.001, runs + 1)

    assert [t < midnight + 6 * DAY for t in ticks] == [True] * runs + [False]


@pytest.mark.parametrize("at", [None, "02:30", "12:**"])
def test_an_unknown_rule_is_refused(at):
    with pytest.raises(InvalidSchedule, match="dst: write one of 'vixie', 'skip', 'both'"):
        every.rule("1d", at, "UTC", dst="vixy")


# --- against a reference that looks at each minute ------------------------------------------------

# Some days on which clocks change, in zones that do it in all ways there are.
CHANGES = [
    ("UTC", "2026-03-29"),
    ("Asia/Kolkata", "2026-03-29"),
    ("Europe/Paris", "2026-03-29"),
    ("Europe/Paris", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Asia/Beirut", "2026-03-29"),
    ("Asia/Beirut", "2026-10-25"),
    ("Africa/Cairo", "2026-04-24"),
    ("America/Havana", "2026-11-01"),
    ("America/Nuuk", "2026-03-28"),
    ("America/Nuuk", "2026-10-24"),
    ("Antarctica/Troll", "2026-03-29"),
    ("Antarctica/Troll", "2026-10-25"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Pacific/Chatham", "2026-04-05"),
    ("Pacific/Chatham", "2026-09-27"),
]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOURS_OF_CHANGE = [0, 1, 2, 3, 23]
TIMES = st.tuples(
    st.none() | st.sampled_from([5, 6]),
    st.none() | st.sampled_from([*HOURS_OF_CHANGE, 12]),
    st.none() | st.sampled_from([0, 15, 30, 59]),
).filter(lambda at: at[1:] != (None, None))
PERIODS = st.one_of(
    st.sampled_from([MINUTE, 20 * MINUTE, HOUR, 90 * MINUTE, 2 * HOUR, 7 * HOUR, DAY, 25 * HOUR, 2 * DAY, 7 * DAY]),
    st.integers(1, 180).map(lambda minutes: minutes * MINUTE),
    st.integers(1, 12 * 24).map(lambda hours: hours * HOUR),
)


def written(at):
    weekday, hour, minute = at
    day = "" if weekday is None else f"{DAYS[weekday]} "
    return f"{day}{'**' if hour is None else hour}:{'**' if minute is None else f'{minute:02}'}"


def fits(at, local):
    weekday, hour, minute = at
    return minute in {None, local.minute} and hour in {None, local.hour} and weekday in {None, local.weekday()}


@cache
def looks(name, day):
    """Return what clocks show at each minute of the fortnights around a day: instants to times, in order."""
    zone, noon = ZoneInfo(name), int(instant(f"{day}T12:00", name))
    minutes = range(noon - 14 * DAY, noon + 14 * DAY, MINUTE)
    return {t: datetime.fromtimestamp(t, zone).replace(tzinfo=None) for t in minutes}


def by_looking(at, period, looks, start):
    """Return what runs if one looks at each minute, and the last run is a *period* ago or more."""
    found, last = [], -math.inf
    for t, wall in looks.items():
        if t >= start and fits(at, wall) and t - last >= period:
            found.append(t)
            last = t
    return found


def by_calendar(at, period, looks, start, dst):
    """Return the same if one looks at a calendar without a zone; its times run when clocks show them."""
    shown = {}
    for t, wall in looks.items():
        shown.setdefault(wall, []).append(t)

    def runs(wall):
        if wall in shown:
            return shown[wall] if dst == "both" else shown[wall][:1]
        # A minute that is missing runs with the first one that follows.
        return [] if dst == "skip" else [min(t for later, times in shown.items() for t in times if later > wall)]

    found, last, wall, end = [], None, min(shown), max(shown)
    while wall < end:
        if (
            fits(at, wall)
            and (last is None or wall - last >= timedelta(seconds=period))
            and min(runs(wall), default=0) >= start
        ):
            found.extend(runs(wall))
            last = wall
        wall += timedelta(minutes=1)
    return found


def reference(at, period, looks, start, dst):
    is_fixed = None not in at[1:]
    is_hourly = at[:2] == (None, None)
    if is_hourly or (period < DAY and not is_fixed):
        return by_looking(at, period, looks, start)
    return by_calendar(at, period, looks, start, dst)


def backward(rule, end, count):
    found = []
    for _ in range(count):
        end = rule.before(end)
        found.append(end)
    return found


@settings(max_examples=40, deadline=None)
@given(
    at=TIMES,
    period=PERIODS,
    change=st.sampled_from(CHANGES),
    minutes=st.integers(0, 9 * 24 * 60),
    dst=st.sampled_from(DSTS),
)
def test_no_tick_is_missing_and_none_too_many(at, period, change, minutes, dst):
    name, day = change
    # Where clocks change by half an hour, two minutes of the same name can be closer than an hour.
    assume(name != "Australia/Lord_Howe" or at[1] is not None)
    start = instant(day, name) - 11 * DAY + minutes * MINUTE
    end = instant(day, name) + 11 * DAY
    rule = every.rule(period, written(at), name, dst=dst).anchored(start)

    expected = [t for t in reference(at, period, looks(name, day), start, dst) if t < end]

    # Windows of ours begin with their hour or day; the first one of a clock that looks begins with that clock.
    start += DAY
    expected = [t for t in expected if t >= start]
    assert utc(takewhile(lambda t: t < end, onward(rule, start - 0.001, len(expected) + 1))) == utc(expected)
    assert utc(backward(rule, end, len(expected))) == utc(reversed(expected))
