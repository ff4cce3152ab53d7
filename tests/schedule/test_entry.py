"""What an entry says of its own ticks: from when on they count, and by how much each is put off."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.schedule.catalog import Catalog
from mainspring.schedule.entry import Entry
from mainspring.schedule.interval import Interval

HOUR = 3600.0


def every(period, **options):
    return Catalog().every(period, "job", **options)


# --- the first tick ---------------------------------------------------------------------


def test_a_period_counts_from_just_before_its_anchor_and_a_skipped_first_run_from_it():
    soon, later = every("1m"), every("1m", skip_first_run=True)
    rule = soon.rule.anchored(1000.0)

    assert rule.after(soon.first_counted(rule, 1000.0, 999.999)) == 1000.0
    assert rule.after(later.first_counted(rule, 1000.0, 999.999)) == 1060.0


def test_a_skipped_first_run_of_a_time_of_day_is_its_first_time():
    entry = every("1d", at="06:00", skip_first_run=True)

    assert entry.rule.after(entry.first_counted(entry.rule, 0.0, -0.001)) == (24 + 6) * HOUR


def test_what_counts_later_than_the_skipped_first_run_counts_from_then():
    entry = every("1m", skip_first_run=True)

    assert entry.first_counted(entry.rule.anchored(1000.0), 1000.0, 5000.0) == 5000.0


def test_a_rule_that_has_ended_has_no_first_run_to_skip():
    entry = every("1d", at="06:00", end="2000-01-01", skip_first_run=True)

    assert entry.first_counted(entry.rule, 1e9, 1e9 - 0.001) == 1e9 - 0.001


# --- jitter -----------------------------------------------------------------------------


def test_without_jitter_a_tick_is_put_off_by_nothing():
    assert every("1h").delay(Interval(HOUR), HOUR) == 0.0


@given(
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=5),
    jitter=st.floats(0.001, 1e6),
    period=st.integers(100, 10**8).map(lambda ms: ms / 1000),
    number=st.integers(0, 10**6),
)
def test_the_delay_is_below_the_jitter_and_the_gap_and_has_milliseconds(name, jitter, period, number):
    rule = Interval(period)
    tick = rule.after(number * period)
    entry = Entry(name, "job", rule, "", jitter=jitter)

    delay = entry.delay(rule, tick)

    assert 0 <= delay < jitter
    assert round(tick + delay, 3) < rule.after(tick)
    assert delay == round(delay, 3)


def test_delays_are_spread_over_the_whole_jitter():
    entry, rule = every("1h", jitter="30m"), Interval(HOUR)

    delays = [entry.delay(rule, n * HOUR) for n in range(2000)]

    counts = [sum(n * 180 <= delay < (n + 1) * 180 for delay in delays) for n in range(10)]
    assert sum(counts) == 2000
    assert min(counts) > 140


def test_the_last_tick_of_all_is_put_off_by_less_than_its_jitter():
    entry = every("1h", jitter="30m", end="1970-01-02")

    assert entry.rule.after(24 * HOUR) is None
    assert 0 < entry.delay(entry.rule, 24 * HOUR) < HOUR / 2


@pytest.mark.parametrize("seed", ["0", "1"])
def test_every_machine_and_every_release_puts_a_tick_off_by_the_same(seed):
    # Pinned: another value in a later release would let clocks of a rolling deploy disagree.
    program = (
        "from mainspring.schedule.catalog import Catalog; e = Catalog().every('1h', 'sweep', jitter='30m');"
        "print([e.delay(e.rule, t * 3600.0) for t in (0, 1, 400_000)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[1307.78, 1113.196, 1784.399]"
