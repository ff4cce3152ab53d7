"""An `at` is read as clockwork reads it, and what no clock ever shows is refused with what would be right."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule.at import DAY, At, parse, parse_all


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("12:00", At(0, 12)),
        ("9:05", At(5, 9)),
        ("09:05", At(5, 9)),
        ("00:00", At(0, 0)),
        ("23:59", At(59, 23)),
        ("**:15", At(15)),
        ("*:15", At(15)),
        ("12:**", At(None, 12)),
        ("0:**", At(None, 0)),
        ("Monday 12:30", At(30, 12, 0)),
        ("monday 12:30", At(30, 12, 0)),
        ("mon 12:30", At(30, 12, 0)),
        ("Mon 12:30", At(30, 12, 0)),
        ("SUN 12:30", At(30, 12, 6)),
        ("mon **:00", At(0, None, 0)),
        ("sat *:00", At(0, None, 5)),
        ("Thursday 9:**", At(None, 9, 3)),
    ],
)
def test_each_form_of_clockwork_is_read(text, found):
    assert parse(text) == found


@pytest.mark.parametrize("day", ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
def test_a_day_may_be_short_or_long_and_in_any_case(day):
    spellings = {day, day.title(), day.upper(), day[:3], day[:3].title(), day[:3].upper()}

    assert len({parse(f"{spelling} 12:00") for spelling in spellings}) == 1


def test_a_list_is_read_in_its_order_each_once():
    assert parse_all(["18:00", "06:00", "6:00"]) == (At(0, 18), At(0, 6))
    assert parse_all(("18:00",)) == parse_all("18:00") == (At(0, 18),)


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("24:00", 'there is no hour 24; hours go from 00 to 23; midnight is "00:00"'),
        ("24:30", "no hour 24"),
        ("99:00", "no hour 99"),
        ("25:**", "no hour 25"),
        ("12:60", "there is no minute 60; minutes go from 00 to 59"),
        ("**:60", "no minute 60"),
        ("mon 12:60", "no minute 60"),
        ("**:**", "every minute; name an hour or a minute"),
        ("*:**", "every minute"),
        ("mon **:**", "every minute"),
        ("noon", '"12:00"'),
        ("Midnight", '"00:00"'),
        ("9:30pm", '"21:30"'),
        ("9 a.m.", '"21:30"'),
        ("mon 9:30 PM", '"21:30"'),
        ("Funday 12:00", 'there is no day "Funday"; did you mean "sunday"?'),
        ("tues 12:00", 'did you mean "tuesday"?'),
        ("Wendesday 12:00", 'did you mean "wednesday"?'),
        ("mondays 12:00", 'did you mean "monday"?'),
        ("daily 12:00", 'write "mon" or "Monday"'),
        ("xy 12:00", 'write "mon" or "Monday"'),
        ("mon tue 12:00", "09:30"),
        ("mon", "09:30"),
        ("mon12:00", "09:30"),
        ("12:00 mon", "09:30"),
        ("12", "09:30"),
        ("12:5", "09:30"),
        ("12:*", "12:**"),
        ("***:15", "09:30"),
        ("12:00:00", "09:30"),
        ("06:00, 18:00", "a list"),
        (" 12:00", "09:30"),
        ("12:00\n", "09:30"),
        ("-1:00", "09:30"),
        ("\N{ARABIC-INDIC DIGIT ONE}2:00", "09:30"),
        ("", "09:30"),
        ("  ", "09:30"),
        (1200, "09:30"),
        (b"12:00", "09:30"),
        ({"12:00"}, "a list"),
        ([], "a list"),
        ((), "a list"),
        (["06:00", "24:00"], "midnight"),
        (["06:00", None], "09:30"),
        (["06:00", ["18:00"]], "09:30"),
    ],
)
def test_what_no_clock_shows_is_refused_and_named(at, says):
    with pytest.raises(InvalidSchedule, match="at: ") as refused:
        parse_all(at)

    assert says in str(refused.value)


def test_the_part_of_a_list_that_is_wrong_is_named():
    with pytest.raises(InvalidSchedule) as refused:
        parse_all(["06:00", "18:60"])

    assert refused.value.text == "18:60"


@given(st.text(max_size=12) | st.from_regex(re.compile(r"\A[a-z]{0,3} ?[0-9*]{1,2}:[0-9*]{1,2}\Z")))
def test_a_text_is_read_or_refused_and_nothing_else(text):
    with suppress(InvalidSchedule):
        assert isinstance(parse(text), At)


ATS = st.builds(
    At,
    st.none() | st.integers(0, 59),
    st.none() | st.integers(0, 23),
    st.none() | st.integers(0, 6),
).filter(lambda at: at.minute is not None or at.hour is not None)


@given(at=ATS, moment=st.integers(20_000 * DAY, 20_014 * DAY))
def test_the_following_minute_is_the_first_that_matches(at, moment):
    def matches(minute):
        day, rest = divmod(minute, DAY)
        fits = at.minute in {None, rest % 60} and at.hour in {None, rest // 60}
        return fits and at.weekday in {None, (day + 3) % 7}  # 1 January 1970 was a Thursday

    assert at.following(moment) == next(minute for minute in range(moment, moment + 8 * DAY) if matches(minute))


@given(ATS)
def test_no_two_minutes_are_closer_than_the_gap(at):
    first = at.following(20_000 * DAY)
    second = at.following(first + 1)
    third = at.following(second + 1)

    assert at.gap <= min(second - first, third - second)
    assert at.following(first + at.cycle) == first + at.cycle
