"""What stands on every page of a dashboard: queues, processes and counts, at one moment, in one round trip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.api import queues as reading
from mainspring.api.processes import Process, Processes
from mainspring.api.queues import QueueState
from mainspring.base.timesource import TimeSource
from mainspring.store import batches, entries, keys, processes, queues, sets, stats
from mainspring.store.connection import Store


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The cluster at one moment.

    Attributes:
        at: When it was read, in unix seconds.
        queues: All queues, by name.
        processes: All processes that show themselves, without what they run.
        scheduled: Jobs for later.
        retries: Jobs that will be tried again.
        dead: Jobs that will not.
        processed: Runs so far, failed ones included.
        failed: Failed runs so far.
        next_retry: When the next of the retries is due, in unix seconds; None without any.
        periodic: Entries of the schedule.
        batches: Batches that are remembered.
    """

    at: float
    queues: Sequence[QueueState]
    processes: Sequence[Process]
    scheduled: int
    retries: int
    dead: int
    processed: int
    failed: int
    next_retry: float | None
    periodic: int
    batches: int

    @property
    def enqueued(self) -> int:
        """Jobs that wait in queues."""
        return sum(queue.size for queue in self.queues)

    @property
    def busy(self) -> int:
        """Jobs that run."""
        return sum(process.busy for process in self.processes)

    @property
    def capacity(self) -> int:
        """Jobs that can run at once: in workers that still start some."""
        return sum(process.concurrency for process in self.processes if not process.is_quiet)


class Overview:
    """Reads snapshots; remembers the names of queues and processes, so that a look is one round trip.

    A queue or process that is new since the last look costs that look a second one.
    """

    def __init__(self, store: Store, time: TimeSource, namespace: str = "") -> None:
        """Look at *store*, and at the schedule of *namespace*; nothing is asked yet."""
        self._store = store
        self._time = time
        self._namespace = namespace
        self._names: tuple[list[str], list[str]] = ([], [])

    def read(self) -> Snapshot:
        """Return how all stands now.

        Raises:
            StoreError: If the store cannot be asked.
        """
        while True:
            asked = self._names
            answers = self._ask(*asked)
            self._names = (answers[0], sorted(answers[1]))
            if asked == self._names:
                return self._snapshot(*asked, answers[2:])

    def _ask(self, names: list[str], identities: list[str]) -> list[Any]:
        counts = [sets.size(key) for key in (keys.SCHEDULE, keys.RETRY, keys.DEAD)]
        answers = self._store.pipeline(
            [
                queues.names(),
                processes.identities(),
                *counts,
                stats.counters(),
                sets.page(keys.RETRY, 0, 1),
                entries.count(self._namespace),
                batches.count(),
                *map(processes.description, identities),
                *reading.questions(names),
            ]
        )
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _snapshot(self, names: list[str], identities: list[str], answers: list[Any]) -> Snapshot:
        scheduled, retries, dead, (processed, failed), due, periodic, remembered, *rest = answers
        described = zip(identities, rest, strict=False)
        everybody = Processes(self._store, self._time)
        return Snapshot(
            at=self._time.now(),
            queues=reading.states_in(self._store, self._time, names, rest[len(identities) :]),
            processes=[everybody.described(identity, facts, {}) for identity, facts in described if facts],
            scheduled=scheduled,
            retries=retries,
            dead=dead,
            processed=processed,
            failed=failed,
            next_retry=due[0][1] if due else None,
            periodic=periodic,
            batches=remembered,
        )
