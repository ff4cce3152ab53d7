"""Clocks of one App on simulated time: the real loop, on a store in memory, with nothing to wait for."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from mainspring.app import App
from mainspring.base import payload
from mainspring.base.payload import Payload
from mainspring.base.timesource import TimeSource
from mainspring.clock import Clock
from mainspring.events import Handlers
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.entry import Entry
from mainspring.schedule.hooks import Hooks
from mainspring.store import keys
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.entries import Definition
from mainspring.store.periodic import TickJob
from mainspring.testing.memory import MemoryStore

T = TypeVar("T")

#: Seconds between two looks of a clock for entries that others have changed; here there are no others.
POLL = 3600.0


class SimulatedTime(TimeSource):
    """Time that stands still until it is told to go on; it knows microseconds, as a server's clock does."""

    def __init__(self, start: float) -> None:
        """Begin at *start*, in unix seconds."""
        self._microseconds = round(start * 1_000_000)

    def now(self) -> float:
        """Return the simulated time, in unix seconds."""
        return self._microseconds / 1_000_000

    def monotonic(self) -> float:
        """Return the simulated time: it never jumps back."""
        return self.now()

    def sleep(self, seconds: float) -> None:
        """Let time go on."""
        self.reach(self.now() + seconds)

    def reach(self, instant: float) -> None:
        """Let it be *instant*, unless it is later."""
        # Floats of today's times are exact to a quarter of a microsecond.
        self._microseconds = max(self._microseconds, math.ceil(instant * 1_000_000 - 0.3))


class Calls(Protocol):
    """What makes calls to a store."""

    def run(self, command: Command[T]) -> T:
        """Make one call, as `Store.run` does."""

    def pipeline(self, commands: Sequence[Command[Any]]) -> list[Any]:
        """Make several calls, as `Store.pipeline` does."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """A job that a clock has enqueued.

    Attributes:
        at: When a worker took it, in unix seconds.
        job: What a worker would read.
        queue: The queue's name.
        due: When it is to run, in unix seconds; later than *at* if a middleware put it off.
    """

    at: float
    job: Payload
    queue: str
    due: float


@dataclass(frozen=True, slots=True)
class _Unfinished:
    """A job that is not done, and where it is."""

    place: str


class Desk:
    """The App as its clocks see it, but with another store, and another time.

    Attributes:
        namespace: The App's.
        schedule: Likewise.
        hooks: Likewise.
        handlers: Likewise.
        time: The simulated one.
        store: The store in memory.
    """

    def __init__(self, app: App, time: TimeSource, store: Store, find: Callable[[str], _Unfinished | None]) -> None:
        """Take over what does not change.

        Args:
            app: The App.
            time: The simulated time.
            store: The store in memory.
            find: Returns the job of an id, if it is not done.
        """
        self.namespace: str = app.namespace
        self.schedule: Catalog = app.schedule
        self.hooks: Hooks = app.hooks
        self.handlers: Handlers = app.handlers
        self.time = time
        self.store = store
        self.find = find
        self._app = app

    def definition(self, entry: Entry) -> Definition:
        """Return *entry* as data for the store."""
        return self._app.definition(entry)

    def tick_payload(
        self, entry: Entry, tick: float, now: float, *, kind: str, late: float, jid: str | None = None
    ) -> TickJob:
        """Return the job of one tick."""
        return self._app.tick_payload(entry, tick, now, kind=kind, late=late, jid=jid)


class Simulation:
    """Any number of clocks of one App, which begin and end when they are told to.

    Attributes:
        time: The simulated time, which `run` moves on.
        store: Where the clocks' entries and jobs are.
        pushed: The jobs that they have enqueued and workers have taken, in order.
        is_stopped: Whether jobs stay in their queues, as those of queues that are paused do.
    """

    def __init__(self, app: App, start: float, *, runs: Mapping[str, float] | None = None) -> None:
        """Begin at *start*, with an empty store and no clock.

        Args:
            app: The App; nothing of it is changed, and its own store is not asked.
            start: In unix seconds.
            runs: For how many seconds jobs run, by their names; all others are done at once.
        """
        self.time = SimulatedTime(start)
        self.store = MemoryStore(self.time)
        self.pushed: list[Pushed] = []
        self.is_stopped = False
        self._app = app
        self._runs = dict(runs or {})
        self._ends: dict[str, float] = {}
        self._clocks: dict[str, Clock] = {}
        self._wakes: dict[str, float] = {}

    def begin(self, name: str = "clock", store: Calls | None = None) -> None:
        """Start a clock, as a new process would; it does its first round when time goes on.

        Args:
            name: What to call it.
            store: What stands between it and the store, such as a fault.
        """
        # What makes calls has all of a store that a clock needs.
        desk = Desk(self._app, self.time, cast("Store", store or self.store), self._find)
        self._clocks[name] = Clock(desk, rng=random.Random(0), poll=POLL)
        self._wakes[name] = self.time.now()

    def end(self, name: str = "clock") -> None:
        """Let a clock be gone, as kill -9 would."""
        del self._clocks[name], self._wakes[name]

    def run(self, until: float) -> None:
        """Let time go on to *until*, in unix seconds, and the clocks do what is due before."""
        self._work()
        while self._wakes:
            name = min(self._wakes, key=self._wakes.__getitem__)
            if self._wakes[name] >= until:
                break
            self.time.reach(self._wakes[name])
            pause = self._clocks[name].step()
            self._wakes[name] = self.time.now() + max(pause, 0.000_001)
            self._work()
        self.time.reach(until)

    def _work(self) -> None:
        """Take the jobs that were enqueued, as workers with nothing else to do."""
        if self.is_stopped:
            return
        space, now = self.store.keyspace, self.time.now()
        for key in self._queues():
            for data in reversed(space.lists.pop(key)):
                self._take(Pushed(now, payload.read(data), key.removeprefix(keys.queue("")), now))
        for data, due in space.zsets.pop(keys.SCHEDULE, {}).items():
            job = payload.read(data)
            self._take(Pushed(now, job, str(job.queue), due))

    def _take(self, pushed: Pushed) -> None:
        self.pushed.append(pushed)
        self._ends[pushed.job.jid] = pushed.due + self._runs.get(pushed.job.name, 0.0)

    def _find(self, jid: str) -> _Unfinished | None:
        lists, needle = self.store.keyspace.lists, jid.encode()
        if any(needle in data for key in self._queues() for data in lists[key]):
            return _Unfinished("queue")
        return _Unfinished("running") if self._ends.get(jid, 0.0) > self.time.now() else None

    def _queues(self) -> list[str]:
        """Return the keys of the queues that hold jobs."""
        return [key for key in self.store.keyspace.lists if key.startswith(keys.queue(""))]
