"""What tests of the clock share: an App, clocks in threads that are always stopped, and clocks that go step by step."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

import pytest

from mainspring import App
from mainspring.base.timesource import TimeSource
from mainspring.clock import Clock, Tick
from mainspring.clock.book import Book
from mainspring.schedule.catalog import Catalog
from mainspring.store.connection import Store


class Steered(TimeSource):
    """The machine's clocks, which a test may set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


class Office(App):
    """An App that soon notices when its server is gone.

    Entries are defined in its `schedule`, by names of jobs that nobody needs to know.
    """

    def __init__(self, url: str, *, namespace: str = "", prefix: str = "", tz: str = "UTC") -> None:
        super().__init__(url, namespace=namespace, tz=tz, time=Steered())
        self.own = Store(url, prefix=prefix, timeout=1.0)
        self.failed: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self.on_error(lambda error, _: self.failed.put(error))

    @property
    def store(self) -> Store:
        return self.own

    def lapse(self, seconds: float) -> None:
        """Let time go on for this process, and not for the server."""
        self.time.ahead += seconds

    def errors(self) -> list[BaseException]:
        """Return what the error handlers were told of, and nobody has read."""
        return [self.failed.get() for _ in range(self.failed.qsize())]

    def close(self) -> None:
        self.own.close()
        super().close()


class Watched:
    """One clock; what it says arrives in two queues."""

    def __init__(self, office: Office, *, alive_ms: int = 45_000) -> None:
        self.office = office
        self.book = Book(office, alive_ms)
        self.clock = Clock(office, book=self.book)
        self.ticks: queue.SimpleQueue[Tick] = queue.SimpleQueue()
        self.states: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.clock.ticked = self.ticks.put
        self.clock.became = self.states.put

    # --- in a thread of its own ------------------------------------------------------

    def start(self) -> Watched:
        self.clock.start()
        return self

    def stop(self) -> None:
        assert self.clock.stop()
        self.office.close()

    def next(self, count: int = 1, timeout: float = 15.0) -> list[Tick]:
        """Return the next *count* ticks that it settles."""
        return [self.ticks.get(timeout=timeout) for _ in range(count)]

    def became(self, state: str, timeout: float = 15.0) -> None:
        """Wait until it becomes *state*, which must be the next thing that it becomes."""
        assert self.states.get(timeout=timeout) == state

    def settled(self) -> list[Tick]:
        """Return the ticks that it has settled and nobody has read."""
        return [self.ticks.get() for _ in range(self.ticks.qsize())]

    # --- step by step ------------------------------------------------------------------

    def step(self) -> list[Tick]:
        """Let it do what is due, as often as there is something, and return what it has settled."""
        while self.clock.step() <= 0:
            pass
        return self.settled()

    def poll(self) -> list[Tick]:
        """Let a second go by for it, so that it asks what has changed; and step."""
        self.office.lapse(1.0)
        return self.step()

    def enter(self) -> list[Tick]:
        """Let so much time go by that a clock whose code does not count tries again; and step."""
        self.office.lapse(10.0)
        return self.step()


@pytest.fixture
def clocks() -> Iterator[Callable[..., Watched]]:
    """Make clocks, each as a process of its own would; the second argument defines its entries."""
    made: list[Watched] = []

    def make(
        url: str,
        define: Callable[[Catalog], object] = lambda _: None,
        *,
        namespace: str = "",
        prefix: str = "",
        tz: str = "UTC",
        alive_ms: int = 45_000,
    ) -> Watched:
        office = Office(url, namespace=namespace, prefix=prefix, tz=tz)
        define(office.schedule)
        made.append(Watched(office, alive_ms=alive_ms))
        return made[-1]

    yield make
    for watched in made:
        watched.stop()
