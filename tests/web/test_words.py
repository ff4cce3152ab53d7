"""Numbers and times read as people write them, whatever they are."""

from __future__ import annotations

import math

import pytest

from mainspring.web import words


@pytest.mark.parametrize(
    ("make", "value", "text"),
    [
        (words.number, 1284, "1,284"),
        (words.number, 0, "0"),
        (words.short, 99_999, "99,999"),
        (words.short, 128_400, "128k"),
        (words.short, 12_800_000, "12.8M"),
        (words.short, 1_204_332, "1.2M"),
        (words.rate, 0.25, "0.25"),
        (words.rate, 0.049, "0.049"),
        (words.rate, 0.00001, "<0.001"),
        (words.rate, 0.96, "1.0"),
        (words.rate, 487.2, "487"),
        (words.seconds, 0, "0 ms"),
        (words.seconds, 0.0004, "0.4 ms"),
        (words.seconds, 0.812, "812 ms"),
        (words.seconds, 0.9996, "1.0 s"),
        (words.seconds, 4.1, "4.1 s"),
        (words.seconds, 59.6, "1 min"),
        (words.seconds, 540, "9 min"),
        (words.seconds, 3600, "1 h"),
        (words.seconds, 12 * 86400, "12 d"),
        (words.seconds, -5, "-5.0 s"),
        (words.ms, 812, "812 ms"),
        (words.size, 512, "512 B"),
        (words.size, 40_000_000, "38.1 MB"),
    ],
)
def test_a_number_reads_as_people_write_it(make, value, text):
    assert make(value) == text


@pytest.mark.parametrize("make", [words.number, words.short, words.rate, words.seconds, words.ms, words.size])
def test_nothing_is_a_dash(make):
    assert make(None) == words.NONE


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308])
def test_no_number_is_too_strange(value):
    for make in (words.number, words.short, words.rate, words.seconds):
        assert len(make(value)) < 420


@pytest.mark.parametrize(
    ("at", "text"), [(90.0, "10 s ago"), (100.2, "just now"), (112.0, "in 12 s"), (None, words.NONE)]
)
def test_a_time_is_told_from_now(at, text):
    assert words.ago(at, 100.0) == text


@pytest.mark.parametrize("at", [None, math.nan, 1e18, -1e18, math.inf])
def test_a_time_that_no_calendar_has_is_none(at):
    assert words.moment(at) is None


@pytest.mark.parametrize(("part", "whole", "text"), [(48, 1000, "4.8 %"), (0, 0, words.NONE), (1, -1, words.NONE)])
def test_a_share_of_nothing_is_none(part, whole, text):
    assert words.percent(part, whole) == text
