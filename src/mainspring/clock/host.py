"""What the clock needs of the App, so that the App need not know the clock."""

from __future__ import annotations

from typing import Protocol

from mainspring.base.timesource import TimeSource
from mainspring.events import Handlers
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.entry import Entry
from mainspring.schedule.hooks import Hooks
from mainspring.store.connection import Store
from mainspring.store.entries import Definition
from mainspring.store.periodic import TickJob


class Found(Protocol):
    """A job, as far as the clock wants to know where it is."""

    @property
    def place(self) -> object:
        """Where it is; as text ``"running"``, ``"queue:default"``, ``"retry"``, ``"scheduled"`` or ``"dead"``."""


class Host(Protocol):
    """The App, as far as the clock sees it."""

    @property
    def namespace(self) -> str:
        """What keeps its entries apart from other Apps'."""

    @property
    def schedule(self) -> Catalog:
        """The entries of its code, by name."""

    @property
    def store(self) -> Store:
        """The store to claim ticks in."""

    @property
    def time(self) -> TimeSource:
        """The machine's clocks."""

    @property
    def hooks(self) -> Hooks:
        """What is called round rounds and ticks."""

    @property
    def handlers(self) -> Handlers:
        """What is called on errors."""

    def definition(self, entry: Entry) -> Definition:
        """Return *entry* as data for the store."""

    def tick_payload(
        self, entry: Entry, tick: float, now: float, *, kind: str, late: float, jid: str | None
    ) -> TickJob:
        """Return the job of one tick, by the code path of every other enqueue; an empty one if a middleware stopped it.

        Args:
            entry: The entry that is due.
            tick: The nominal time; the job's id is made of it.
            now: The server's time, for the job's own time stamps.
            kind: ``"scheduled"`` or ``"caught_up"``.
            late: Seconds since it was due.
            jid: The job's id.
        """

    def find(self, jid: str) -> Found | None:
        """Return the job *jid* wherever it is; None if it is nowhere."""


class Companion(Protocol):
    """A service that lives as long as the clock, such as the heartbeat that shows it as a process."""

    def start(self) -> None:
        """Begin, in a thread of its own."""

    def stop(self) -> None:
        """End, and return when it has ended."""
