"""What processes run, of some of them, in one round trip with whatever else is asked.

A cluster runs thousands of jobs at once, of which a page names a hundred: of the others no more is read than how they
are called and since when they run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from mainspring.api import guessing
from mainspring.api.guessing import Guessed
from mainspring.api.jobs import StoredJob
from mainspring.api.processes import Process, Processes
from mainspring.base.timesource import TimeSource
from mainspring.store import processes
from mainspring.store.command import Command
from mainspring.store.connection import Store


class _Record(msgspec.Struct, gc=False):
    queue: str
    payload: str
    run_at: float


class _Job(msgspec.Struct, gc=False):
    name: str = msgspec.field(name="class", default="")
    display_class: str | None = None
    wrapped: str | None = None


_record: Final = msgspec.json.Decoder(_Record)
_job: Final = msgspec.json.Decoder(_Job)


class Work(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A job that a process runs, as much of it as is read of all.

    A page makes thousands at once: in C, and without cycles, so that Python's collector need not visit them.

    Attributes:
        slot: The process's own name for what runs it.
        queue: The queue it was taken from.
        run_at: When it was started, in unix seconds.
        name: The job's name.
        title: The name for people.
        source: What it was read from: the process, its name for the slot, the record.
        readers: What reads a process's record.
    """

    slot: str
    queue: str
    run_at: float
    name: str
    title: str
    source: tuple[str, bytes, bytes]
    readers: Processes

    def read(self) -> StoredJob:
        """Return the whole job."""
        found = self.readers.running(*self.source)
        if found is None:
            raise ValueError("a record that was read is no record")
        return found.job


@dataclass(frozen=True, slots=True)
class Works:
    """Processes with what they run, as they were read in one round trip.

    Attributes:
        identities: Of all processes, in order.
        processes: Those that were chosen and show themselves, by identity, without what they run.
        runs: What they run, by identity.
        others: The answers to what else was asked.
    """

    identities: Sequence[str]
    processes: Mapping[str, Process]
    runs: Mapping[str, Sequence[Work]]
    others: Sequence[Any]


def look(
    store: Store,
    time: TimeSource,
    guess: Sequence[str],
    choose: Callable[[Sequence[str]], Sequence[str]],
    others: Sequence[Command[Any]] = (),
) -> Works:
    """Return some processes with what they run; a second round trip is made if they were not guessed.

    Args:
        store: The store.
        time: The machine's clocks.
        guess: The identities of all processes, as they were when somebody looked last.
        choose: Returns of all identities those that are asked for.
        others: What else is asked.

    Raises:
        StoreError: If the store does not answer one of the calls.
    """
    found = guessing.look(store, processes.identities(), _questions, guess=guess, choose=choose, others=others)
    return _works(Processes(store, time), found)


def _questions(identities: Sequence[str]) -> list[Command[Any]]:
    return [ask(identity) for identity in identities for ask in (processes.description, processes.work)]


def _works(everybody: Processes, found: Guessed) -> Works:
    described = zip(found.chosen, found.own[::2], strict=True)
    running = zip(found.chosen, found.own[1::2], strict=True)
    return Works(
        found.names,
        {identity: everybody.described(identity, facts, {}) for identity, facts in described if facts},
        {
            identity: [work for slot, data in held.items() if (work := _work(everybody, identity, slot, data))]
            for identity, held in running
        },
        found.others,
    )


def _work(everybody: Processes, identity: str, slot: bytes, data: bytes) -> Work | None:
    source = (identity, slot, data)
    try:
        record = _record.decode(data)
        job = _job.decode(record.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Others have written it otherwise; that is read as it comes.
        found = everybody.running(*source)
        if found is None:
            return None
        return Work(found.slot, found.queue, found.run_at, found.job.name, found.job.display_name, source, everybody)
    title = job.display_class or job.wrapped or job.name or "(unreadable)"
    name = slot.decode("utf-8", "replace")
    return Work(name, record.queue, record.run_at, job.name, title, source, everybody)
