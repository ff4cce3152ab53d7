"""The hands of a clock come when they are ready, the earliest first, and none twice."""

from __future__ import annotations

from mainspring.clock.dial import SPARE, Dial
from mainspring.clock.hand import Hand
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.interval import Interval


def hands(*seconds):
    """Return hands that are ready at these times."""
    catalog = Catalog()
    made = []
    for ready in seconds:
        hand = Hand(catalog.every("1m", "job"), Interval(60.0), 0.0)
        hand.tick = hand.ready = ready
        made.append(hand)
    return made


def dial(made):
    dial = Dial()
    dial.reset(made)
    return dial


def twin(hand, ready):
    """Return another hand of the same entry."""
    made = Hand(hand.entry, hand.rule, 0.0)
    made.tick = made.ready = ready
    return made


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
    assert shown.get("job") is ended


def test_a_reset_forgets_what_was_before():
    shown = dial(hands(1, 2))

    shown.reset(hands(3))

    assert len(shown) == 1
    assert len(shown.take(10, 10)) == 1


def test_a_hand_that_takes_anothers_place_comes_alone():
    made = hands(1, 2)
    shown, other = dial(made), twin(made[0], 3)

    shown.set(other)

    assert shown.wait(0, 10) == 2
    assert shown.take(10, 10) == [made[1], other]


def test_a_hand_that_is_out_when_it_is_replaced_does_not_come_back():
    made = hands(1)
    shown, other = dial(made), twin(made[0], 2)
    (out,) = shown.take(1, 10)

    shown.set(other)
    shown.put(out)

    assert shown.take(10, 10) == [other]


def test_a_hand_that_was_dropped_does_not_come_whether_it_is_out_or_not():
    first, second = made = hands(1, 2)
    shown = dial(made)
    (out,) = shown.take(1, 10)

    shown.drop(first.entry.name)
    shown.drop(second.entry.name)
    shown.drop("nobody")
    shown.put(out)

    assert shown.take(10, 10) == []
    assert len(shown) == 0


def test_hands_that_were_replaced_are_not_kept_for_ever():
    # As of an entry that is due in a year, and changed each minute.
    (hand,) = made = hands(1e9)
    shown = dial(made)

    for n in range(1000):
        shown.set(twin(hand, 1e9 + n))

    assert len(shown._heap) <= 2 + SPARE
    assert [one.ready for one in shown.take(2e9, 10)] == [1e9 + 999]
