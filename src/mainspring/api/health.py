"""What the checks look at beside a snapshot: asked in one round trip, with whatever else a page asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from mainspring.api.failures import Failure
from mainspring.api.overview import Overview, Snapshot
from mainspring.base.errors import StoreError
from mainspring.base.timesource import TimeSource
from mainspring.store import entries, failures, keys, marks, periodic, sets, stats, targets
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.periodic import Past

#: How many errors are looked at, those that were seen last.
ERRORS: Final = 20
#: How many entries of the schedule are looked at for missed ticks.
_ENTRIES: Final = 100
#: Seconds within which deaths count as of late.
LATE: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the checks look at, as it was at one moment.

    Attributes:
        snapshot: Queues, processes and counts.
        failures: The errors that were seen last, the newest first.
        deploys: When was what deployed, in unix seconds, of today and yesterday; oldest first.
        server: What the server says of itself; empty if it may not be asked.
        targets: For how many seconds jobs of a queue may wait, by queue.
        due: When the job is due that is due first of those scheduled, in unix seconds; None without any.
        died: How many jobs died within the last hour.
        has_clock: Whether a clock lives; None if nobody can tell.
        missed: The newest missed tick by entry, of the hundred first, in unix seconds.
        is_open: Whether a dashboard lets in everybody; None if none is looked at.
    """

    snapshot: Snapshot
    failures: Sequence[Failure] = ()
    deploys: Sequence[tuple[float, str]] = ()
    server: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)
    due: float | None = None
    died: int = 0
    has_clock: bool | None = None
    missed: Mapping[str, float] = field(default_factory=dict)
    is_open: bool | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """What is asked of the store; `read` reads the answers.

    Attributes:
        namespace: Whose schedule is looked at.
        now: Unix seconds.
        guess: What the last one knew, in the form of `Answers.guess`: what it names is asked in the same round trip.
    """

    namespace: str
    now: float
    guess: Sequence[str] = ()

    @property
    def commands(self) -> list[Command[Any]]:
        """The calls."""
        return [
            failures.page(0, ERRORS),
            *(marks.of_day(self.now - back) for back in (marks.DAY, 0)),
            stats.server_info(),
            targets.read(),
            sets.page(keys.SCHEDULE, 0, 1),
            sets.since(keys.DEAD, self.now - LATE),
            periodic.current_code(self.namespace),
            periodic.is_alive(self.namespace, self._digest),
            entries.names(self.namespace),
            *(periodic.history(self.namespace, name, 1) for name in self._names),
        ]

    def read(self, answers: Sequence[Any]) -> Answers:
        """Return what the calls were answered; what was refused counts as unknown."""
        told = [None if isinstance(answer, StoreError) else answer for answer in answers]
        groups, yesterday, today, server, wanted, first, died, digest, alive, names, *pasts = told
        marked = [(at, label) for day in (yesterday, today) for at, label in _deploys(day or {})]
        return Answers(
            failures=[Failure.read(group, self.now) for group in groups or () if group.texts],
            deploys=sorted(marked),
            server=server or {},
            targets=wanted or {},
            due=first[0][1] if first else None,
            died=died or 0,
            has_clock=bool(alive) if digest == self._digest else None,
            missed=_missed(self._names, pasts),
            guess=[digest or "", *(names or ())[:_ENTRIES]],
        )

    @property
    def _digest(self) -> str:
        return self.guess[0] if self.guess else ""

    @property
    def _names(self) -> Sequence[str]:
        return self.guess[1:]


@dataclass(frozen=True, slots=True)
class Answers:
    """A `Reading` without its snapshot; see there. *guess* is for the next `Examination`."""

    failures: Sequence[Failure]
    deploys: Sequence[tuple[float, str]]
    server: Mapping[str, str]
    targets: Mapping[str, float]
    due: float | None
    died: int
    has_clock: bool | None
    missed: Mapping[str, float]
    guess: Sequence[str]

    def reading(self, snapshot: Snapshot, *, is_open: bool | None = None) -> Reading:
        """Return the whole, with what was read of queues and processes."""
        return Reading(
            snapshot,
            self.failures,
            self.deploys,
            self.server,
            self.targets,
            self.due,
            self.died,
            self.has_clock,
            self.missed,
            is_open,
        )


def read(store: Store, time: TimeSource, namespace: str = "") -> Reading:
    """Return all that the checks look at, for who looks once.

    Raises:
        StoreError: If the store cannot be asked.
    """
    snapshot = Overview(store, time, namespace).read()
    first = Examination(namespace, time.now())
    guess = first.read(store.pipeline(first.commands)).guess
    again = Examination(namespace, time.now(), guess)
    return again.read(store.pipeline(again.commands)).reading(snapshot)


def _deploys(marked: Mapping[str, str]) -> list[tuple[float, str]]:
    found = []
    for minute, label in marked.items():
        try:
            when = datetime.fromisoformat(minute)
        except ValueError:
            continue
        found.append(((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp(), label))
    return found


def _missed(names: Sequence[str], pasts: Sequence[Sequence[Past] | None]) -> dict[str, float]:
    newest = {name: past[0] for name, past in zip(names, pasts, strict=True) if past}
    return {
        name: past.at
        for name, past in newest.items()
        if past.record.get("kind") == "missed" or past.record.get("folded")
    }
