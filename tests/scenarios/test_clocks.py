"""However many clocks there are, and however often they are killed with -9: every tick is enqueued exactly once."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mainspring.store import keys
from scenarios.record import LONG, at_length, record
from scenarios.timekeeper import Nursery
from servers import Server
from support import until

SECONDS = at_length(4.0, 60.0)
#: Two hundred entries, some by periods and some by expressions, some put off by up to half a period.
ROWS = [
    {"name": f"{number:03}", "missed": "all", **how, **({"jitter": "0.4s"} if number % 5 == 0 else {})}
    for number, how in zip(
        range(200),
        [{"every": "1s"}, {"every": "2s"}, {"cron": "* * * * * *"}, {"cron": "*/2 * * * * *"}] * 50,
        strict=True,
    )
]


@dataclass(frozen=True)
class Found:
    """What became of the ticks of all entries.

    Attributes:
        ticks: How many there should be.
        missing: How many have no job.
        double: Jobs more than one for a tick.
        strange: Jobs for what is no tick.
    """

    ticks: int
    missing: int
    double: int
    strange: int


def look(server: Server) -> Found:
    """Hold the jobs in the queue against the ticks between each entry's first registration and its newest claim."""
    jobs = [json.loads(data)["periodic"] for data in server.client.lrange(keys.queue("default"), 0, -1)]
    found = Counter((job["name"], round(job["tick"] * 1000)) for job in jobs)
    ideal = {(row["name"], tick) for row in ROWS for tick in ideal_ms(server, row)}
    return Found(
        ticks=len(ideal),
        missing=len(ideal - set(found)),
        double=sum(found.values()) - len(found),
        strange=len(set(found) - ideal),
    )


def ideal_ms(server: Server, row: Mapping[str, Any]) -> Iterator[int]:
    """Yield the ticks of an entry in milliseconds, by its rule alone."""
    anchor, last = (
        round(float(value) * 1000)
        for value in server.client.hmget(keys.periodic_entry("", row["name"]), "anchor", "last")
    )
    step = 2000 if row.get("every") == "2s" or row.get("cron") == "*/2 * * * * *" else 1000
    first = anchor if "every" in row else -(-anchor // step) * step
    yield from range(first, last + 1, step)


def newest(server: Server) -> list[float]:
    """Return the newest claimed tick of each entry."""
    fields = [server.client.hget(keys.periodic_entry("", row["name"]), "last") for row in ROWS]
    return [float(field or 0) for field in fields]


def kill_and_start(nursery: Nursery, clocks: int, rng: random.Random, seconds: float) -> int:
    """Kill clocks with -9 and start them at random moments; return how many were killed."""
    told, pause, kills = threading.Event(), threading.Event(), 0
    timer = threading.Timer(seconds, told.set)
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


def run(server: Server, directory: Path, clocks: int, mutant: str = "") -> tuple[Found, int, int]:
    """Kill and start *clocks* clocks, then let one go on; return what was found, the kills, and the seed."""
    seed = random.SystemRandom().randrange(10**6)
    with Nursery(server.url, directory, ROWS, mutant=mutant) as nursery:
        for _ in range(clocks):
            nursery.start()
        until(lambda: nursery.watching() >= set(nursery.alive), 30)
        kills = kill_and_start(nursery, clocks, random.Random(seed), SECONDS)
        last = nursery.start()
        now = server.client.time()[0]
        until(lambda: min(newest(server)) > now, 60, every=0.2)
        for pid in [*nursery.alive]:
            nursery.end(pid)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in [*nursery.watching(), last]), 15)
    return look(server), kills, seed


@pytest.mark.parametrize("clocks", at_length([2], [1, 2, 5, 20]))
def test_clocks_that_are_killed_at_random_enqueue_every_tick_once(server, tmp_path, clocks):
    found, kills, seed = run(server, tmp_path, clocks)

    record(
        "F22",
        f"{clocks} clocks killed with -9 and started at random, 200 entries of 1 and 2 s",
        "every tick enqueued exactly once",
        ticks=found.ticks,
        missing=found.missing,
        double=found.double,
        strange=found.strange,
        kills=kills,
        seed=seed,
    )
    assert (found.missing, found.double, found.strange) == (0, 0, 0)
    assert found.ticks > 150 * SECONDS * 0.8
    assert kills > at_length(2, 15)


@pytest.mark.skipif(LONG, reason="the same at any length")
def test_the_checker_finds_clocks_that_claim_without_comparing(server, tmp_path):
    found, _, _ = run(server, tmp_path, 2, "mutants_clock.no_compare")

    assert found.double > 10
