"""Whoever is killed or cut off, and whatever the clocks say: a lock belongs to a living job, and is let go in the end."""

from __future__ import annotations

import random

import pytest

from scenarios.faketime import Faketime
from scenarios.locks import lock_under_fire
from scenarios.record import LONG, at_length, record

KILLS = at_length(3, 60)
HOUR, YEAR = 3600, 365 * 86_400
JUMPS = (0, HOUR, -HOUR, YEAR, -YEAR)


def test_locks_live_and_die_with_their_jobs(proxied, tmp_path, monkeypatch):
    time = Faketime(tmp_path)
    office, proxy = proxied()
    for name, value in time.env.items():
        # Workers only: they inherit it.
        monkeypatch.setenv(name, value)
    rng = random.Random(office.seed)

    found = lock_under_fire(office, proxy, kills=KILLS, jump=lambda: time.set(rng.choice(JUMPS)))

    record(
        "F28",
        f"unique jobs of 25 kinds, {KILLS} kills of one of two workers, connections cut, the workers' time jumping by an "
        "hour and a year, jobs deleted by hand",
        "lock => its jid lives; leaks 0; duplicates within TTL 0",
        **found.__dict__,
        seed=office.seed,
    )
    assert (found.orphans, found.doubles, found.leaks, found.lost, found.overlaps) == (0, 0, 0, 0, 0)
    assert found.pushed > 100
    assert found.duplicates > 20
    assert found.cut > 3


@pytest.mark.skipif(LONG, reason="the same at any length")
def test_the_checker_finds_locks_that_are_forgotten(proxied):
    found = lock_under_fire(*proxied(), kills=1, mutant="mutants_locks.forget")

    assert found.orphans
    assert found.leaks


@pytest.mark.skipif(LONG, reason="the same at any length")
def test_the_checker_finds_locks_that_are_let_go_before_their_jobs_end(proxied):
    assert lock_under_fire(*proxied(), kills=1, mutant="mutants_locks.let_go_early").doubles


@pytest.mark.skipif(LONG, reason="the same at any length")
def test_the_checker_finds_locks_that_are_let_go_in_a_second_step(proxied):
    assert lock_under_fire(*proxied(), kills=1, mutant="mutants_locks.let_go_late").orphans
