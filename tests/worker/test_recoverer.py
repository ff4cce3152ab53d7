"""The dead are found in time: nobody waits out a second grace because two clocks, or two calls, were not equally fast."""

from __future__ import annotations

import random

import pytest

from mainspring import App
from mainspring.store import processes, queues
from mainspring.worker.recoverer import Recoverer

GRACE = 15.0
NEVER = 100_000.0


class Time:
    """Clocks that a test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return 1_800_000_000.0 + self.seconds

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def app(server):
    """Give an App with one job in flight for a process that has died."""
    app = App(server.url)

    @app.job
    def add(a: int) -> None: ...

    add.enqueue(1)
    app.store.run(processes.register("default", "gone", 60_000))
    app.store.run(queues.fetch("default", "gone", 1, "1", "_req"))
    server.client.delete("{queue:default}:l:gone")
    yield app
    app.close()


def recoverer(app: App, time: Time) -> Recoverer:
    return Recoverer(app.store, every=NEVER, grace=GRACE, known=list, time=time, rng=random.Random(1))


def test_the_second_look_comes_as_soon_as_the_grace_is_over(app, server):
    found = recoverer(app, time := Time())

    assert found.turn() == GRACE
    server.client.hincrby("{queue:default}:suspect", "gone", -int(GRACE * 1000))
    time.seconds += GRACE

    assert found.turn() > GRACE
    assert server.client.llen("queue:default") == 1


def test_the_grace_counts_from_the_answer_of_a_slow_store(app, monkeypatch):
    found, run = recoverer(app, time := Time()), app.store.run

    def slowly(command):
        time.seconds += 5 if command.name == "process_suspect" else 0
        return run(command)

    monkeypatch.setattr(app.store, "run", slowly)

    assert found.turn() == GRACE


def test_a_second_look_that_is_too_early_for_the_store_is_repeated_soon(app, server):
    found = recoverer(app, time := Time())
    found.turn()
    time.seconds += GRACE

    assert found.turn() < 1
    assert not server.client.exists("queue:default")
    server.client.hincrby("{queue:default}:suspect", "gone", -int(GRACE * 1000))
    found.turn()

    assert server.client.llen("queue:default") == 1
