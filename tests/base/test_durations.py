"""Every option that takes a time span accepts the same forms, and says what is wrong with the others."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.durations import in_words, seconds
from mainspring.base.errors import InvalidDuration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1h30m", 5400),
        ("10m", 600),
        ("0.5s", 0.5),
        (".5s", 0.5),
        ("250ms", 0.25),
        ("1d 2h", 93_600),
        ("1w", 604_800),
        ("2 weeks", 1_209_600),
        ("1 week 1 day 1 hour 1 min 1 sec 1 ms", 694_861.001),
        ("2hours 30mins", 9000),
        ("1 minute 30 seconds", 90),
        ("  5m  ", 300),
        ("90", 90),
        ("1.5", 1.5),
        ("0s", 0),
    ],
)
def test_text_adds_up_its_units(text, expected):
    assert seconds(text) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0.0), (5, 5.0), (2.5, 2.5), (timedelta(minutes=1), 60.0), (timedelta(0), 0.0)]
)
def test_numbers_are_seconds_and_come_back_as_float(value, expected):
    found = seconds(value)

    assert found == expected
    assert type(found) is float


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "blank"),
        ("   ", "blank"),
        ("-5m", "negative"),
        (-1, "negative"),
        (-0.001, "negative"),
        (timedelta(seconds=-1), "negative"),
        (float("nan"), "not a number"),
        (float("inf"), "too long"),
        (float("-inf"), "negative"),
        (10**400, "too long"),
        (-(10**400), "negative"),
        ("99999999999w", "too long"),
        ("5 parsecs", "'parsecs' is no unit (ms, s, m, h, d or w)"),
        ("1M", "'M' is no unit"),
        ("1h30", "30 has no unit"),
        ("soon", "'soon' does not begin with a number"),
        ("1h, 2m", "', 2m' does not begin with a number"),
        ("1.5.5s", "1.5 has no unit"),
        ("1e3", "'e' is no unit"),
        ("30m1h", "the largest first"),
        ("1h1h", "the largest first"),
        ("\uff11s", "does not begin with a number"),
        (True, "of type bool"),
        (None, "of type NoneType"),
        ([1], "of type list"),
    ],
)
def test_what_is_no_duration_is_refused_with_the_reason_and_the_way_out(value, reason):
    with pytest.raises(InvalidDuration) as caught:
        seconds(value)

    assert reason in str(caught.value)
    assert '"1h30m"' in str(caught.value)
    assert caught.value.value is value


@given(st.integers(0, 10_000), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_units_written_out_mean_what_timedelta_means(days, hours, minutes, secs, ms):
    span = timedelta(days=days, hours=hours, minutes=minutes, seconds=secs, milliseconds=ms)

    assert seconds(f"{days}d {hours}h{minutes}m {secs}s{ms}ms") == pytest.approx(span.total_seconds())


@given(st.text())
def test_no_text_raises_anything_but_invalid_duration(text):
    try:
        found = seconds(text)
    except InvalidDuration:
        return
    assert found >= 0


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (0, "0 s"),
        (0.0003, "0.3 ms"),
        (0.0042, "4.2 ms"),
        (0.00996, "10 ms"),
        (0.812, "812 ms"),
        (0.9996, "1 s"),
        (4.1, "4.1 s"),
        (42, "42 s"),
        (59.94, "59.9 s"),
        (59.97, "1 m"),
        (130, "2 m 10 s"),
        (3599.7, "1 h"),
        (11_100, "3 h 5 m"),
        (86_399, "1 d"),
        (187_200, "2 d 4 h"),
        (-130, "-2 m 10 s"),
    ],
)
def test_a_span_is_said_in_its_two_largest_units(span, words):
    assert in_words(span) == words


@given(st.floats(0.01, 1e8))
def test_words_read_back_as_nearly_the_same_span(span):
    found = seconds(in_words(span))

    # Half of the smaller unit that is said: an hour from a day on, a minute from an hour on, and so on.
    unit = 3600 if span >= 86_370 else 60 if span >= 3599 else 1 if span >= 59 else 0.1 if span >= 0.999 else 0.001
    assert abs(found - span) <= unit / 2 * 1.0001


@pytest.mark.parametrize("span", [float("nan"), float("inf"), float("-inf")])
def test_no_words_are_invented_for_what_is_not_finite(span):
    with pytest.raises(InvalidDuration):
        in_words(span)
