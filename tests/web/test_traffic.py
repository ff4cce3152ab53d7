"""Rates of queues are those between two looks, neither too near nor too far apart, and nothing is guessed."""

from __future__ import annotations

import pytest

from mainspring.web.traffic import Rate, rates


def look(remembered, at, **counts):
    return rates(remembered, "queues", at, counts)


def test_the_first_look_tells_nothing():
    assert look({}, 100.0, mail=(5, 7)) == {}


def test_what_came_in_is_what_was_taken_and_how_much_the_queue_has_grown():
    remembered = {}
    look(remembered, 100.0, mail=(5, 7), low=(0, 10))

    found = look(remembered, 110.0, mail=(25, 17), low=(5, 5), new=(9, 9))

    assert found == {"mail": Rate(3.0, 2.0), "low": Rate(0.0, 0.5)}


def test_a_queue_that_was_cleared_and_a_store_that_began_anew_give_no_negative_rates():
    remembered = {}
    look(remembered, 100.0, mail=(50, 1000))

    assert look(remembered, 110.0, mail=(3, 0)) == {"mail": Rate(0.0, 0.0)}


@pytest.mark.parametrize("later", [1.0, 400.0, -5.0])
def test_looks_too_near_or_too_far_apart_tell_nothing(later):
    remembered = {}
    look(remembered, 100.0, mail=(5, 7))

    assert look(remembered, 100.0 + later, mail=(500, 7)) == {}


def test_however_long_a_page_is_watched_the_rate_is_that_of_the_last_half_minute():
    remembered = {}
    for second in range(0, 200, 5):
        look(remembered, 100.0 + second, mail=(second, 0))

    # From now on ten times as fast.
    for second in range(200, 262, 5):
        found = look(remembered, 100.0 + second, mail=(200 + 10 * (second - 200), 0))

    assert found["mail"].out == pytest.approx(10.0)


def test_a_queue_drains_only_if_more_is_taken_than_comes():
    assert Rate(1.0, 3.0).drains(10) == 5.0
    assert Rate(3.0, 3.0).drains(10) is None
    assert Rate(0.0, 3.0).drains(0) is None
