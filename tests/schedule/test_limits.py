"""Within its limits a rule has exactly those of its ticks that lie in them, looked at from either side."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring.schedule import crontab, options
from mainspring.schedule.interval import Interval
from mainspring.schedule.limits import MOST, Day, Limited, Matching

PARIS = ZoneInfo("Europe/Paris")
HOUR, DAY = 3600.0, 86_400.0


def at(text, zone="UTC"):
    return datetime.fromisoformat(text).replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone)).timestamp()


def limited(rule, *, start=None, end=None, exclude=(), tz="UTC"):
    """Return *rule* within limits, as an entry has it."""
    return options.limited(rule, start, end, tuple(exclude), tz)


def ticks(rule, begin, end):
    """Return all ticks of *rule* from *begin* to *end*, exclusive; the same in both directions."""
    forth, tick = [], rule.after(begin - 0.001)
    while tick is not None and tick < end:
        forth.append(tick)
        tick = rule.after(tick)
    back, tick = [], rule.before(end)
    while tick is not None and tick >= begin:
        back.append(tick)
        tick = rule.before(tick)
    assert forth == back[::-1]
    return forth


def walls(found, zone):
    return [datetime.fromtimestamp(tick, ZoneInfo(zone)).strftime("%d %H:%M") for tick in found]


# --- start and end ----------------------------------------------------------------------


def test_no_tick_lies_before_the_start_or_after_the_end_and_both_may_be_ticks():
    rule = limited(crontab.parse("0 * * * *", "UTC"), start=at("2026-12-01T09:00"), end=at("2026-12-01T12:00"))

    found = ticks(rule, at("2026-11-01"), at("2027-01-01"))

    assert walls(found, "UTC") == ["01 09:00", "01 10:00", "01 11:00", "01 12:00"]
    assert rule.after(found[-1]) is None
    assert rule.before(found[0]) is None


def test_a_period_counts_from_its_start_if_it_was_anchored_before():
    rule = limited(Interval(HOUR), start=1000.0)

    assert rule.anchored(10.0).after(0.0) == 1000.0
    assert rule.anchored(1500.0).after(0.0) == 1500.0


def test_a_rule_without_limits_stays_what_it_is():
    rule = Interval(HOUR)

    assert limited(rule) is rule


# --- days -------------------------------------------------------------------------------


def test_no_tick_lies_on_an_excluded_day_and_the_others_stay():
    rule = limited(crontab.parse("0 */8 * * *", "UTC"), exclude=["2026-12-25"])

    found = ticks(rule, at("2026-12-24T12:00"), at("2026-12-26T12:00"))

    assert walls(found, "UTC") == ["24 16:00", "26 00:00", "26 08:00"]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Paris", "2026-03-29", 23),  # spring
        ("Europe/Paris", "2026-10-25", 25),  # autumn
        ("Africa/Cairo", "2026-04-24", 23),  # its midnight is missing
        ("America/Havana", "2026-11-01", 25),  # its midnight comes twice
        ("Asia/Beirut", "2026-10-24", 25),  # at its end the clocks go back to 23:00
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Pacific/Apia", "2011-12-29", 24),  # the day after it does not exist
    ],
)
def test_a_day_is_as_long_as_it_is_in_its_zone(zone, day, hours):
    begin = at(day, zone)
    rule = limited(Interval(600.0, begin - DAY), exclude=[day], tz=zone)

    left_out = set(ticks(Interval(600.0, begin - DAY), begin - DAY, begin + 2 * DAY)) - set(
        ticks(rule, begin - DAY, begin + 2 * DAY)
    )

    assert len(left_out) == hours * 6
    assert {str(datetime.fromtimestamp(tick, ZoneInfo(zone)).date()) for tick in left_out} == {day}


# --- cron expressions -------------------------------------------------------------------


def test_an_expression_excludes_the_minutes_in_which_it_is_due():
    rule = limited(crontab.parse("*/10 * * * *", "UTC"), exclude=["*/30 9-10 * * *"])

    found = ticks(rule, at("2026-12-01T08:50"), at("2026-12-01T11:00"))

    assert [text[3:] for text in walls(found, "UTC")] == [
        "08:50", "09:10", "09:20", "09:40", "09:50", "10:10", "10:20", "10:40", "10:50",
    ]  # fmt: skip


def test_a_minute_is_excluded_to_its_last_second():
    rule = limited(Interval(20.0, at("2026-12-01")), exclude=["1 * * * *"])

    found = ticks(rule, at("2026-12-01"), at("2026-12-01T00:03"))

    assert [tick - at("2026-12-01") for tick in found] == [0, 20, 40, 120, 140, 160]


def test_an_expression_with_seconds_excludes_the_minutes_in_which_it_is_due_at_all():
    rule = limited(Interval(20.0, at("2026-12-01")), exclude=["45 1 * * * *"])

    found = ticks(rule, at("2026-12-01"), at("2026-12-01T00:03"))

    assert [tick - at("2026-12-01") for tick in found] == [0, 20, 40, 120, 140, 160]


@pytest.mark.parametrize("expression", ["* * * * sat,sun", "*/1 0-23 * * sat,sun", "0-59 * * * 6,7", "0 * * * * 6-7"])
def test_an_expression_of_all_minutes_excludes_whole_days(expression):
    rule = limited(crontab.parse("0 12 * * *", "UTC"), exclude=[expression])

    found = ticks(rule, at("2026-12-01"), at("2026-12-15"))

    assert [tick.split()[0] for tick in walls(found, "UTC")] == "01 02 03 04 07 08 09 10 11 14".split()
    assert all(one.is_of_days for one in rule.excluded)


def test_an_expression_with_seconds_that_names_an_hour_excludes_no_day():
    rule = limited(crontab.parse("0 * * * *", "UTC"), exclude=["* * 9 * * *"])

    found = ticks(rule, at("2026-12-01T08:00"), at("2026-12-01T12:00"))

    assert walls(found, "UTC") == ["01 08:00", "01 10:00", "01 11:00"]


def test_an_expression_may_name_another_zone_than_the_entry():
    rule = limited(crontab.parse("0 * * * *", "UTC"), exclude=["* * 25 12 * Asia/Tokyo"])

    left_out = [tick for n in range(72) if (tick := at("2026-12-24") + n * HOUR) not in ticks(rule, tick, tick + 1)]

    assert set(walls(left_out, "Asia/Tokyo")) == {f"25 {hour:02}:00" for hour in range(24)}


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_where_the_clocks_change_an_expression_excludes_what_a_rule_of_it_would_run(day):
    excluded = crontab.parse("30 * * * *", "Europe/Paris")
    rule = Limited(Interval(60.0, at(day)), excluded=(Matching(excluded, PARIS, is_of_days=False),))

    left_out = set(ticks(Interval(60.0, at(day)), at(day), at(day) + DAY)) - set(ticks(rule, at(day), at(day) + DAY))

    assert sorted(left_out) == ticks(excluded, at(day), at(day) + DAY)


# --- in general ----------------------------------------------------------------------------

DAYS = st.dates(date(2026, 3, 20), date(2026, 4, 5)).map(str)
EXPRESSIONS = st.sampled_from(
    ["* * * * 0", "* 2 * * *", "15 * * * *", "* * 1-5 4 *", "0 */6 * * *", "30 2 * * *", "* * L * *", "*/7 * * * *"]
)
RULES = st.one_of(
    st.integers(1_201, 40_000).map(lambda s: Interval(float(s), at("2026-03-15"))),
    st.sampled_from(["*/15 * * * *", "0 9 * * mon-fri", "30 2 * * *", "7 */3 * * *"]).map(
        lambda text: crontab.parse(text, "Europe/Paris")
    ),
)


@settings(deadline=None, max_examples=60)
@given(RULES, st.lists(DAYS | EXPRESSIONS, max_size=4), st.integers(0, 14), st.integers(0, 14))
def test_the_ticks_are_those_of_the_rule_that_nothing_excludes_in_both_directions(rule, excluded, first, days):
    start = at("2026-03-22", "Europe/Paris") + first * 3 * HOUR
    end = start + days * DAY
    begin, stop = start - 2 * DAY, end + 2 * DAY
    exclusions = [Limited(rule, excluded=(options._exclusion(one, "Europe/Paris"),)) for one in excluded]
    found = Limited(rule, start, end, tuple(one.excluded[0] for one in exclusions))

    expected = [
        tick
        for tick in ticks(rule, begin, stop)
        if start <= tick <= end and all(stretch(one.excluded[0], tick) is None for one in exclusions)
    ]
    assert ticks(found, begin, stop) == expected


def stretch(exclusion, tick):
    """Return the excluded stretch round *tick*, which must hold it and be all excluded."""
    found = exclusion.around(tick)
    if found is not None:
        begin, end = found
        assert begin <= tick < end
        assert exclusion.around(begin) == exclusion.around(end - 0.001) == found
    return found


def test_what_is_excluded_is_passed_over_at_once_and_not_tick_by_tick():
    rule = limited(Interval(0.1, at("2026-12-24")), exclude=["2026-12-25", "* * 26 12 *"])

    assert rule.after(at("2026-12-24T23:59:59.900")) == at("2026-12-27")
    assert rule.before(at("2026-12-27")) == at("2026-12-24T23:59:59.900")


def test_what_excludes_everything_is_given_up_and_not_looked_for_for_ever():
    class Always:
        asked = 0

        def around(self, t):
            self.asked += 1
            return t, t + 60

    always = Always()
    rule = Limited(Interval(60.0), excluded=(always,))

    assert (rule.after(0.0), rule.before(1e9)) == (None, None)
    assert always.asked == 2 * MOST


def test_a_day_is_of_its_own_zone():
    day = Day(date(2026, 12, 25), PARIS)

    assert day.around(at("2026-12-24T23:00")) == (at("2026-12-24T23:00"), at("2026-12-25T23:00"))
    assert day.around(at("2026-12-24T22:59:59")) is None
    assert day.around(at("2026-12-25T23:00")) is None
