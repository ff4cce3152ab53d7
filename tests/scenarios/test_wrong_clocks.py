"""Clocks on machines whose time is wrong, and jumps, enqueue every tick once and none early; so they do if the server's jumps."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from scenarios.faketime import Faketime
from scenarios.record import LONG, at_length, record
from scenarios.ticktally import Tally, newest, rows, tally
from scenarios.timekeeper import Nursery
from servers import Server
from support import until

HOUR, YEAR = 3600, 365 * 86_400
JUMPS = (0, HOUR, -HOUR, YEAR, -YEAR)
SECONDS = at_length(4.0, 60.0)
#: By how much the server's time differs from the right one, one after the other.
OF_SERVER = at_length((HOUR, 0, HOUR + 60), (HOUR, 0, HOUR, -HOUR, HOUR + 60, -HOUR, HOUR + 120))
ROWS = rows(20, missed="all")


def jump(machines: list[Faketime], rng: random.Random) -> int:
    """Let the time of *machines* jump at random, and return how often it did."""
    told, jumps = threading.Event(), 0
    timer = threading.Timer(SECONDS, told.set)
    timer.start()
    while not told.wait(rng.uniform(0.05, 0.6)):
        rng.choice(machines).set(rng.choice(JUMPS))
        jumps += 1
    timer.join()
    return jumps


def run(server: Server, directory: Path, mutant: str = "") -> tuple[Tally, int, int]:
    """Let two clocks run on machines whose time jumps; return what was found, the jumps, and the seed."""
    seed = random.SystemRandom().randrange(10**6)
    folders = [directory / name for name in ("a", "b")]
    for folder in folders:
        folder.mkdir()
    machines = [Faketime(folder) for folder in folders]
    machines[0].set(-YEAR)
    machines[1].set(HOUR)
    one, two = (
        Nursery(server.url, folder, ROWS, mutant=mutant, env=machine.env)
        for folder, machine in zip(folders, machines, strict=True)
    )
    with one, two:
        one.start()
        two.start()
        until(lambda: one.watching() and two.watching(), 30)
        jumps = jump(machines, random.Random(seed))
        now = server.client.time()[0]
        if not mutant:
            until(lambda: min(newest(server, ROWS)) > now, 60)
        one.end_all()
        two.end_all()
    return tally(server, ROWS), jumps, seed


def test_clocks_whose_time_is_wrong_and_jumps_go_by_the_servers(server, tmp_path):
    found, jumps, seed = run(server, tmp_path)

    record(
        "F25",
        "two clocks whose machines' time jumps by an hour and a year, 20 entries of 1 and 2 s",
        "every tick enqueued exactly once, none early",
        **vars(found),
        jumps=jumps,
        seed=seed,
    )
    assert (found.missing, found.double, found.strange, found.early) == (0, 0, 0, 0)
    assert jumps > 5
    assert found.ticks > 10 * SECONDS


@pytest.mark.skipif(LONG, reason="the same at any length")
def test_the_checker_finds_clocks_that_go_by_their_own_time(server, tmp_path):
    found, _, _ = run(server, tmp_path, "mutants_clock.local_time")

    assert found.early > 10


@pytest.mark.parametrize("mutant", ["", "mutants_clock.no_compare"])
def test_a_server_whose_time_jumps_gets_no_tick_twice(private_server, tmp_path, mutant):
    time, entries = Faketime(tmp_path), rows(20, missed="once")
    server = private_server(wrapper=("env", *(f"{name}={value}" for name, value in time.env.items())))
    with Nursery(server.url, tmp_path, entries, mutant=mutant) as nursery:
        nursery.start()
        nursery.start()
        until(lambda: min(newest(server, entries)) > 0, 30)
        for seconds in OF_SERVER:
            before = now(server)
            time.set(seconds)
            until(lambda before=before: abs(now(server) - before) > 30, 15)
            # Time for both to look, and to do what they think is due.
            asked = calls(server)
            until(lambda asked=asked: calls(server) > asked + 10, 15)
        until(lambda: min(newest(server, entries)) > now(server) - 5, 30)
        nursery.end_all()

    found = tally(server, entries)
    if mutant:
        assert found.double
        return
    jobs = server.client.llen("queue:default")
    record("F25", "the server's time jumps by an hour, forth and back", "no tick twice", double=found.double, jobs=jobs)
    assert found.double == 0


def now(server: Server) -> int:
    return int(server.client.time()[0])


def calls(server: Server) -> int:
    """Return how many scripts were called so far."""
    return int(server.client.info("commandstats")["cmdstat_evalsha"]["calls"])
