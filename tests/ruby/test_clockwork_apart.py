"""Where clockwork goes by when it began and when it looked, we go by the clock on the wall."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import every
from ruby.simulated import UTC, ours, theirs, wall

SECONDS = "%d %H:%M:%S"

# --- when it began ------------------------------------------------------------------------------

# Event, when a process begins, the end, what clockwork runs, what we run; the 2nd is a Monday.
RESTARTED = [
    (("1d", "12:00"), ["02T05:07", "02T12:00:30"], "03T00:00", ["02 12:00:00", "02 12:00:30"], ["02 12:00:00"]),
    (("2d", "12:00"), ["02T05:07", "03T05:07"], "05T00:00", ["02 12:00:00", "03 12:00:00"], ["02 12:00:00", "04 12:00:00"]),
    (("1h", "**:00"), ["02T09:30", "02T10:00:30"], "02T11:30", ["02 10:00:00", "02 10:00:30", "02 11:00:30"], ["02 10:00:00", "02 11:00:00"]),
    (("2h", "**:00"), ["02T09:30", "02T12:30"], "02T15:30", ["02 10:00:00", "02 12:00:00", "02 13:00:00", "02 15:00:00"], ["02 10:00:00", "02 12:00:00", "02 14:00:00"]),
    (("20m", "12:**"), ["02T11:00", "02T12:27"], "02T13:00", ["02 12:00:00", "02 12:20:00", "02 12:27:00", "02 12:47:00"], ["02 12:00:00", "02 12:20:00", "02 12:40:00"]),
    (("20m", "12:**"), ["02T12:07"], "03T12:10", ["02 12:07:00", "02 12:27:00", "02 12:47:00", "03 12:00:00"], ["02 12:20:00", "02 12:40:00", "03 12:00:00"]),
    (("2h", "mon **:00"), ["02T08:30", "02T11:30"], "02T14:30", ["02 09:00:00", "02 11:00:00", "02 12:00:00", "02 14:00:00"], ["02 10:00:00", "02 12:00:00", "02 14:00:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("event", "starts", "until", "expected", "found"), RESTARTED)
def test_clockwork_runs_again_or_shifts_after_a_restart(event, starts, until, expected, found):
    starts, until = [f"2026-02-{start}" for start in starts], f"2026-02-{until}"

    [ran] = theirs([event], UTC, starts, until, step=30)

    assert wall(ran, UTC, SECONDS) == expected
    assert wall(ours(event, UTC, starts[0], until), UTC, SECONDS) == found


def test_clockwork_loses_what_is_due_while_it_is_down_and_ours_still_names_it():
    event, starts, until = ("1d", "12:00"), ["2026-02-02T12:01"], "2026-02-03T00:00"

    assert theirs([event], UTC, starts, until) == [[]]
    assert wall(ours(event, UTC, "2026-02-01T13:00", until), UTC, SECONDS) == ["02 12:00:00"]


# --- when it looked -------------------------------------------------------------------------------


def test_clockwork_stays_as_late_as_it_ever_looked():
    event, starts, until = ("1d", "12:00"), ["2026-02-02T11:59"], "2026-02-04T12:01"
    late = [("2026-02-02T12:00", "2026-02-02T12:00:41")]

    [ran] = theirs([event], UTC, starts, until, step=1, minutes=[0], late=late)

    assert wall(ran, UTC, SECONDS) == ["02 12:00:41", "03 12:00:41", "04 12:00:41"]
    assert wall(ours(event, UTC, starts[0], until), UTC, SECONDS) == ["02 12:00:00", "03 12:00:00", "04 12:00:00"]


def test_clockwork_loses_a_run_if_it_looks_a_little_earlier_than_the_day_before():
    event, starts, until = ("1d", "12:00"), ["2026-02-02T11:59"], "2026-02-04T12:01"
    late = [("2026-02-02T12:00", "2026-02-02T12:00:30")]

    [ran] = theirs([event], UTC, starts, until, step=60, late=late)

    assert wall(ran, UTC, SECONDS) == ["02 12:00:30", "04 12:00:00"]
    assert len(ours(event, UTC, starts[0], until)) == 3


def test_clockwork_drifts_by_what_a_period_is_longer_than_the_distance():
    """An hour and a second: a second later each hour, until the minute is over and a run is left out."""
    event, starts, until = ("3601s", "**:00"), ["2026-02-02T00:00"], "2026-02-05T00:00"

    [ran] = theirs([event], UTC, starts, until, step=1, minutes=[0])

    assert wall(ran[:3], UTC, SECONDS) == ["02 00:00:00", "02 01:00:01", "02 02:00:02"]
    assert {later - t for t, later in pairwise(ours(event, UTC, starts[0], until))} == {7200}


def test_clockwork_has_no_fractions_of_a_second():
    event, starts, until = ("1.5s", "12:00"), ["2026-02-02T11:59"], "2026-02-02T12:01"

    [ran] = theirs([event], UTC, starts, until, step=1)

    assert len(ran) == 30
    assert len(ours(event, UTC, starts[0], until)) == 40


def test_clockwork_keeps_its_distance_where_clocks_change_by_half_an_hour_and_not_its_phase():
    zone, starts, until = "Australia/Lord_Howe", ["2026-04-04T23:00"], "2026-10-04T10:00"

    ran, hourly = theirs([("2h", "**:00"), ("1h", "**:45")], zone, starts, until, minutes=[0, 15, 30, 45])

    # On 4 October, 02:00 becomes 02:30.
    found = ours(("2h", "**:00"), zone, starts[0], until)
    assert wall(ran[-4:], zone, "%H:%M") == ["01:00", "04:00", "06:00", "08:00"]
    assert wall(found[-5:], zone, "%H:%M") == ["01:00", "03:00", "05:00", "07:00", "09:00"]
    # The minute comes twice within the hour.
    extra = sorted({*ours(("1h", "**:45"), zone, starts[0], until)} - {*hourly})
    assert wall(extra, zone) == ["Sun 04-05 01:45", "Sun 10-04 02:45"]


# --- what is read -----------------------------------------------------------------------------------

READ = ["12:00", "9:05", "**:15", "*:15", "12:**", "Monday 12:30", "monday 12:30", "Mon *:00", "mon 12:**"]
REFUSED = ["24:00", "25:00", "**:60", "**:**", "*:**", "12:*", "noon", "12", "12:5", "12:00:00", "", " 12:00", "12:00 mon", "day 12:00"]  # fmt: skip
IMPOSSIBLE = ["12:60", "mon 12:60", "12:99"]


def read_by_us(texts):
    return [is_read(at) for at in texts]


def is_read(at):
    try:
        every.rule("1d", at, UTC)
    except InvalidSchedule:
        return False
    return True


def read_by_them(texts):
    return theirs([("1d", at) for at in texts], UTC, ["2026-02-02T00:00"], "2026-02-04T00:00")


def test_what_clockwork_reads_is_read_and_what_it_refuses_is_refused():
    assert read_by_us(READ) == [ran is not None for ran in read_by_them(READ)] == [True] * len(READ)
    assert read_by_us(REFUSED) == [ran is not None for ran in read_by_them(REFUSED)] == [False] * len(REFUSED)


def test_clockwork_accepts_impossible_times_and_never_runs_them():
    assert read_by_them(IMPOSSIBLE) == [[], [], []]
    assert read_by_us(IMPOSSIBLE) == [False, False, False]


def test_clockwork_refuses_a_day_in_capitals_and_accepts_two_days():
    capitals, two = read_by_them(["MON 12:00", "mon tue 12:00"])

    assert capitals is None
    assert wall(two, UTC) == ["Mon 02-02 12:00"]
    assert read_by_us(["MON 12:00", "mon tue 12:00"]) == [True, False]
