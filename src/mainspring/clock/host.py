"""What the clock needs of the App, so that the App need not know the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mainspring.base.timesource import TimeSource
from mainspring.schedule.entry import Entry
from mainspring.store.connection import Store
from mainspring.store.periodic import TickJob


class Payloads(Protocol):
    """Makes the job of a tick, by the same code path as every other enqueue."""

    def tick_payload(self, entry: Entry, tick: float, now: float) -> TickJob:
        """Return the job of one tick; with an empty payload if a middleware stopped it.

        Args:
            entry: The entry that is due.
            tick: The nominal time; the job's id is ``schedule.ticks.jid(entry.name, tick)``.
            now: The server's time, for the job's own time stamps.
        """


class Host(Protocol):
    """The App, as far as the clock sees it."""

    @property
    def schedule(self) -> Mapping[str, Entry]:
        """The entries by name."""

    @property
    def store(self) -> Store:
        """The store to claim ticks in."""

    @property
    def time(self) -> TimeSource:
        """The machine's clocks."""

    @property
    def payloads(self) -> Payloads:
        """What makes the jobs."""


class Companion(Protocol):
    """A service that lives as long as the clock, such as the heartbeat that shows it as a process."""

    def start(self) -> None:
        """Begin, in a thread of its own."""

    def stop(self) -> None:
        """End, and return when it has ended."""
