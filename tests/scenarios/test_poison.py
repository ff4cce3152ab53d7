"""A job that kills its process is dead after three deaths, and no other job with it."""

from __future__ import annotations

import pytest

from scenarios.harness import Office, Supervisor, check, eventually
from scenarios.record import at_length, record

GOOD = at_length(400, 10_000)


def poisoned(office: Office, manner: str, mutant: str = "", *, good: int = GOOD) -> tuple[str, int]:
    """Run a pill among good jobs, long and short ones, under a supervisor; return its id, and how many workers died."""
    office.push_many("work", [(office.rng.uniform(0, 5),) for _ in range(good // 4)])
    office.push_many("work", [(300,) for _ in range(3)])
    pill = office.push("crash", manner, 50)
    office.push_many("work", [(300,) for _ in range(3)])
    office.push_many("work", [(office.rng.uniform(0, 5),) for _ in range(good - good // 4)])
    with Supervisor(office, mutant=mutant, concurrency=4) as supervisor:
        eventually(lambda: len(office.dead()) + len(office.done()) >= len(office.pushed), 120)
        eventually(lambda: not office.in_flight(), 10)
    return pill, supervisor.restarts


@pytest.mark.parametrize("manner", ["abort", "segfault", "kill"])
def test_a_pill_is_dead_after_three_deaths_and_no_innocent_with_it(office, manner):
    pill, deaths = poisoned(office, manner)
    found = check(office, f"poison-{manner}", deaths=deaths)

    record(
        "F21",
        f"a job that ends its process ({manner}) among {len(office.pushed) - 1:,} good ones",
        "dead after exactly 3 deaths of a process; no innocent dead",
        started=len(office.runs("start", pill)),
        worker_deaths=deaths,
        innocents_dead=len(set(office.dead()) - {pill}),
        lost=found.lost,
        seed=office.seed,
    )
    assert set(office.dead()) == {pill}
    assert deaths == 3
    buried = office.dead()[pill]
    assert buried["error_class"].rpartition(".")[2] == "PoisonPill"
    assert len(buried["recovered"]) == 3
    assert len(office.runs("start", pill)) == 3
    assert set(office.pushed) - {pill} == office.done()
    assert (found.lost, found.overlap, found.copies) == (0, 0, 0)


def test_a_job_that_runs_into_a_limit_of_memory_fails_as_any_other_and_ends_nothing(office):
    pill, deaths = poisoned(office, "memory")
    found = check(office, "poison-memory")

    record(
        "F21",
        f"a job that runs into RLIMIT_AS among {len(office.pushed) - 1:,} good ones",
        "it fails and is tried again; no worker ends",
        worker_deaths=deaths,
        dead=found.dead,
        lost=found.lost,
        seed=office.seed,
    )
    assert deaths == 0
    assert office.done() == set(office.pushed)
    assert len(office.runs("start", pill)) == 2
    assert (found.lost, found.dup, found.overlap, found.copies, found.dead) == (0, 0, 0, 0, 0)


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
    poisoned(office, "kill", mutant="blame_all", good=400)
    found = check(office, "poison-mutant")

    assert found.dead > 1
