"""A clockwork file can be taken over: what runs when is what clockwork runs, but where clocks change.

It is looked at where something can happen: for the year 2026 at the minutes that are named, and within
windows at each fifth; for two fortnights at each minute, for two days at each second.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from ruby import simulated
from ruby.simulated import PARIS, UTC, instant

KOLKATA = "Asia/Kolkata"

TIMES = [
    *[(period, "12:00") for period in ("5m", "1h", "12h", "1d", "25h", "2d", "1w", "10d")],
    *[(period, "02:30") for period in ("30m", "12h", "1d", "2d")],
    *[(period, at) for period in ("23h", "1d", "3d") for at in ("9:05", "00:00", "23:45")],
    *[(period, "**:00") for period in ("30m", "61m", "90m", "7h", "1d", "36h", "1w")],
    *[(period, at) for period in ("3h", "1d") for at in ("*:15", "**:30")],
    *[(period, "Monday 12:30") for period in ("1h", "1d", "1w", "10d", "2w")],
    *[(period, "sun 02:30") for period in ("1h", "1d", "1w")],
    *[(period, "mon **:00") for period in ("30m", "1h", "90m", "7h", "1d", "1w")],
    *[(period, "Sunday *:30") for period in ("30m", "1h", "90m", "7h", "1d")],
    ("1d", ("06:00", "18:00")),
    ("7h", ("**:00", "**:30")),
    ("2d", ("06:00", "7:00", "08:00")),
]
WINDOWS = [
    *[(period, "12:**") for period in ("10m", "25m", "1h", "90m", "23h", "1d", "24h30m", "36h", "1w")],
    *[(period, "02:**") for period in ("10m", "25m", "1h", "2h", "1d")],
    *[(period, "fri 23:**") for period in ("20m", "1d", "1w")],
    ("1h", ("mon 09:00", "tue **:30", "20:**")),
]
YEAR = [*TIMES, *WINDOWS]
FORTNIGHT = [
    *[(period, "12:**") for period in ("1m", "7m", "24h1m")],
    *[(period, at) for period in ("1m", "59m", "61m", "121m") for at in ("02:**", "**:37", "mon **:37", "02:37")],
]
DAYS = [
    *[(period, "12:00") for period in ("1s", "10s", "59s", "60s")],
    *[(period, at) for period in ("7s", "10s") for at in ("**:15", "12:**", "03:**", "sun 09:30", "Sunday *:30")],
    *[(period, "12:**") for period in ("61s", "90s")],
]
#: From when to when, and the events with the way of looking at them.
SPANS = {
    "year": (
        ("2026-01-01T05:05", "2027-01-01T00:00"),
        [(TIMES, {"minutes": [0, 5, 15, 30, 45]}), (WINDOWS, {"step": 300})],
    ),
    "spring": (("2026-03-20T05:05", "2026-04-03T00:00"), [(FORTNIGHT, {})]),
    "autumn": (("2026-10-16T05:05", "2026-10-30T00:00"), [(FORTNIGHT, {})]),
    "days": (("2026-03-28T05:05", "2026-03-30T00:00"), [(DAYS, {"step": 1})]),
}
LOOKED_AT = [
    *[("year", zone) for zone in (UTC, PARIS)],
    *[(span, zone) for span in ("spring", "autumn") for zone in (PARIS, KOLKATA)],
    ("days", PARIS),
]

# --- where it differs -------------------------------------------------------------------

# In Paris the night to Sunday, 29 March 2026, has no hour from two to three; the one to 25 October has two of them.
LOST_DAYS = {
    ("1d", "12:00"): ["Sun 03-29 12:00"],
    ("1d", "9:05"): ["Sun 03-29 09:05"],
    ("1d", "00:00"): ["Mon 03-30 00:00"],
    ("1d", "23:45"): ["Sun 03-29 23:45"],
    ("1d", "02:30"): ["Sun 03-29 03:00"],
    ("1d", "12:**"): ["Sun 03-29 12:00"],
    ("1d", "02:**"): ["Sun 03-29 03:00"],
    ("1d", ("06:00", "18:00")): ["Sun 03-29 06:00", "Sun 03-29 18:00"],
}
LOST_WEEKS = {
    ("1w", "Monday 12:30"): ["Mon 03-30 12:30"],
    ("1w", "sun 02:30"): ["Sun 03-29 03:00"],
    ("1w", "fri 23:**"): ["Fri 04-03 23:00"],
}
MISSING_HOUR = [("12h", "02:30"), ("1d", "sun 02:30")]
MISSING_MINUTE = [(period, "02:37") for period in ("1m", "59m", "61m", "121m")]
# The days between two runs, and where clockwork puts in another day or week.
COUNTED = {
    ("2d", "12:00"): (2, 3),
    ("2d", "02:30"): (2, 3),
    ("2d", ("06:00", "7:00", "08:00")): (2, 3),
    ("3d", "9:05"): (3, 4),
    ("3d", "00:00"): (3, 4),
    ("3d", "23:45"): (3, 4),
    ("10d", "12:00"): (10, 11),
    ("1w", "12:00"): (7, 8),
    ("1w", "12:**"): (7, 8),
    ("2w", "Monday 12:30"): (14, 21),
}
MOVED_IN_THE_DAY = ("1w", "mon **:00")
MOVED_IN_THE_WINDOW = ("24h1m", "12:**")
# Runs of clockwork that are none of ours; the second kind counts on from there.
REPEATED_HOUR = {("30m", "02:30"): ["Sun 10-25 02:30"], ("1h", "sun 02:30"): ["Sun 10-25 02:30"]}
LONG_DAY = {("25h", "12:00"): "Sun 10-25 12:00", ("1d", "Sunday *:30"): "Sun 10-25 23:30"}
DIFFERENT = {
    *(LOST_DAYS | LOST_WEEKS | COUNTED | REPEATED_HOUR | LONG_DAY),
    *MISSING_HOUR,
    *MISSING_MINUTE,
    MOVED_IN_THE_DAY,
    MOVED_IN_THE_WINDOW,
}


@pytest.fixture(scope="module")
def theirs(once):
    """Give what clockwork runs, by span, zone and event."""

    def one(looked_at):
        span, zone = looked_at
        (start, until), groups = SPANS[span]
        return [ran for events, how in groups for ran in simulated.theirs(events, zone, [start], until, **how)]

    with ThreadPoolExecutor(2) as pool:
        ran = once("clockwork", lambda: list(pool.map(one, LOOKED_AT)))
    events = {span: [event for group, _ in groups for event in group] for span, (_, groups) in SPANS.items()}
    return {place: dict(zip(events[place[0]], each, strict=True)) for place, each in zip(LOOKED_AT, ran, strict=True)}


def ours(span, zone, event, dst="vixie"):
    return list(simulated.ours(event, zone, *SPANS[span][0], dst))


def wall(ticks, form="%a %m-%d %H:%M"):
    return simulated.wall(ticks, PARIS, form)


def without(some, others):
    return sorted(set(some) - set(others))


def days_between(ticks):
    days = sorted({datetime.fromtimestamp(t, ZoneInfo(PARIS)).toordinal() for t in ticks})
    return {later - day for day, later in pairwise(days)}


# --- the same ---------------------------------------------------------------------------

SAME = [
    (span, zone, event)
    for span, zone in LOOKED_AT
    for events, _how in SPANS[span][1]
    for event in events
    if zone != PARIS or event not in DIFFERENT
]


def test_enough_is_looked_at():
    assert len({event for span, zone, event in SAME if (span, zone) == ("year", UTC)}) >= 70
    assert len({event for span, zone, event in SAME if (span, zone) == ("year", PARIS)}) >= 40


@pytest.mark.parametrize(("span", "zone", "event"), SAME)
def test_an_entry_runs_when_clockwork_runs_it(theirs, span, zone, event):
    expected = theirs[span, zone][event]

    assert expected
    assert ours(span, zone, event) == expected


@pytest.mark.parametrize("event", sorted(DIFFERENT.intersection(YEAR), key=str))
def test_until_clocks_change_for_the_first_time_nothing_differs(theirs, event):
    change = instant("2026-03-29T03:00", PARIS)

    expected = [t for t in theirs["year", PARIS][event] if t < change]

    assert len(expected) > 5
    assert [t for t in ours("year", PARIS, event) if t < change] == expected


# --- in spring ----------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "lost"), LOST_DAYS.items())
def test_clockwork_loses_a_run_of_each_daily_entry_in_spring(theirs, event, lost):
    """A day of 23 hours is none to it."""
    found, expected = ours("year", PARIS, event), theirs["year", PARIS][event]

    assert wall(without(found, expected)) == lost
    assert without(expected, found) == []
    assert days_between(found) == {1}


@pytest.mark.parametrize(("event", "lost"), LOST_WEEKS.items())
def test_clockwork_loses_a_week_of_each_weekly_entry_in_spring(theirs, event, lost):
    found, expected = ours("year", PARIS, event), theirs["year", PARIS][event]

    assert wall(without(found, expected)) == lost
    assert without(expected, found) == []
    assert days_between(found) == {7}
    assert days_between(expected) == {7, 14}


@pytest.mark.parametrize("event", MISSING_HOUR)
def test_clockwork_does_not_run_what_is_in_the_missing_hour(theirs, event):
    found, expected = ours("year", PARIS, event), theirs["year", PARIS][event]

    assert wall(without(found, expected)) == ["Sun 03-29 03:00"]
    assert without(expected, found) == []
    assert ours("year", PARIS, event, dst="skip") == expected


@pytest.mark.parametrize("event", MISSING_MINUTE)
def test_nor_does_a_shorter_period_help_it(theirs, event):
    found, expected = ours("spring", PARIS, event), theirs["spring", PARIS][event]

    assert wall(without(found, expected)) == ["Sun 03-29 03:00"]
    assert ours("spring", PARIS, event, dst="skip") == expected


@pytest.mark.parametrize(("event", "days"), COUNTED.items())
def test_clockwork_counts_days_and_weeks_anew_after_spring(theirs, event, days):
    counted, shifted = days

    assert days_between(ours("year", PARIS, event)) == {counted}
    assert days_between(theirs["year", PARIS][event]) == {counted, shifted}


def test_clockwork_moves_a_weekly_entry_within_its_day_by_an_hour_until_autumn(theirs):
    found, expected = ours("year", PARIS, MOVED_IN_THE_DAY), theirs["year", PARIS][MOVED_IN_THE_DAY]

    assert set(wall(found, "%a %H:%M")) == {"Mon 00:00"}
    moved = without(expected, found)
    assert set(wall(moved, "%a %H:%M")) == {"Mon 01:00"}
    assert (wall(moved)[0], wall(moved)[-1]) == ("Mon 03-30 01:00", "Mon 10-19 01:00")


@pytest.mark.parametrize(("span", "day"), [("spring", "Sun 03-29"), ("autumn", "Sun 10-25")])
def test_clockwork_begins_a_window_anew_where_clocks_change(theirs, span, day):
    """A day and a minute after 12:08 it is 12:09, on the wall."""
    found, expected = ours(span, PARIS, MOVED_IN_THE_WINDOW), theirs[span, PARIS][MOVED_IN_THE_WINDOW]

    assert f"{day} 12:09" in wall(found)
    assert f"{day} 12:09" not in wall(expected)


# --- in autumn ----------------------------------------------------------------------------


@pytest.mark.parametrize(("event", "twice"), REPEATED_HOUR.items())
def test_clockwork_runs_a_short_period_twice_in_the_repeated_hour(theirs, event, twice):
    found, expected = ours("year", PARIS, event), theirs["year", PARIS][event]

    assert wall(without(expected, found)) == twice
    assert without(expected, ours("year", PARIS, event, dst="both")) == []
    assert wall(without(found, expected)) == ["Sun 03-29 03:00"]


@pytest.mark.parametrize("event", [event for event in MISSING_MINUTE if event[0] in {"1m", "59m"}])
def test_and_so_it_does_within_a_minute(theirs, event):
    assert ours("autumn", PARIS, event, dst="both") == theirs["autumn", PARIS][event]
    assert wall(without(theirs["autumn", PARIS][event], ours("autumn", PARIS, event))) == ["Sun 10-25 02:37"]


@pytest.mark.parametrize(("event", "run"), LONG_DAY.items())
def test_clockwork_finds_room_for_a_run_more_in_a_day_of_25_hours(theirs, event, run):
    """A day and an hour after noon it is one o'clock, on the wall."""
    found, expected = ours("year", PARIS, event), theirs["year", PARIS][event]

    assert wall(without(expected, found))[0] == run
