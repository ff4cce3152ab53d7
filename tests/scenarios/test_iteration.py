"""A long job does each of its items, in order, however often its worker is killed or stopped, and few of them twice."""

from __future__ import annotations

import pytest

from scenarios.iteration import SLACK, Row, judge, walk
from scenarios.record import at_length

ROWS = at_length(12_000, 100_000)
EVERY = at_length(0.5, 5.0)
ENDS = at_length((0.2, 1.6), (1.0, 9.0))


def test_each_row_is_done_in_order_and_at_most_one_interval_is_done_again(office):
    found = walk(office, rows=ROWS, every=EVERY, ends=ENDS)

    assert found.lost == 0
    assert found.gaps == 0
    assert found.again_after_stop == 0
    assert found.oldest <= EVERY + SLACK
    assert found.runs > 2


def test_the_checker_finds_a_cursor_that_is_saved_before_the_item_is_done(office):
    found = walk(office, rows=6_000, every=0.0, ends=(0.2, 0.6), most=3, mutant="mutants_iteration.ahead")

    assert found.lost > 0


def test_the_checker_finds_a_cursor_that_is_never_saved(office):
    found = walk(office, rows=8_000, every=0.2, ends=(0.9, 1.4), most=2, mutant="mutants_iteration.forgetful")

    assert found.again_after_stop > 0 or found.oldest > 0.2 + SLACK / 2


def test_the_judge_lets_each_end_answer_for_what_it_cost():
    seen = [Row(number, 1, 1.0 + number) for number in range(4)]
    seen += [Row(number, 2, 11.0 + number) for number in range(1, 3)]
    seen += [Row(number, 3, 21.0 + number) for number in range(3, 5)]

    stopped = judge(seen, 5, {1: 5.0}, {2})
    killed = judge([*seen[:-2], *(Row(number, 3, 30.0) for number in range(2, 5))], 5, {1: 5.0, 2: 14.5}, set())

    assert (stopped.again, stopped.again_after_stop, stopped.oldest) == (3, 0, 3.0)
    assert (killed.again, killed.oldest) == (4, 3.0)


@pytest.mark.parametrize(
    ("numbers", "lost", "gaps", "again"),
    [
        ([(1, 0), (1, 1), (2, 2)], 0, 0, 0),
        ([(1, 0), (1, 1), (2, 1), (2, 2)], 0, 0, 1),
        ([(1, 0), (2, 2)], 1, 1, 0),
        ([(1, 1), (1, 0), (1, 2)], 0, 3, 0),
        ([(1, 0), (1, 2), (2, 1), (2, 2)], 0, 1, 1),
    ],
)
def test_the_judge_counts_what_is_left_out_done_again_or_out_of_order(numbers, lost, gaps, again):
    found = judge([Row(number, pid, 0.0) for pid, number in numbers], 3, {}, set())

    assert (found.lost, found.gaps, found.again) == (lost, gaps, again)
