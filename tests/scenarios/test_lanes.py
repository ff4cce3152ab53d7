"""Gates keep their promise whoever is killed: never more than they allow, no slot lost, no job lost."""

from __future__ import annotations

import pytest

from scenarios.harness import eventually
from scenarios.lane_jobs import AT_ONCE, MANY
from scenarios.lanes import in_time, judge, kill_those_who_hold_gates, push_both_ways, until_done
from scenarios.record import at_length


def test_kills_cost_no_slot_and_let_in_no_more_than_gates_allow(office):
    found = kill_those_who_hold_gates(
        office, kills=at_length(6, 30), narrow=at_length(200, 1500), metered=at_length(40, 200)
    )

    assert found.lost == 0
    assert found.undone == 0
    assert found.at_once == AT_ONCE
    assert found.in_time <= MANY
    assert found.left == 0


def test_the_checker_finds_slots_that_are_not_given_back(office):
    assert (
        kill_those_who_hold_gates(office, kills=0, narrow=20, metered=0, mutant="mutants_lanes.keep_slots").undone > 0
    )


def test_the_checker_finds_workers_that_ask_nobody(office):
    found = kill_those_who_hold_gates(office, kills=0, narrow=60, metered=30, mutant="mutants_lanes.ask_nobody")

    assert found.at_once > AT_ONCE


def test_the_checker_finds_gates_at_which_nobody_looks(office):
    found = kill_those_who_hold_gates(office, kills=0, narrow=0, metered=30, mutant="mutants_lanes.open_nothing")

    assert found.undone > 0


@pytest.mark.parametrize("script", ["gate_enter", "gate_open", "jobs_finish"])
def test_lost_answers_cost_no_slot_and_no_job(proxied, script):
    office, proxy = proxied()
    for _ in range(2):
        office.start(concurrency=4).ready()
    proxy.lose_answers(script, every=3)

    for _ in range(4):
        push_both_ways(office, 10)
        office.push_many("metered", [()] * 5)
    # A script that opens gates is called seldom; each other with every few jobs.
    eventually(lambda: proxy.lost >= (1 if script == "gate_open" else 3), 60)
    proxy.be_good()
    found = judge(office, until_done(office, 60))

    assert (found.lost, found.undone, found.left) == (0, 0, 0)
    assert found.at_once <= AT_ONCE
    assert found.in_time <= MANY


@pytest.mark.parametrize(("starts", "most"), [([], 0), ([0.0], 1), ([0.0, 1.4, 1.6], 2), ([0.0, 1.0, 1.4, 3.0], 3)])
def test_the_checker_counts_starts(starts, most):
    assert in_time(starts) == most
