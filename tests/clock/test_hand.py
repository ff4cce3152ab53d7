"""A clock's picture of one entry: what it claims next, after sleep, failure and catching up."""

from __future__ import annotations

import pytest

from mainspring.clock.hand import SPACING, Hand
from mainspring.schedule.catalog import Catalog

HOUR = 3600.0


def hand(*, last=-0.001, awake=0.0, period="1h", **options):
    """Return the hand of a period that is anchored at 0."""
    entry = Catalog().every(period, "job", **options)
    return Hand(entry, entry.rule.anchored(0.0), last, awake=awake)


def asleep(**options):
    """Return a hand of a clock that has only begun: it ran at no time before."""
    return hand(awake=1e9, **options)


def test_a_new_entry_is_due_at_its_anchor():
    new = hand()

    new.look(0.0)

    assert (new.tick, new.ready) == (0.0, 0.0)


@pytest.mark.parametrize("missed", ["once", "all", "skip"])
def test_a_restart_between_two_ticks_waits_for_the_next(missed):
    restarted = asleep(last=HOUR, missed=missed)

    restarted.look(HOUR + 10)

    assert restarted.tick == restarted.ready == 2 * HOUR


def test_what_was_missed_is_ready_now_and_then_comes_the_next():
    late = asleep(last=0.0)
    late.look(5 * HOUR + 60)
    assert (late.tick, late.ready, late.folded) == (5 * HOUR, 5 * HOUR + 60, 4)

    late.done(5 * HOUR + 60)

    assert (late.tick, late.ready, late.folded) == (6 * HOUR, 6 * HOUR, 0)


def test_all_that_was_missed_comes_oldest_first_and_spaced():
    late = asleep(last=0.0, missed="all")
    now = 3 * HOUR + 60
    late.look(now)
    seen = []
    while late.ready < 4 * HOUR:
        seen.append((late.tick, late.ready))
        now = late.ready
        late.done(now)

    assert [tick for tick, _ in seen] == [HOUR, 2 * HOUR, 3 * HOUR]
    assert [ready for _, ready in seen] == pytest.approx([3 * HOUR + 60 + n * SPACING for n in range(3)])
    assert late.tick == 4 * HOUR


def test_skip_gives_up_the_newest_for_all_and_goes_on_with_the_next_tick():
    late = asleep(last=0.0, missed="skip")

    found = late.look(5 * HOUR + 1)

    assert found.folded == late.folded == 5
    assert (late.tick, late.is_given_up) == (5 * HOUR, True)
    late.done(5 * HOUR + 1)
    assert (late.tick, late.is_given_up, late.folded) == (6 * HOUR, False, 0)


def test_skip_does_not_drop_a_tick_that_a_running_clock_was_kept_from_enqueueing():
    kept = hand(last=0.0, missed="skip")

    kept.look(HOUR + 59)

    assert (kept.tick, kept.is_given_up) == (HOUR, False)


def test_skip_drops_what_came_due_before_the_clock_began_however_often_it_looks():
    kept = hand(last=0.0, missed="skip", awake=HOUR + 30)

    for now in (HOUR + 31, HOUR + 59):
        kept.look(now)

        assert (kept.tick, kept.is_given_up) == (HOUR, True)


def test_skip_drops_it_after_a_minute_or_after_its_own_grace():
    minute, own = hand(last=0.0, missed="skip"), hand(last=0.0, missed="skip", grace="5m")

    minute.look(HOUR + 61)
    own.look(HOUR + 299)

    assert (minute.tick, minute.is_given_up) == (HOUR, True)
    assert (own.tick, own.is_given_up) == (HOUR, False)


def test_a_failed_tick_stays_and_is_ready_when_said():
    failing = hand(last=0.0)
    failing.look(HOUR)

    failing.failed(HOUR + 3)

    assert (failing.tick, failing.ready, failing.failures) == (HOUR, HOUR + 3, 1)


