"""The clock's small parts: the order of the hands, and the server's time."""

from __future__ import annotations

import pytest

from mainspring.base.timesource import TimeSource
from mainspring.clock.dial import Dial
from mainspring.clock.hand import Hand
from mainspring.clock.servertime import TRUST, ServerTime
from mainspring.schedule.catalog import Catalog


class Stepped(TimeSource):
    """A local clock that a test moves."""

    def __init__(self):
        self.at = 100.0

    def monotonic(self):
        return self.at


@pytest.fixture
def local():
    return Stepped()


def hands(*seconds):
    """Return hands that are ready at these times."""
    catalog = Catalog()
    made = []
    for ready in seconds:
        hand = Hand.of(catalog.every("1m", "job"), 0.0, None)
        hand.tick = hand.ready = ready
        made.append(hand)
    return made


def dial(made):
    dial = Dial()
    dial.reset(made)
    return dial


# --- the dial --------------------------------------------------------------------


def test_hands_come_when_they_are_ready_and_the_earliest_first():
    three, one, two = made = hands(3, 1, 2)
    shown = dial(made)

    assert shown.take(0.999, 10) == []
    assert shown.take(2, 10) == [one, two]
    assert shown.take(5, 10) == [three]
    assert shown.take(5, 10) == []


def test_no_more_are_taken_than_asked_for():
    first, second, third = made = hands(1, 1, 1)
    shown = dial(made)

    assert shown.take(1, 2) == [first, second]
    assert shown.take(1, 2) == [third]


def test_the_wait_ends_when_the_first_is_ready_or_at_the_most_asked_for():
    shown = dial(hands(13, 12))

    assert shown.wait(10, 5) == 2
    assert shown.wait(10, 1) == 1
    assert shown.wait(15, 5) == -3
    assert Dial().wait(10, 5) == 5


def test_a_hand_without_a_further_tick_never_comes_but_is_still_known():
    ended, other = made = hands(1, 2)
    ended.tick = None
    shown = dial(made)

    assert shown.take(10, 10) == [other]
    assert len(shown) == 2
    assert list(shown.lasts()) == ["job", "job.2"]


def test_a_reset_forgets_what_was_before():
    shown = dial(hands(1, 2))

    shown.reset(hands(3))

    assert len(shown) == 1
    assert len(shown.take(10, 10)) == 1


# --- the server's time -------------------------------------------------------------


def test_the_servers_time_goes_on_with_the_local_clock(local):
    time = ServerTime(local)
    time.learn(1_700_000_000.0)

    local.at += 2.5

    assert time.now() == 1_700_000_002.5


def test_a_measurement_is_trusted_for_a_while(local):
    time = ServerTime(local)
    assert time.trusted_for() == 0
    time.learn(1_700_000_000.0)
    assert time.trusted_for() == TRUST

    local.at += TRUST - 1
    assert time.trusted_for() == 1
    local.at += 2
    assert time.trusted_for() == 0


def test_a_server_whose_clock_was_set_back_is_believed(local):
    time = ServerTime(local)
    time.learn(1_700_000_000.0)

    time.learn(1_600_000_000.0)

    assert time.now() == 1_600_000_000.0


def test_what_is_forgotten_must_be_measured(local):
    time = ServerTime(local)
    time.learn(1_700_000_000.0)

    time.forget()

    assert time.trusted_for() == 0
