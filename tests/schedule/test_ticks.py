"""Of the ticks that nobody saw, exactly those that the entry's policy names are run, and each has one id."""

from __future__ import annotations

import pytest

from mainspring.schedule import crontab, ticks
from mainspring.schedule.interval import Interval
from mainspring.schedule.ticks import CAP, Due, due

MINUTELY = Interval(60, anchor=0)
HOURLY = Interval(3600, anchor=0)
DAILY = Interval(86_400, anchor=0)


class Thrice:
    """A rule that ends: three ticks, and none after them."""

    def after(self, t: float) -> float | None:
        return next((tick for tick in (10.0, 20.0, 30.0) if tick > t), None)

    def before(self, t: float) -> float | None:
        return next((tick for tick in (30.0, 20.0, 10.0) if tick < t), None)

    def anchored(self, anchor: float) -> Thrice:
        return self


class Counting:
    """A rule that counts how often it is asked."""

    def __init__(self, rule: Interval) -> None:
        self.rule, self.asked = rule, 0

    def after(self, t: float) -> float | None:
        self.asked += 1
        return self.rule.after(t)

    def before(self, t: float) -> float | None:
        self.asked += 1
        return self.rule.before(t)

    def anchored(self, anchor: float) -> Counting:
        return self


@pytest.mark.parametrize("missed", ["once", "all", "skip"])
def test_nothing_is_missed_between_two_ticks(missed):
    assert due(MINUTELY, 60, 119, missed=missed) == Due((), 0, 60)


@pytest.mark.parametrize("missed", ["once", "all", "skip"])
def test_a_tick_that_is_due_this_very_moment_was_not_missed(missed):
    assert due(MINUTELY, 60, 120, missed=missed) == Due((), 0, 60)
    assert due(MINUTELY, 0, 120, missed=missed).newest == 60


def test_once_runs_the_newest_and_folds_the_rest():
    assert due(MINUTELY, 0, 330, missed="once") == Due((300,), 4, 300)


def test_once_leaves_out_even_the_newest_when_it_is_too_late():
    # Half the gap to the next tick is half an hour.
    assert due(HOURLY, 0, 3600 + 1800, missed="once") == Due((3600,), 0, 3600)
    assert due(HOURLY, 0, 3600 + 1801, missed="once") == Due((), 1, 3600)


def test_a_grace_that_is_given_takes_the_place_of_the_default():
    assert due(HOURLY, 0, 3600 + 11, missed="once", grace=10) == Due((), 1, 3600)
    assert due(HOURLY, 0, 7199, missed="once", grace=3599) == Due((3600,), 0, 3600)


def test_all_runs_each_oldest_first():
    assert due(MINUTELY, 60, 270, missed="all") == Due((120, 180, 240), 0, 240)


def test_no_grace_bounds_what_all_runs_but_its_own():
    assert due(HOURLY, 0, 3600 * 100 + 3599, missed="all").ticks[0] == 3600
    assert due(HOURLY, 0, 3600 + 11, missed="all", grace=10) == Due((), 1, 3600)


def test_all_keeps_the_newest_thousand():
    found = due(MINUTELY, 0, 60 * 5000 + 1, missed="all")

    assert len(found.ticks) == CAP
    assert (found.ticks[0], found.ticks[-1]) == (60 * 4001, 60 * 5000)
    assert found.folded == 1
    assert found.newest == 60 * 5000


def test_all_with_a_grace_leaves_out_what_is_later():
    assert due(MINUTELY, 0, 301, missed="all", grace=121) == Due((180, 240, 300), 2, 300)


def test_skip_runs_none_and_counts_them():
    assert due(MINUTELY, 0, 330, missed="skip") == Due((), 5, 300)


def test_what_is_left_out_is_counted_no_further_than_the_cap():
    assert due(MINUTELY, 0, 60 * 5000 + 1, missed="skip") == Due((), CAP, 300_000)


@pytest.mark.parametrize("missed", ["once", "all", "skip"])
def test_a_tick_that_its_delay_still_holds_back_was_not_missed(missed):
    delays = {3600.0: 100.0, 7200.0: 1800.0}

    assert due(HOURLY, 3600, 7200 + 1800, missed=missed, delay=delays.get) == Due((), 0, 3600)
    assert due(HOURLY, 3600, 7200 + 1801, missed=missed, delay=delays.get).newest == 7200
    assert due(HOURLY, 0, 7200 + 1799, missed=missed, delay=delays.get).newest == 3600


def test_the_grace_begins_when_the_delay_ends():
    assert due(HOURLY, 0, 3600 + 3000 + 10, missed="once", delay=lambda _: 3000.0) == Due((3600,), 0, 3600)
    assert due(HOURLY, 0, 3600 + 30 + 11, missed="all", grace=10, delay=lambda _: 30.0) == Due((), 1, 3600)


def test_ten_years_of_downtime_of_a_fast_entry_are_judged_by_a_few_thousand_steps():
    rule = Counting(Interval(0.1))

    found = due(rule, 0, 315_360_000, missed="once")

    assert found.ticks == (pytest.approx(315_360_000, abs=0.11),)
    assert rule.asked < 6000


def test_a_rule_that_ends_is_judged_to_its_end():
    assert due(Thrice(), 10, 25, missed="all") == Due((20,), 0, 20)
    assert due(Thrice(), 0, 1000, missed="all") == Due((10, 20, 30), 0, 30)
    assert due(Thrice(), 30, 1000, missed="all") == Due((), 0, 30)


@pytest.mark.parametrize(
    ("rule", "grace"),
    [(Interval(0.2), 60), (MINUTELY, 60), (HOURLY, 1800), (DAILY, 12 * 3600), (Interval(86_400 * 7), 12 * 3600)],
)
def test_the_default_grace_is_half_the_gap_within_its_bounds(rule, grace):
    assert ticks.default_grace(rule, rule.anchor) == grace


def test_the_last_tick_of_all_may_be_as_late_as_any():
    assert ticks.default_grace(Thrice(), 30) == 12 * 3600


def test_the_default_grace_goes_by_the_gap_after_the_tick_itself():
    rule = crontab.parse("0 9,10 * * *", "UTC")

    assert ticks.default_grace(rule, 9 * 3600) == 1800
    assert ticks.default_grace(rule, 10 * 3600) == 11.5 * 3600


def test_a_job_id_is_24_hex_digits_and_never_changes():
    # Pinned: another value in a later release would let a tick run twice during a rolling deploy.
    assert ticks.jid("sweep", 1_700_000_000.2) == "59859b2dbdd808ff196071a6"


def test_ids_differ_by_name_by_tick_and_by_namespace():
    ids = {
        ticks.jid(name, tick, namespace)
        for name in ("a", "b", "a.2")
        for tick in (1.0, 1.001, 2.0)
        for namespace in ("", "a", "b")
    }

    assert len(ids) == 27


def test_a_tick_is_stored_with_milliseconds():
    assert ticks.text(1_700_000_000.2) == "1700000000.200"
    assert float(ticks.text(1_700_000_000.123)) == 1_700_000_000.123
