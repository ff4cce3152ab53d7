"""What tests of the clock share: an App as small as the clock needs, and clocks that are always stopped."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator

import pytest

from mainspring.base.timesource import TimeSource
from mainspring.clock import Clock, Tick
from mainspring.schedule import ticks
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.entry import Entry
from mainspring.store.connection import Store
from mainspring.store.periodic import TickJob


class Office:
    """An App as the clock sees it, whose jobs carry their tick."""

    def __init__(self, url: str) -> None:
        self.schedule = Catalog()
        self.store = Store(url, timeout=1.0)
        self.time = TimeSource()
        self.payloads = self

    def tick_payload(self, entry: Entry, tick: float, now: float) -> TickJob:
        job = {
            "class": entry.job,
            "args": list(entry.args),
            "jid": ticks.jid(entry.name, tick),
            "tick": tick,
            "now": now,
        }
        return TickJob(entry.queue or "default", json.dumps(job).encode())


class Watched:
    """A clock in a thread of its own; what it says arrives in two queues."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.clock = Clock(office)
        self.ticks: queue.SimpleQueue[Tick] = queue.SimpleQueue()
        self.states: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.clock.ticked = self.ticks.put
        self.clock.became = self.states.put

    def start(self) -> Watched:
        self.clock.start()
        return self

    def stop(self) -> None:
        assert self.clock.stop()
        self.office.store.close()

    def next(self, count: int = 1, timeout: float = 15.0) -> list[Tick]:
        """Return the next *count* ticks that it settles."""
        return [self.ticks.get(timeout=timeout) for _ in range(count)]

    def became(self, state: str, timeout: float = 15.0) -> None:
        """Wait until it becomes *state*, which must be the next thing that it becomes."""
        assert self.states.get(timeout=timeout) == state

    def settled(self) -> list[Tick]:
        """Return the ticks that it has settled and nobody has read."""
        return [self.ticks.get() for _ in range(self.ticks.qsize())]


@pytest.fixture
def clocks() -> Iterator[Callable[..., Watched]]:
    """Make clocks; each argument after the URL is a function that defines entries."""
    made: list[Watched] = []

    def make(url: str, define: Callable[[Catalog], object]) -> Watched:
        office = Office(url)
        define(office.schedule)
        made.append(Watched(office))
        return made[-1]

    yield make
    for watched in made:
        watched.stop()