def test_looking_again_before_anything_was_claimed_finds_the_same():
    failing = asleep(last=0.0, missed="all")

    found = [failing.look(3 * HOUR + 60 + n).ticks for n in range(3)]

    assert found == [(HOUR, 2 * HOUR, 3 * HOUR)] * 3
    assert failing.tick == HOUR


def test_looking_again_at_a_failed_tick_loses_none_of_those_still_to_be_caught_up():
    failing = asleep(last=0.0, missed="all")
    failing.look(3 * HOUR + 60)
    failing.done(3 * HOUR + 60)
    failing.failed(3 * HOUR + 61)

    found = failing.look(3 * HOUR + 61)

    assert found.ticks == (2 * HOUR, 3 * HOUR)
    assert failing.tick == 2 * HOUR


def test_a_failed_tick_is_given_up_when_its_grace_ends():
    failing = hand(last=0.0)
    failing.look(HOUR)
    failing.failed(HOUR + 1801)

    assert failing.look(HOUR + 1801).folded == 1

    assert (failing.tick, failing.ready, failing.is_given_up) == (HOUR, HOUR + 1801, True)


def test_a_success_forgets_the_failures():
    failing = hand(last=0.0)
    failing.look(HOUR)
    failing.failed(HOUR + 1)

    failing.done(HOUR + 1)

    assert failing.failures == 0


def test_what_was_folded_is_remembered_until_its_tick_is_settled():
    late = asleep(last=0.0)

    assert [late.look(5 * HOUR + 60 + n).folded for n in range(3)] == [4, 4, 4]

    late.done(5 * HOUR + 63)
    assert late.look(5 * HOUR + 64).folded == 0


def test_an_ended_rule_has_no_tick_and_done_changes_nothing():
    ended = hand(end="1970-01-01T02:30")
    ended.last = 2 * HOUR

    ended.look(2 * HOUR + 1)
    ended.done(2 * HOUR + 1)

    assert (ended.tick, ended.last, ended.due) == (None, 2 * HOUR, 0.0)


# --- jitter ------------------------------------------------------------------------------


def test_a_tick_is_ready_when_its_jitter_ends_and_not_before():
    spread = hand(jitter="30m")
    spread.look(0.0)
    seen = []
    for _ in range(50):
        seen.append((spread.tick, spread.ready))
        spread.done(spread.ready)

    assert [tick for tick, _ in seen] == [n * HOUR for n in range(50)]
    assert all(0 <= ready - tick < HOUR / 2 for tick, ready in seen)
    assert len({ready - tick for tick, ready in seen}) == 50


def held_back(least):
    """Return the hand of a clock that begins, and a tick that its jitter holds back for *least* seconds or more."""
    spread = asleep(jitter="1h")
    tick = next(n * HOUR for n in range(1, 1000) if spread.entry.delay(spread.rule, n * HOUR) > least)
    spread.last = tick - HOUR
    return spread, tick


@pytest.mark.parametrize("missed", ["once", "all", "skip"])
def test_a_tick_that_its_jitter_still_holds_back_at_a_restart_is_neither_lost_nor_missed(missed):
    spread, tick = held_back(1800)
    spread.entry = Catalog().every("1h", "job", jitter="1h", missed=missed)

    found = spread.look(tick + 1700)

    assert (found.ticks, found.folded) == ((), 0)
    assert (spread.tick, spread.ready, spread.is_given_up) == (tick, spread.due, False)
    assert spread.due > tick + 1800


def test_what_was_missed_before_a_tick_that_is_held_back_comes_first():
    spread, tick = held_back(1800)
    spread.last = tick - 3 * HOUR

    spread.look(tick + 1700)

    assert (spread.tick, spread.folded) == (tick - HOUR, 1)
    spread.done(tick + 1700)
    assert (spread.tick, spread.ready) == (tick, spread.due)


def test_grace_counts_from_when_a_tick_was_due_and_not_from_its_nominal_time():
    spread, tick = held_back(3000)

    spread.look(tick + spread.entry.delay(spread.rule, tick) + 60)

    assert (spread.tick, spread.is_given_up) == (tick, False)
