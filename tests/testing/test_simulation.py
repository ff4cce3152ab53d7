"""Several clocks share a simulated store as they share a real one, and what workers leave in a queue is not done."""

from __future__ import annotations

import pytest

from mainspring import App
from mainspring.testing.simulation import SimulatedTime, Simulation

START = 1_800_000_000.0
HOUR = 3600.0


@pytest.fixture
def app():
    app = App("redis://127.0.0.1:1/0")
    app.job(name="report")(lambda: None)
    return app


def hours(simulation):
    return [(each.job.periodic["tick"] - START) / HOUR for each in simulation.pushed]


def test_clocks_side_by_side_enqueue_each_tick_once(app):
    app.every("1h", "report")
    simulation = Simulation(app, START)

    for name in ("a", "b", "c"):
        simulation.begin(name)
    simulation.run(START + 2.5 * HOUR)
    simulation.end("a")
    simulation.run(START + 4.5 * HOUR)

    assert hours(simulation) == [0, 1, 2, 3, 4]


def test_a_clock_that_ends_leaves_its_entries_to_the_next(app):
    app.every("1h", "report", missed="all")
    simulation = Simulation(app, START)

    simulation.begin()
    simulation.run(START + 1)
    simulation.end()
    simulation.run(START + 3.5 * HOUR)
    simulation.begin()
    simulation.run(START + 4.5 * HOUR)

    assert hours(simulation) == [0, 1, 2, 3, 4]
    assert [each.job.periodic["kind"] for each in simulation.pushed] == ["scheduled", *["caught_up"] * 3, "scheduled"]


def test_jobs_that_no_worker_takes_stay_in_their_queue_and_are_not_done(app):
    app.every("1h", "report", name="each")
    app.every("1h", "report", name="alone", overlap="skip")
    app.every("1h", "report", name="one waits", overlap="buffer")
    simulation = Simulation(app, START)
    simulation.begin()

    simulation.is_stopped = True
    simulation.run(START + 3.5 * HOUR)
    assert simulation.pushed == []
    simulation.is_stopped = False
    simulation.run(START + 4.5 * HOUR)

    ticks = [(each.job.periodic["name"], (each.job.periodic["tick"] - START) / HOUR) for each in simulation.pushed]
    waiting = [("alone", 0), ("alone", 4), ("one waits", 0), ("one waits", 4)]
    assert sorted(ticks) == sorted([*waiting, *(("each", hour) for hour in range(5))])


def test_time_goes_on_in_microseconds_and_never_back():
    time = SimulatedTime(START)

    time.reach(START + 0.100_000_6)
    assert time.now() == time.monotonic() == START + 0.100_001
    time.reach(START)
    assert time.now() == START + 0.100_001
