"""What is known of queues beside their size: targets, limits, and how many of their jobs were taken so far.

The calls are written down first, so that a page asks them in one round trip with whatever else it asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.api import guessing
from mainspring.api.jobs import StoredJob
from mainspring.api.places import InQueue
from mainspring.base.timesource import TimeSource
from mainspring.store import gates, processes, queues, targets
from mainspring.store.command import Command
from mainspring.store.connection import Store


@dataclass(frozen=True, slots=True)
class Standing:
    """What is set for a queue, and how much was taken from it.

    Attributes:
        target: For how many seconds its jobs may wait; None if nobody has said.
        concurrency: How many of its jobs run at once in the whole cluster; None for as many as there are slots.
        taken: How many of its jobs were handed to workers so far.
        size: How many jobs wait in it.
    """

    target: float | None = None
    concurrency: int | None = None
    taken: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Looked:
    """Queues, as they were read in one round trip.

    Attributes:
        names: Of all queues, in order.
        standings: Of those that were chosen, by name.
        others: The answers to what else was asked.
    """

    names: Sequence[str]
    standings: Mapping[str, Standing]
    others: Sequence[Any]


def look(
    store: Store,
    guess: Sequence[str],
    choose: Callable[[Sequence[str]], Sequence[str]],
    others: Sequence[Command[Any]] = (),
) -> Looked:
    """Return what is known of some queues; a second round trip is made if their names were not guessed.

    Args:
        store: The store.
        guess: The names of all queues, as they were when somebody looked last.
        choose: Returns of all names those that are asked for.
        others: What else is asked.

    Raises:
        StoreError: If the store does not answer one of the calls.
    """
    found = guessing.look(store, queues.names(), _questions, guess=guess, choose=choose, others=others)
    return Looked(found.names, _standings(found.chosen, found.own), found.others)


def _questions(names: Sequence[str]) -> list[Command[Any]]:
    limits = [gates.allowed([gates.of_queue(name) for name in names])] if names else []
    return [targets.read(), *limits, *(ask(name) for name in names for ask in (processes.deliveries, queues.size))]


def _standings(names: Sequence[str], answers: Sequence[Any]) -> Mapping[str, Standing]:
    wanted, *rest = answers
    limits, counts = (rest[0], rest[1:]) if names else ((), ())
    return {
        name: Standing(wanted.get(name), int(most) if most.isdecimal() else None, taken, size)
        for name, most, taken, size in zip(names, limits, counts[::2], counts[1::2], strict=True)
    }


@dataclass(frozen=True, slots=True)
class Held:
    """What is in a queue.

    Attributes:
        jobs: Some of those that wait.
        lanes: By which gates how many others wait.
        is_paused: True if no job of it is started.
    """

    jobs: Sequence[StoredJob]
    lanes: Mapping[str, int]
    is_paused: bool


def page(queue: str, skip: int, count: int, *, newest: bool) -> list[Command[Any]]:
    """Return the calls that ask what is in *queue*; `paged` reads their answers."""
    read = queues.page if newest else queues.page_from_tail
    return [read(queue, skip, count), gates.lanes(queue), queues.paused()]


def paged(store: Store, time: TimeSource, queue: str, answers: Sequence[Any]) -> Held:
    """Return what is in *queue*, by what `page` was answered."""
    raws, lanes, paused = answers
    return Held([StoredJob.read(store, time, raw, InQueue(queue)) for raw in raws], lanes, queue in paused)
