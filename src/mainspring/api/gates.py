"""Gates, as people look at them: what each allows, what holds it, and what waits by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from mainspring.api import paging
from mainspring.api.jobs import StoredJob
from mainspring.api.paging import PAGE, Page
from mainspring.api.places import InLane, check_jid
from mainspring.base.errors import InvalidOption
from mainspring.base.timesource import TimeSource
from mainspring.store import gates
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.gates import Holder
from mainspring.store.limiters import KINDS, Limit

#: The most gates that `Gates` iterates over.
MOST: Final = 10_000
#: How many jobs of a lane `Gate.find` looks at.
BUDGET: Final = 100_000

_KINDS: Final = MappingProxyType({gates.QUEUE: "queue", gates.JOB: "job", gates.TURN: "turn"})


@dataclass(frozen=True, slots=True)
class GateState:
    """A gate at one moment.

    Attributes:
        name: Its name.
        kind: ``queue``, ``job``, ``turn``, or the kind of a limiter.
        most: How many may pass at once, or in the time; None if nobody has defined it, and then it is open.
        per: The time, in seconds, for limiters that have one; None for others.
        held: How many jobs hold it; of a limiter with a time, those that were let in and have not started.
        waiting: How many jobs wait by it.
    """

    name: str
    kind: str
    most: int | None
    per: float | None
    held: int
    waiting: int


@dataclass(frozen=True, slots=True)
class GateDetail:
    """All of a gate.

    Attributes:
        state: What it allows, and how many hold it and wait by it.
        holders: Jobs that hold it, the oldest first; a hundred at most.
        jobs: Jobs that wait by it, what waits longest coming first; a hundred at most.
    """

    state: GateState
    holders: Sequence[Holder]
    jobs: Sequence[StoredJob]


class Gate:
    """One gate. It need not be defined: one that is not is open."""

    def __init__(self, store: Store, time: TimeSource, name: str) -> None:
        """Look at the gate *name*; nothing is asked yet.

        Args:
            store: The store.
            time: The machine's clocks.
            name: Its name, such as ``c:shop.sync:acme``; what stands in a job's field ``flow`` under ``gates``.

        Raises:
            InvalidOption: If *name* can name no gate.
        """
        if not isinstance(name, str) or not name.isprintable() or "," in name or ":" not in name:
            raise InvalidOption(f"{name!r} names no gate; one is named such as 'q:reports' or 'window:partner'")
        self.name = name
        self._store = store
        self._time = time

    def __repr__(self) -> str:
        """Show the name."""
        return f"<Gate {self.name}>"

    def __len__(self) -> int:
        """Count the jobs that wait by it."""
        return self._store.run(gates.count_waiting(self.name))

    def __bool__(self) -> bool:
        """Be true though nothing may wait."""
        return True

    def state(self) -> GateState:
        """Return what it allows, what holds it and what waits, in one round trip."""
        return states(self._store, [self.name])[0]

    def look(self) -> GateDetail:
        """Return what it allows, the first that hold it, and the first that wait, in one round trip."""
        asked: list[Command[Any]] = [gates.holders(self.name, 0, PAGE), gates.page(self.name, 0, PAGE)]
        holders, waiting, *rest = told(self._store.pipeline([*asked, *questions([self.name])]))
        (state,) = states_in([self.name], rest)
        return GateDetail(state, holders, [self._stored(each.payload, each.entry) for each in waiting])

    def holders(self, skip: int = 0, count: int = PAGE) -> list[Holder]:
        """Return *count* jobs that hold it, the oldest first, *skip* of them left out.

        What holds it runs, or was let in and is in its queue.
        """
        return self._store.run(gates.holders(self.name, skip, count))

    def jobs(self, cursor: str = "", count: int = PAGE) -> Page[StoredJob]:
        """Return a page of the jobs that wait by it, what waits longest coming first."""
        return paging.page(self._read, cursor, count)

    def find(self, jid: str, *, budget: int = BUDGET) -> StoredJob | None:
        """Return the job *jid*; None if it is not among the first *budget* that wait by this gate."""
        check_jid(jid)
        for skip in range(0, budget, paging.MOST):
            part = self._store.run(gates.page(self.name, skip, paging.MOST))
            for each in part:
                if each.jid == jid:
                    return self._stored(each.payload, each.entry)
            if len(part) < paging.MOST:
                break
        return None

    def _read(self, skip: int, count: int) -> Sequence[StoredJob]:
        return [self._stored(each.payload, each.entry) for each in self._store.run(gates.page(self.name, skip, count))]

    def _stored(self, raw: bytes, entry: bytes) -> StoredJob:
        return StoredJob.read(self._store, self._time, raw, InLane(self.name, entry))


class Gates:
    """All gates by which jobs wait; any other can be asked for by its name."""

    def __init__(self, store: Store, time: TimeSource) -> None:
        """Look at the gates of *store*; nothing is asked yet."""
        self._store = store
        self._time = time

    def __iter__(self) -> Iterator[Gate]:
        """Iterate over the gates by which jobs wait, by name, ten thousand at most."""
        return (Gate(self._store, self._time, name) for name in self._names())

    def __len__(self) -> int:
        """Count the gates by which jobs wait."""
        return len(self._names())

    def __bool__(self) -> bool:
        """Be true though there may be none."""
        return True

    def __contains__(self, name: object) -> bool:
        """Return whether jobs wait by the gate *name*."""
        return name in self._names()

    def __getitem__(self, name: str) -> Gate:
        """Return the gate *name*.

        Raises:
            InvalidOption: If *name* can name no gate.
        """
        return Gate(self._store, self._time, name)

    def states(self) -> list[GateState]:
        """Return how all gates are by which jobs wait, by name."""
        return states(self._store, self._names())

    def defined(self) -> dict[str, str]:
        """Return what is defined, by gate, or by what the names of the gates of many keys begin with."""
        return self._store.run(gates.defined())

    def _names(self) -> list[str]:
        return sorted(name for name, _ in self._store.run(gates.crowded(MOST)))


def states(store: Store, names: Sequence[str]) -> list[GateState]:
    """Return how the gates *names* are, in one round trip."""
    return states_in(names, store.pipeline(questions(names)) if names else [])


def questions(names: Sequence[str]) -> list[Command[Any]]:
    """Return the calls that ask how the gates *names* are, none for none; `states_in` reads their answers."""
    asked = [word for name in names for word in (name, name.rpartition(":")[0])]
    calls = [call for name in names for call in (gates.count_holders(name), gates.count_waiting(name))]
    return [gates.allowed(asked), *calls] if names else []


def states_in(names: Sequence[str], answers: Sequence[Any]) -> list[GateState]:
    """Return how the gates *names* are, by what `questions` were answered.

    Raises:
        StoreError: If one was answered with an error.
    """
    found = answers[0] if told(answers) else []
    return [
        _state(name, own or base, held, waiting)
        for name, own, base, held, waiting in zip(
            names, found[::2], found[1::2], answers[1::2], answers[2::2], strict=True
        )
    ]


def told(answers: Sequence[Any]) -> Sequence[Any]:
    """Return the answers of a pipeline.

    Raises:
        StoreError: If one of them is an error.
    """
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def _state(name: str, allowed: str, held: int, waiting: int) -> GateState:
    kind, _, rest = name.partition(":")
    most, _, us = allowed.partition(":")
    per = Limit(kind, int(most), int(us), rest).seconds if us and kind in KINDS else None
    return GateState(name, _KINDS.get(kind, kind), int(most) if most else None, per, held, waiting)
