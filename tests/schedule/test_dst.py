"""When the clocks change, a fixed time runs once a day and an hourly one each elapsed hour: cron's rule."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mainspring.schedule import crontab, every

# Each row: what, the zone, the local midnight to begin at, and the UTC times of what runs from there on.
SPRING = [
    # Paris: 29 March 2026, 02:00 becomes 03:00, which is 01:00 UTC.
    ("30 2 * * *", "Europe/Paris", "2026-03-28", ["28 01:30", "29 01:00", "30 00:30"]),
    ("0 2 * * *", "Europe/Paris", "2026-03-28", ["28 01:00", "29 01:00", "30 00:00"]),
    ("30 1 * * *", "Europe/Paris", "2026-03-28", ["28 00:30", "29 00:30", "29 23:30"]),
    ("0 3 * * *", "Europe/Paris", "2026-03-28", ["28 02:00", "29 01:00", "30 01:00"]),
    ("15,45 2 * * *", "Europe/Paris", "2026-03-29", ["29 01:00", "30 00:15", "30 00:45"]),  # both in the gap: one run
    ("30 2,3 * * *", "Europe/Paris", "2026-03-29", ["29 01:00", "29 01:30", "30 00:30"]),
    ("0 * * * *", "Europe/Paris", "2026-03-29", ["29 00:00", "29 01:00", "29 02:00"]),
    ("*/30 * * * *", "Europe/Paris", "2026-03-29", ["28 23:30", "29 00:00", "29 00:30", "29 01:00"]),
    # New York: 8 March 2026, 02:00 becomes 03:00, which is 07:00 UTC.
    ("30 2 * * *", "America/New_York", "2026-03-07", ["07 07:30", "08 07:00", "09 06:30"]),
    ("0 3 * * *", "America/New_York", "2026-03-07", ["07 08:00", "08 07:00", "09 07:00"]),
    ("0 * * * *", "America/New_York", "2026-03-08", ["08 06:00", "08 07:00", "08 08:00"]),
    ("30 2 * * sun", "America/New_York", "2026-03-02", ["08 07:00", "15 06:30", "22 06:30"]),  # a week is not lost
]
AUTUMN = [
    # Paris: 25 October 2026, 03:00 becomes 02:00, which is 01:00 UTC.
    ("30 2 * * *", "Europe/Paris", "2026-10-24", ["24 00:30", "25 00:30", "26 01:30"]),
    ("0 2 * * *", "Europe/Paris", "2026-10-24", ["24 00:00", "25 00:00", "26 01:00"]),
    ("0 3 * * *", "Europe/Paris", "2026-10-24", ["24 01:00", "25 02:00", "26 02:00"]),
    ("15,45 2 * * *", "Europe/Paris", "2026-10-25", ["25 00:15", "25 00:45", "26 01:15"]),
    ("0 * * * *", "Europe/Paris", "2026-10-25", ["24 23:00", "25 00:00", "25 01:00", "25 02:00"]),
    ("*/30 2 * * *", "Europe/Paris", "2026-10-25", ["25 00:00", "25 00:30", "25 01:00", "25 01:30", "26 01:00"]),
    # New York: 1 November 2026, 02:00 becomes 01:00, which is 06:00 UTC.
    ("30 1 * * *", "America/New_York", "2026-10-31", ["31 05:30", "01 05:30", "02 06:30"]),
    ("0 2 * * *", "America/New_York", "2026-10-31", ["31 06:00", "01 07:00", "02 07:00"]),
    ("0 * * * *", "America/New_York", "2026-11-01", ["01 05:00", "01 06:00", "01 07:00"]),
]
ELSEWHERE = [
    # Beirut: 29 March 2026 has no hour after midnight.
    ("0 0 * * *", "Asia/Beirut", "2026-03-27", ["27 22:00", "28 22:00", "29 21:00"]),
    # Lord Howe Island: half an hour, 4 October 2026, 02:00 becomes 02:30, which is 15:30 UTC.
    ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03", ["02 15:45", "03 15:30", "04 15:15"]),
    ("* 2 * * *", "Australia/Lord_Howe", "2026-04-05", ["04 15:30", "04 15:31"]),  # cronsim begins at 02:30
    ("0,30 * * * *", "Australia/Lord_Howe", "2026-04-05", ["04 13:30", "04 14:00", "04 14:30", "04 15:00", "04 15:30"]),
    # Apia: 30 December 2011 is missing, all of it; the island had been a day behind.
    ("0 9 * * *", "Pacific/Apia", "2011-12-29", ["29 19:00", "30 10:00", "30 19:00"]),
    ("0 9 * * fri", "Pacific/Apia", "2011-12-24", ["30 10:00", "05 19:00"]),
    ("30 2 * * *", "UTC", "2026-03-29", ["29 02:30", "30 02:30"]),
]
SIX_FIELDS = [
    ("15 30 2 * * *", "Europe/Paris", "2026-03-28", ["28 01:30", "29 01:00", "30 00:30"]),
    ("15 30 2 * * *", "Europe/Paris", "2026-10-24", ["24 00:30", "25 00:30", "26 01:30"]),
    ("*/30 59 2 * * *", "Europe/Paris", "2026-10-25", ["25 00:59", "25 00:59", "25 01:59", "25 01:59", "26 01:59"]),
]


def ticks(rule, zone, day, count):
    """Return the UTC times of the first ticks from local midnight of *day*, that midnight not included."""
    t, found = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp(), []
    for _ in range(count):
        t = rule.after(t)
        found.append(datetime.fromtimestamp(t, UTC).strftime("%d %H:%M"))
    return found


@pytest.mark.parametrize(("expression", "zone", "day", "utc"), SPRING + AUTUMN + ELSEWHERE + SIX_FIELDS)
def test_cron_follows_the_clocks(expression, zone, day, utc):
    assert ticks(crontab.parse(expression, zone), zone, day, len(utc)) == utc


@pytest.mark.parametrize(
    ("at", "zone", "day", "utc"),
    [
        ("02:30", "Europe/Paris", "2026-03-28", ["28 01:30", "29 01:00", "30 00:30"]),
        ("02:30", "Europe/Paris", "2026-10-24", ["24 00:30", "25 00:30", "26 01:30"]),
        ("01:30", "America/New_York", "2026-10-31", ["31 05:30", "01 05:30", "02 06:30"]),
        (
            ["02:30", "03:00"],
            "Europe/Paris",
            "2026-03-29",
            ["29 01:00", "30 00:30", "30 01:00"],
        ),  # one instant, one run
    ],
)
def test_a_time_of_day_follows_the_clocks_as_cron_does(at, zone, day, utc):
    assert ticks(every.rule("1d", at, zone), zone, day, len(utc)) == utc


@pytest.mark.parametrize("at", ["02:00", "02:30", "03:00"])
@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut"])
def test_a_daily_time_runs_on_each_day_of_the_year_and_once(at, zone):
    rule, t = every.rule("1d", at, zone), datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)).timestamp()
    days = []
    for _ in range(365):
        t = rule.after(t)
        days.append(datetime.fromtimestamp(t, ZoneInfo(zone)).timetuple().tm_yday)

    assert days == list(range(1, 366))


def test_asked_within_the_second_pass_a_fixed_time_of_the_first_does_not_come_back():
    rule = crontab.parse("30 2 * * *", "Europe/Paris")
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC).timestamp()  # 02:10 for the second time

    assert datetime.fromtimestamp(rule.after(second_pass), UTC) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


def test_asked_within_the_second_pass_the_last_fixed_time_is_that_of_the_first():
    rule = crontab.parse("45 2 * * *", "Europe/Paris")
    second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC).timestamp()

    assert datetime.fromtimestamp(rule.before(second_pass), UTC) == datetime(2026, 10, 25, 0, 45, tzinfo=UTC)


# --- the other policies ------------------------------------------------------------


@pytest.mark.parametrize(
    ("dst", "expression", "day", "utc"),
    [
        ("skip", "30 2 * * *", "2026-03-28", ["28 01:30", "30 00:30", "31 00:30"]),
        ("skip", "30 2,3 * * *", "2026-03-29", ["29 01:30", "30 00:30"]),
        ("skip", "30 2 * * *", "2026-10-24", ["24 00:30", "25 00:30", "26 01:30"]),
        ("both", "30 2 * * *", "2026-10-24", ["24 00:30", "25 00:30", "25 01:30", "26 01:30"]),
        ("both", "15,45 2 * * *", "2026-10-25", ["25 00:15", "25 00:45", "25 01:15", "25 01:45", "26 01:15"]),
        ("both", "0 2,3 * * *", "2026-10-25", ["25 00:00", "25 01:00", "25 02:00", "26 01:00"]),
        ("both", "30 2 * * *", "2026-03-28", ["28 01:30", "29 01:00", "30 00:30"]),
        ("both", "every day at 2:30", "2026-10-25", ["25 00:30", "25 01:30", "26 01:30"]),
        # What goes by elapsed time does so, whichever it is.
        ("skip", "*/30 * * * *", "2026-03-29", ["28 23:30", "29 00:00", "29 00:30", "29 01:00"]),
        ("both", "0 * * * *", "2026-10-25", ["24 23:00", "25 00:00", "25 01:00", "25 02:00"]),
        ("vixie", "H/30 2 * * *", "2026-10-25", ["25 00:13", "25 00:43", "25 01:13", "25 01:43"]),
    ],
)
def test_a_policy_skips_what_is_missing_or_runs_twice_what_comes_twice(dst, expression, day, utc):
    rule = crontab.parse(expression, "Europe/Paris", name="report", dst=dst)

    assert ticks(rule, "Europe/Paris", day, len(utc)) == utc


# --- what a check tells before it happens --------------------------------------------


YEAR = [datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (2026, 2027)]


@pytest.mark.parametrize(
    ("expression", "zone", "found"),
    [
        ("30 2 * * *", "Europe/Paris", [("2026-03-29 02:30", "29 01:00")]),
        ("15,45 2 * * *", "Europe/Paris", [("2026-03-29 02:15", "29 01:00")]),
        ("every day at 2:15 and 9:00", "Europe/Paris", [("2026-03-29 02:15", "29 01:00")]),
        ("0 0 * * *", "Asia/Beirut", [("2026-03-29 00:00", "28 22:00")]),
        ("15 2 * * *", "Australia/Lord_Howe", [("2026-10-04 02:15", "03 15:30")]),
        ("30 2 * * *", "Africa/Casablanca", [("2026-03-22 02:30", "22 02:00")]),
        ("*/15 2 * * *", "Europe/Paris", [("2026-03-29 02:00", None)]),
        ("30 3 * * *", "Europe/Paris", []),
        ("30 2 * * mon", "Europe/Paris", []),
        ("30 * * * *", "Europe/Paris", []),
        ("0 */2 * * *", "Europe/Paris", []),
        ("30 2 * * *", "UTC", []),
    ],
)
def test_days_on_which_a_time_is_missing_are_named(expression, zone, found):
    gaps = crontab.in_gaps(crontab.parse(expression, zone), *YEAR)

    assert [(f"{gap.wall:%Y-%m-%d %H:%M}", _utc(gap.runs)) for gap in gaps] == found


def test_a_time_that_is_skipped_runs_never_that_day():
    (gap,) = crontab.in_gaps(crontab.parse("30 2 * * *", "Europe/Paris", dst="skip"), *YEAR)

    assert gap.runs is None


def _utc(t):
    return None if t is None else datetime.fromtimestamp(t, UTC).strftime("%d %H:%M")


def test_every_two_days_the_missing_and_the_repeated_hour_run_once():
    for day, utc in [
        ("2026-03-27", ["27 01:30", "29 01:00", "31 00:30"]),
        ("2026-10-23", ["23 00:30", "25 00:30", "27 01:30"]),
    ]:
        midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Paris")).timestamp()
        rule = every.rule("2d", "02:30", "Europe/Paris").anchored(midnight)

        assert ticks(rule, "Europe/Paris", day, 3) == utc


def test_a_plain_period_goes_by_elapsed_time():
    rule = every.rule("6h", None, "Europe/Paris").anchored(datetime(2026, 3, 28, 18, tzinfo=UTC).timestamp())

    assert ticks(rule, "UTC", "2026-03-29", 3) == ["29 06:00", "29 12:00", "29 18:00"]
