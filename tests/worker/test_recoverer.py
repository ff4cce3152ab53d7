"""The dead are found in time: nobody waits out a second grace because two clocks, or two calls, were not equally fast."""

from __future__ import annotations

import random

import pytest

from mainspring import App
from mainspring.store import keys, processes, queues, sets
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


def test_what_somebody_cleared_who_did_not_come_to_the_end_is_dropped_to_its_end(app, server):
    letter = app.job(name="letter", unique_for="1h")(lambda number: None)
    letter.using(queue="letters").enqueue_many((number,) for number in range(1200))
    letter.enqueue_in("1h", 5000)
    # Whoever cleared these died before anything was dropped.
    app.store.run(queues.clear("letters"))
    app.store.run(sets.clear(keys.SCHEDULE))
    assert sum(1 for _ in server.client.scan_iter(keys.lock("*"), count=1000)) == 1201

    recoverer(app, Time()).turn()

    assert not any(True for _ in server.client.scan_iter(keys.lock("*"), count=1000))
    assert not server.exists(keys.cleared("letters"))
    assert not server.exists(keys.cleared_set(keys.SCHEDULE))
    assert server.client.smembers(keys.QUEUES) == {b"default"}


def test_a_queue_and_a_set_that_are_cleared_by_hand_are_dropped_to_their_end(app, server):
    letter = app.job(name="letter", unique_for="1h")(lambda number: None)
    letter.using(queue="letters").enqueue_many((number,) for number in range(1200))
    app.store.run(queues.clear("letters"))
    letter.using(queue="letters").enqueue_many((number,) for number in range(2000, 2300))
    letter.enqueue_in("1h", 5000)

    assert app.queue("letters").clear() == 300
    assert app.scheduled.clear() == 1

    assert not any(True for _ in server.client.scan_iter(keys.lock("*"), count=1000))
    assert server.client.smembers(keys.QUEUES) == {b"default"}
