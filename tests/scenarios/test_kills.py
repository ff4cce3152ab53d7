"""No job is lost, whichever worker is killed with -9, and however often."""

from __future__ import annotations

from scenarios.kills import kill_workers, recovery_times


def test_ten_kills_under_load_lose_nothing(office):
    found = kill_workers(office, kills=10)

    assert found.lost == 0
    assert found.copies == 0
    assert found.overlap == 0
    assert found.dead == 0
    assert found.dup <= 10 * 10
    # Two seconds, and more for a loaded machine, on which a worker takes long to start.
    assert max(recovery_times(office, machine=False), default=0) < 2 + 5


def test_the_checker_finds_what_a_worker_on_brpop_loses(office):
    assert kill_workers(office, kills=3, mutant="brpop").lost > 0


def test_the_checker_finds_what_a_worker_that_acknowledges_first_loses(office):
    assert kill_workers(office, kills=3, mutant="ack_first").lost > 0
