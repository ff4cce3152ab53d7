"""A clock's picture of one entry: what it claims next, after sleep, failure and catching up."""

from __future__ import annotations

import pytest

from mainspring.clock.hand import SPACING, Hand
from mainspring.schedule.catalog import Catalog

HOUR = 3600.0


def hand(*, last=None, anchor=0.0, period="1h", **options):
    return Hand.of(Catalog().every(period, "job", **options), anchor, last)


def test_a_new_entry_is_due_at_its_anchor():
    new = hand(anchor=1000.0)

    new.look(1000.0, awake=False)

    assert (new.tick, new.ready) == (1000.0, 1000.0)


@pytest.mark.parametrize("missed", ["once", "all", "skip"])
def test_a_restart_between_two_ticks_waits_for_the_next(missed):
    restarted = hand(last=HOUR, missed=missed)

    restarted.look(HOUR + 10, awake=False)

    assert restarted.tick == restarted.ready == 2 * HOUR


def test_what_was_missed_is_ready_now_and_then_comes_the_next():
    late = hand(last=0.0)
    late.look(5 * HOUR + 60, awake=False)
    assert (late.tick, late.ready) == (5 * HOUR, 5 * HOUR + 60)

    late.done(5 * HOUR + 60)

    assert (late.tick, late.ready) == (6 * HOUR, 6 * HOUR)


def test_all_that_was_missed_comes_oldest_first_and_spaced():
    late = hand(last=0.0, missed="all")
    now = 3 * HOUR + 60
    late.look(now, awake=False)
    seen = []
    while late.ready < 4 * HOUR:
        seen.append((late.tick, late.ready))
        now = late.ready
        late.done(now)

    assert [tick for tick, _ in seen] == [HOUR, 2 * HOUR, 3 * HOUR]
    assert [ready for _, ready in seen] == pytest.approx([3 * HOUR + 60 + n * SPACING for n in range(3)])
    assert late.tick == 4 * HOUR


def test_skip_goes_on_with_the_next_tick():
    late = hand(last=0.0, missed="skip")

    found = late.look(5 * HOUR + 1, awake=False)

    assert found.folded == 5
    assert late.tick == 6 * HOUR


def test_skip_does_not_drop_a_tick_that_a_running_clock_was_kept_from_enqueueing():
    kept = hand(last=0.0, missed="skip")

    kept.look(HOUR + 59, awake=True)

    assert kept.tick == HOUR


def test_skip_drops_it_after_a_minute_or_after_its_own_grace():
    minute, own = hand(last=0.0, missed="skip"), hand(last=0.0, missed="skip", grace="5m")

    minute.look(HOUR + 61, awake=True)
    own.look(HOUR + 299, awake=True)

    assert minute.tick == 2 * HOUR
    assert own.tick == HOUR


def test_a_failed_tick_stays_and_is_ready_when_said():
    failing = hand(last=0.0)
    failing.look(HOUR, awake=True)

    failing.failed(HOUR + 3)

    assert (failing.tick, failing.ready, failing.failures) == (HOUR, HOUR + 3, 1)


def test_looking_again_before_anything_was_claimed_finds_the_same():
    failing = hand(last=0.0, missed="all")

    found = [failing.look(3 * HOUR + 60 + n, awake=False).ticks for n in range(3)]

    assert found == [(HOUR, 2 * HOUR, 3 * HOUR)] * 3
    assert failing.tick == HOUR


def test_looking_again_at_a_failed_tick_loses_none_of_those_still_to_be_caught_up():
    failing = hand(last=0.0, missed="all")
    failing.look(3 * HOUR + 60, awake=False)
    failing.done(3 * HOUR + 60)
    failing.failed(3 * HOUR + 61)

    found = failing.look(3 * HOUR + 61, awake=True)

    assert found.ticks == (2 * HOUR, 3 * HOUR)
    assert failing.tick == 2 * HOUR


def test_a_failed_tick_is_given_up_when_its_grace_ends():
    failing = hand(last=0.0)
    failing.look(HOUR, awake=True)
    failing.failed(HOUR + 1801)

    assert failing.look(HOUR + 1801, awake=True).folded == 1

    assert (failing.tick, failing.ready, failing.last) == (2 * HOUR, 2 * HOUR, HOUR)


def test_a_success_forgets_the_failures():
    failing = hand(last=0.0)
    failing.look(HOUR, awake=True)
    failing.failed(HOUR + 1)

    failing.done(HOUR + 1)

    assert failing.failures == 0


def test_what_was_folded_is_not_counted_a_second_time():
    late = hand(last=0.0)
    assert late.look(5 * HOUR + 60, awake=False).folded == 4

    assert late.look(5 * HOUR + 61, awake=True).folded == 0
