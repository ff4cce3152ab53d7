"""A job that kills its process is dead after three deaths, and no other job with it."""

from __future__ import annotations

import pytest

from scenarios.harness import Office, Supervisor, check, eventually


def poisoned(office: Office, manner: str, mutant: str = "") -> str:
    """Run a pill among good jobs, long and short ones, under a supervisor; return its id."""
    office.push_many("work", [(office.rng.uniform(0, 5),) for _ in range(100)])
    office.push_many("work", [(300,) for _ in range(3)])
    pill = office.push("abort", manner, 50)
    office.push_many("work", [(300,) for _ in range(3)])
    office.push_many("work", [(office.rng.uniform(0, 5),) for _ in range(300)])
    with Supervisor(office, mutant=mutant, concurrency=4):
        eventually(lambda: len(office.dead()) + len(office.done()) >= len(office.pushed), 60)
        eventually(lambda: not office.in_flight(), 10)
    return pill


@pytest.mark.parametrize("manner", ["abort", "exit"])
def test_a_pill_is_dead_after_three_deaths_and_no_innocent_with_it(office, manner):
    pill = poisoned(office, manner)
    found = check(office, f"poison-{manner}")

    assert set(office.dead()) == {pill}
    record = office.dead()[pill]
    assert record["error_class"].rpartition(".")[2] == "PoisonPill"
    assert len(record["recovered"]) == 3
    assert len(office.runs("start", pill)) == 3
    assert set(office.pushed) - {pill} == office.done()
    assert (found.lost, found.overlap, found.copies) == (0, 0, 0)


def test_a_long_job_beside_which_a_pill_is_started_is_not_buried_with_it(office):
    long = office.push("work", 3500)
    pill = office.push("abort", "kill", 50)

    with Supervisor(office, concurrency=4):
        eventually(lambda: len(office.dead()) + len(office.done()) >= 2, 60)

    check(office, "poison-long")
    assert set(office.dead()) == {pill}
    assert office.done() == {long}


def test_the_checker_finds_innocents_that_are_blamed(office):
    # Without a pacemaker, death is seen when the lease runs out.
    office.timing = {"LEASE": 1.5, "BEAT": 0.3, "SWEEP": 0.3, "GRACE": 0.5}
    poisoned(office, "kill", mutant="blame_all")
    found = check(office, "poison-mutant")

    assert found.dead > 1
