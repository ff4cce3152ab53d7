"""However many clocks there are, and however often they are killed with -9: every tick is enqueued exactly once."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from scenarios.record import LONG, at_length, record
from scenarios.ticktally import Tally, newest, rows, tally
from scenarios.timekeeper import Nursery
from servers import Server
from support import until

SECONDS = at_length(4.0, 60.0)
ROWS = rows(200, missed="all")


def kill_and_start(nursery: Nursery, clocks: int, rng: random.Random) -> int:
    """Kill clocks with -9 and start them at random moments; return how many were killed."""
    told, pause, kills = threading.Event(), threading.Event(), 0
    timer = threading.Timer(SECONDS, told.set)
    timer.start()
    while not told.is_set():
        # The more there are, the more often one dies.
        pause.wait(rng.uniform(0, 1.5) / clocks**0.5)
        if len(nursery.alive) < clocks and (not nursery.alive or rng.random() < 0.6):
            nursery.start()
        elif nursery.alive:
            nursery.end(rng.choice(nursery.alive))
            kills += 1
    timer.join()
    return kills


def run(server: Server, directory: Path, clocks: int, mutant: str = "") -> tuple[Tally, int, int]:
    """Kill and start *clocks* clocks, then let one go on; return what was found, the kills, and the seed."""
    seed = random.SystemRandom().randrange(10**6)
    with Nursery(server.url, directory, ROWS, mutant=mutant) as nursery:
        for _ in range(clocks):
            nursery.start()
        until(lambda: nursery.watching() >= set(nursery.alive), 30)
        kills = kill_and_start(nursery, clocks, random.Random(seed))
        nursery.start()
        now = server.client.time()[0]
        until(lambda: min(newest(server, ROWS)) > now, 60, every=0.2)
        nursery.end_all()
    return tally(server, ROWS), kills, seed


@pytest.mark.parametrize("clocks", at_length([2], [1, 2, 5, 20]))
def test_clocks_that_are_killed_at_random_enqueue_every_tick_once(server, tmp_path, clocks):
    found, kills, seed = run(server, tmp_path, clocks)

    record(
        "F22",
        f"{'1 clock' if clocks == 1 else f'{clocks} clocks'} killed with -9 and started at random, 200 entries of 1 and 2 s",
        "every tick enqueued exactly once",
        **vars(found),
        kills=kills,
        seed=seed,
    )
    assert (found.missing, found.double, found.strange, found.early) == (0, 0, 0, 0)
    assert found.ticks > 100 * SECONDS
    assert kills > SECONDS / 4


@pytest.mark.skipif(LONG, reason="the same at any length")
def test_the_checker_finds_clocks_that_claim_without_comparing(server, tmp_path):
    found, _, _ = run(server, tmp_path, 2, "mutants_clock.no_compare")

    assert found.double > 10
