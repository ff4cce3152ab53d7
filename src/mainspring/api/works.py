"""What processes run, of some of them, in one round trip with whatever else is asked.

A cluster runs thousands of jobs at once, of which a page names a hundred: of the others no more is read than how they
are called and since when they run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import msgspec

from mainspring.api.jobs import StoredJob
from mainspring.api.processes import Process, Processes, Running
from mainspring.base.timesource import TimeSource
from mainspring.store import processes
from mainspring.store.command import Command
from mainspring.store.connection import Store


class _Record(msgspec.Struct):
    queue: str
    payload: str
    run_at: float


class _Job(msgspec.Struct):
    name: str = msgspec.field(name="class", default="")
    display_class: str | None = None
    wrapped: str | None = None


_record: Final = msgspec.json.Decoder(_Record)
_job: Final = msgspec.json.Decoder(_Job)


@dataclass(frozen=True, slots=True)
class Work:
    """A job that a process runs, as much of it as is read of all.

    Attributes:
        slot: The process's own name for what runs it.
        queue: The queue it was taken from.
        run_at: When it was started, in unix seconds.
        name: The job's name.
        title: The name for people.
        read: Reads the whole job.
    """

    slot: str
    queue: str
    run_at: float
    name: str
    title: str
    read: Callable[[], StoredJob]


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
    known = list(guess)
    while True:
        chosen = choose(known)
        questions = [ask(identity) for identity in chosen for ask in (processes.description, processes.work)]
        answers = store.pipeline([processes.identities(), *questions, *others])
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        known = sorted(answers[0])
        if choose(known) == chosen:
            end = 1 + len(questions)
            return _works(Processes(store, time), known, chosen, (answers[1:end], answers[end:]))


def _works(
    everybody: Processes, known: Sequence[str], chosen: Sequence[str], answers: tuple[Sequence[Any], Sequence[Any]]
) -> Works:
    own, others = answers
    described, running = zip(chosen, own[::2], strict=True), zip(chosen, own[1::2], strict=True)
    return Works(
        known,
        {identity: everybody.described(identity, facts, {}) for identity, facts in described if facts},
        {
            identity: [work for slot, data in found.items() if (work := _work(everybody, identity, slot, data))]
            for identity, found in running
        },
        others,
    )


def _work(everybody: Processes, identity: str, slot: bytes, data: bytes) -> Work | None:
    whole = partial(everybody.running, identity, slot, data)
    try:
        record = _record.decode(data)
        job = _job.decode(record.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        # Others have written it otherwise; that is read as it comes.
        found = whole()
        return None if found is None else _of_another(found)
    title = job.display_class or job.wrapped or job.name or "(unreadable)"
    return Work(slot.decode("utf-8", "replace"), record.queue, record.run_at, job.name, title, partial(_read, whole))


def _of_another(found: Running) -> Work:
    return Work(found.slot, found.queue, found.run_at, found.job.name, found.job.display_name, lambda: found.job)


def _read(whole: Callable[[], Running | None]) -> StoredJob:
    found = whole()
    if found is None:
        raise ValueError("a record that was read is no record")
    return found.job
