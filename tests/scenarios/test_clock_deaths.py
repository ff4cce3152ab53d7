"""A clock may die before or after any command that it sends: no tick is lost for it, and none enqueued twice."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from itertools import count
from typing import cast

import pytest

from mainspring import App
from mainspring.clock import Clock
from mainspring.schedule import ticks
from mainspring.store import keys, periodic
from mainspring.store.connection import Store
from mainspring.testing.simulation import Desk, Simulation
from scenarios.faultstore import Absent, Died, Mortal, Split, claim_first, push_first
from scenarios.record import record

START = 1_800_000_000.0
MINUTE = 60.0


def made(url: str = "redis://127.0.0.1:1/0") -> App:
    """Return an App whose entries are due now, and later each minute; that of a job that runs long is among them."""
    app = App(url)
    job = app.job(name="work")(lambda: None)
    for name in ("a", "b"):
        app.every("1m", job, name=name, missed="all")
    app.every("1m", job, name="alone", missed="all", overlap="skip")
    app.cron("* * * * *", job, name="by cron", missed="all")
    return app


# --- on a real server -----------------------------------------------------------------


def first_round(server, at: int, *, done: bool, split: Split | None = None) -> tuple[int, Counter[tuple[str, str]]]:
    """Let a clock die at command *at* of its first round, and another do what is left.

    Returns:
        How many commands the first one sent; how often each job is there, those that shall be there at least 0 times.
    """
    server.flush()
    app = made(server.url)
    store = Mortal(app.store, at=at, done=done, split=split)
    with suppress(Died):
        clock(app, cast("Store", store)).step()
    heir = clock(app, app.store)
    for _ in range(3):
        heir.step()
    jobs = [json.loads(data) for data in server.client.lrange(keys.queue("default"), 0, -1)]
    # The full minute may pass meanwhile.
    found = Counter((job["periodic"]["name"], job["jid"]) for job in jobs if job["periodic"]["name"] != "by cron")
    found.update(dict.fromkeys(wanted(server), 0))
    app.close()
    return len(store.sent), found


def wanted(server) -> list[tuple[str, str]]:
    """Return the jobs of the ticks at which entries were first seen."""
    anchors = {name: server.client.hget(keys.periodic_entry("", name), "anchor") for name in ("a", "b", "alone")}
    return [(name, ticks.jid(name, float(anchor))) for name, anchor in anchors.items()]


def clock(app: App, store: Store) -> Clock:
    return Clock(Desk(app, app.time, store, app.find))


def every_death(server, split: Split | None = None) -> dict[tuple[int, bool], Counter[tuple[str, str]]]:
    """Let clocks die at each command of their first round, once before and once after it was carried out."""
    found = {}
    for at in count():
        for done in (False, True):
            sent, jobs = first_round(server, at, done=done, split=split)
            if sent <= at:
                return found
            found[at, done] = jobs
    raise AssertionError("counting does not end")


def test_whenever_a_clock_dies_in_its_first_round_another_completes_it_once(server):
    found = every_death(server)

    wrong = {point: jobs for point, jobs in found.items() if set(jobs.values()) != {1}}
    record(
        "F22",
        "a clock dies before and after each command of its first round, and another goes on",
        "each tick once",
        deaths=len(found),
        lost=sum(number == 0 for jobs in wrong.values() for number in jobs.values()),
        double=sum(number > 1 for jobs in wrong.values() for number in jobs.values()),
    )
    assert len(found) > 16
    assert not wrong


@pytest.mark.parametrize(("split", "number"), [(claim_first, 0), (push_first, 2)])
def test_the_checker_finds_what_two_commands_in_place_of_one_do(server, split, number):
    found = every_death(server, split)

    assert any(number in jobs.values() for jobs in found.values())


# --- on simulated time ------------------------------------------------------------------


def minutes(at: int, *, done: bool, beside: bool) -> tuple[int, Simulation]:
    """Let a clock die at command *at* within three minutes, and another go on for a fourth."""
    simulation = Simulation(made(), START)
    store = Mortal(simulation.store, at=at, done=done)
    simulation.begin("doomed", store)
    if beside:
        simulation.begin("beside")
    with suppress(Died):
        simulation.run(START + 3 * MINUTE)
    simulation.end("doomed")
    if not beside:
        simulation.run(simulation.time.now() + 1)
        simulation.begin("heir")
    simulation.run(START + 4 * MINUTE)
    return len(store.sent), simulation


def ideal(simulation: Simulation) -> Counter[tuple[str, float]]:
    """Return each tick since its entry was first seen, once."""
    found: Counter[tuple[str, float]] = Counter()
    for name in ("a", "b", "alone", "by cron"):
        anchor = float(simulation.store.keyspace.hash(keys.periodic_entry("", name))["anchor"])
        first = anchor if name != "by cron" else -(-anchor // MINUTE) * MINUTE
        found.update((name, first + n * MINUTE) for n in range(4) if first + n * MINUTE < START + 4 * MINUTE)
    return found


@pytest.mark.parametrize("beside", [False, True], ids=["another comes", "another is there"])
def test_whenever_a_clock_dies_in_any_round_another_goes_on(beside):
    for at in count():
        for done in (False, True):
            sent, simulation = minutes(at, done=done, beside=beside)
            assert ticks_of(simulation) == ideal(simulation), (at, done)
        if sent <= at:
            break
    assert at > 16


def ticks_of(simulation: Simulation) -> Counter[tuple[str, float]]:
    return Counter((each.job.periodic["name"], each.job.periodic["tick"]) for each in simulation.pushed)


# --- a store that is away --------------------------------------------------------------

GONE, BACK = START + 5.5 * MINUTE, START + 15.5 * MINUTE


@pytest.mark.parametrize("restarted", [False, True], ids=["the clock waits", "the clock is restarted"])
@pytest.mark.parametrize(
    ("options", "caught_up", "folded"),
    [
        ({"missed": "once"}, [15], [9]),
        ({"missed": "once", "grace": "10s"}, [], [10]),
        ({"missed": "all"}, [6, 7, 8, 9, 10, 11, 12, 13, 14, 15], []),
        ({"missed": "all", "grace": "160s"}, [13, 14, 15], [7]),
        ({"missed": "skip"}, None, None),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_after_ten_minutes_without_a_store_each_policy_does_what_it_says(options, caught_up, folded, restarted):
    app = App("redis://127.0.0.1:1/0")
    app.every("1m", app.job(name="work")(lambda: None), name="entry", **options)
    simulation = Simulation(app, START)
    away = Absent(simulation.store, lambda: GONE <= simulation.time.now() < BACK)
    simulation.begin("clock", away)
    if restarted:
        simulation.run(GONE + MINUTE)
        simulation.end("clock")
        simulation.begin("clock", away)
    simulation.run(START + 20 * MINUTE)

    if options["missed"] == "skip":
        # A clock that was there has not missed them: the last may be late by its grace, a minute.
        caught_up, folded = ([], [10]) if restarted else ([15], [9])
    late = [(tick - START) / MINUTE for _, tick in ticks_of(simulation) if GONE <= tick < BACK]
    history = [past.record for past in simulation.store.run(periodic.history("", "entry"))]
    assert late == caught_up
    assert [line["folded"] for line in history if "folded" in line] == folded
    assert [line["tick"] for line in history if line["kind"] == "scheduled"][::-1] == [
        START + n * MINUTE for n in range(20) if not GONE <= START + n * MINUTE < BACK
    ]
    assert set(ticks_of(simulation).values()) == {1}
    assert away.tried > 10
