"""The checker of needless waits adds up the time for which a job is held while a slot is free, and no other time."""

from __future__ import annotations

import pytest
from benchmarks.waiting import Hold, Run, idle, needless

#: Two processes of one slot: both busy from 2 to 5 and from 7 to 8.
RUNS = [
    Run("long", 1, 0.0, 10.0),
    Run("other", 2, 2.0, 5.0),
    Run("third", 2, 7.0, 8.0),
]
FREE = idle(RUNS, {1: 1, 2: 1})


def test_a_slot_is_free_unless_all_are_busy():
    assert idle(RUNS, {1: 1, 2: 1}) == [(float("-inf"), 2.0), (5.0, 7.0), (8.0, float("inf"))]


@pytest.mark.parametrize(
    ("since", "until", "waited"),
    [(2.5, 4.5, 0.0), (1.0, 4.0, 1.0), (4.0, 9.0, 3.0), (5.5, 6.0, 0.5), (8.0, 11.0, 3.0)],
)
def test_what_is_given_back_was_held_until_then(since, until, waited):
    assert needless([Hold("short", "one", since, until)], RUNS, FREE) == {"short": waited}


def test_what_has_started_waits_no_more():
    runs = [*RUNS, Run("short", 1, 6.0, 6.1)]

    assert needless([Hold("short", "one", 4.0, 9.0)], runs, FREE) == {"short": 1.0}


def test_the_longest_stay_with_one_worker_counts():
    holds = [Hold("short", "one", 5.0, 5.5), Hold("short", "other", 5.6, 6.9)]

    assert needless(holds, RUNS, FREE)["short"] == pytest.approx(1.3)
