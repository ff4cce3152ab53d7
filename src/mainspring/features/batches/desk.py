"""What batches need of their App."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, Self

from mainspring.base.timesource import TimeSource
from mainspring.job import Job
from mainspring.options import Options
from mainspring.push import Push
from mainspring.shipment import Collector, Shipment
from mainspring.store.connection import AsyncStore, Store


class Pusher(Protocol):
    """The App's client, as far as a batch is concerned."""

    @property
    def limit(self) -> int:
        """The longest job, in bytes."""

    @property
    def collector(self) -> ContextVar[Collector | None]:
        """What takes jobs in place of the store."""

    def build(
        self, job: Job[Any, Any], args: Sequence[Any], kwargs: dict[str, Any], options: Options, *, jid: str = ""
    ) -> Push:
        """Return the record of one job."""

    def record(self, name: str, args: list[Any], kwargs: dict[str, Any], options: Options) -> Push:
        """Return the record of a job whose arguments are JSON-ready."""

    def prepare(self, push: Push) -> bool:
        """Run the middleware around a push that another makes; False if it stopped."""

    def deliver(self, shipment: Shipment) -> object:
        """Make a call, and return its answer."""

    async def adeliver(self, shipment: Shipment) -> object:
        """Make a call and return its answer, awaiting the store."""


class Host(Protocol):
    """The App, as far as its batches are concerned."""

    @property
    def client(self) -> Pusher:
        """What takes its jobs to the store."""

    @property
    def store(self) -> Store:
        """The store."""

    @property
    def async_store(self) -> AsyncStore:
        """The store, for calls that are awaited."""

    @property
    def time(self) -> TimeSource:
        """The clocks."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a batch needs of its App.

    Attributes:
        client: What takes jobs to the store.
        store: Returns the store.
        async_store: Returns the store, for calls that are awaited.
        time: The clocks.
    """

    client: Pusher
    store: Callable[[], Store]
    async_store: Callable[[], AsyncStore]
    time: TimeSource

    @classmethod
    def of(cls, app: Host) -> Self:
        """Return the desk of *app*; its stores are asked for when they are first needed."""
        return cls(app.client, lambda: app.store, lambda: app.async_store, app.time)
