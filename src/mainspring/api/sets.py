"""The scheduled, retry and dead set, as people look at them and steer them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

from mainspring.api import paging, places
from mainspring.api.filters import EVERY, JobFilter
from mainspring.api.jobs import StoredJob
from mainspring.api.paging import PAGE, Page
from mainspring.api.places import InSet
from mainspring.api.queues import emptied, send
from mainspring.base.errors import InvalidPayload
from mainspring.base.timesource import TimeSource
from mainspring.store import keys, queues, sets
from mainspring.store.command import Command
from mainspring.store.connection import Store

#: How many jobs of a set `JobSet.find` looks at where nobody says otherwise.
BUDGET: Final = 1_000_000
# How many the server looks at in one call, which others wait for.
_STEP: Final = 1_000


class JobSet:
    """One of the three sets of jobs that wait in no queue.

    The scheduled and the retry set begin with what is due next, the dead set with what died last.
    """

    def __init__(self, store: Store, time: TimeSource, key: str) -> None:
        """Look at the set with *key*, one of ``keys.SCHEDULE``, ``keys.RETRY`` and ``keys.DEAD``."""
        self._store = store
        self._time = time
        self._place = InSet(key)
        self._key = key
        self._newest_first = key == keys.DEAD

    def __repr__(self) -> str:
        """Show which one it is."""
        return f"<JobSet {self.name}>"

    @property
    def name(self) -> str:
        """``scheduled``, ``retry`` or ``dead``."""
        return str(self._place)

    @property
    def size(self) -> int:
        """How many jobs are in it."""
        return self._store.run(sets.size(self._key))

    def __len__(self) -> int:
        """Count its jobs."""
        return self.size

    def __bool__(self) -> bool:
        """Be true though it may be empty."""
        return True

    # --- looking -----------------------------------------------------------------------

    def page(self, cursor: str = "", count: int = PAGE) -> Page[StoredJob]:
        """Return a page of its jobs, in order.

        Raises:
            InvalidOption: If *cursor* is not that of a page, or *count* not from 1 to 1,000.
        """
        return paging.page(self._read, cursor, count)

    def __iter__(self) -> Iterator[StoredJob]:
        """Iterate over its jobs, in order; they may be moved or deleted meanwhile."""
        return paging.walk(self._read, self._standing)

    def find(self, jid: str, *, budget: int = BUDGET) -> StoredJob | None:
        """Return the job *jid*; None if it is not among the *budget* jobs that are looked at."""
        pattern = "*" if places.check_jid(jid).startswith("raw-") else f"*{_literally(jid)}*"
        return next((job for job in self._scan(pattern, budget) if job.jid == jid), None)

    def select(self, which: JobFilter = EVERY) -> Iterator[StoredJob]:
        """Iterate over the jobs that *which* means, in no order; they may be moved or deleted meanwhile."""
        return (job for job in self._scan("*", None) if which.matches(job))

    # --- one ---------------------------------------------------------------------------

    def retry(self, job: StoredJob | str) -> bool:
        """Push a job into its queue now; as `StoredJob.retry`. A jid will do."""
        found = self._one(job)
        return found is not None and found.retry()

    def kill(self, job: StoredJob | str) -> bool:
        """Move a job to the dead set; as `StoredJob.kill`. A jid will do."""
        found = self._one(job)
        return found is not None and found.kill()

    def delete(self, job: StoredJob | str) -> bool:
        """Drop a job for good; as `StoredJob.delete`. A jid will do."""
        found = self._one(job)
        return found is not None and found.delete()

    def reschedule(self, job: StoredJob | str, when: datetime | float) -> bool:
        """Let a job be due at *when*; as `StoredJob.reschedule`. A jid will do."""
        found = self._one(job)
        return found is not None and found.reschedule(when)

    # --- many --------------------------------------------------------------------------

    def retry_all(self, which: JobFilter = EVERY) -> int:
        """Push the jobs that *which* means into their queues, and return how many those were.

        What is no JSON object stays where it is.
        """
        return self._each(which, _maybe_retry)

    def kill_all(self, which: JobFilter = EVERY) -> int:
        """Move the jobs that *which* means to the dead set, and return how many those were."""
        killed = self._each(which, lambda job, now: places.kill(job.where, job.raw, now=now))
        if killed:
            self._store.pipeline(sets.trim_dead(self._time.now() - queues.DEAD_SECONDS, queues.DEAD_MOST))
        return killed

    def delete_all(self, which: JobFilter = EVERY) -> int:
        """Drop the jobs that *which* means for good, and return how many those were."""
        return self._each(which, lambda job, _: places.delete(job.where, job.raw))

    def clear(self) -> int:
        """Drop all jobs for good, and return how many there were; as `Queue.clear`."""
        return emptied(self._store, sets.clear(self._key), sets.sweep(self._key))

    # --- within ------------------------------------------------------------------------

    def _one(self, job: StoredJob | str) -> StoredJob | None:
        return job if isinstance(job, StoredJob) else self.find(job)

    def _each(self, which: JobFilter, make: Callable[[StoredJob, float], Command[int] | None]) -> int:
        done, waiting = 0, []
        for job in self.select(which):
            command = make(job, self._time.now())
            if command is not None:
                waiting.append(command)
            if len(waiting) == PAGE:
                done, waiting = done + send(self._store, waiting), []
        return done + send(self._store, waiting)

    def _scan(self, pattern: str, budget: int | None) -> Iterator[StoredJob]:
        """Yield each job that stands in the set all the while, once.

        The server may show one twice; one that was acted on in between is gone then, so that
        acting on it again does nothing.
        """
        cursor, looked = 0, 0
        while budget is None or looked < budget:
            cursor, found = self._store.run(sets.scan(self._key, cursor, pattern, _STEP))
            yield from (self._stored(raw, score) for raw, score in found)
            looked += _STEP
            if cursor == 0:
                return

    def _read(self, skip: int, count: int) -> Sequence[StoredJob]:
        command = sets.page(self._key, skip, count, newest_first=self._newest_first)
        return [self._stored(raw, score) for raw, score in self._store.run(command)]

    def _standing(self, payloads: Sequence[bytes], _: int) -> int | None:
        ranks = self._store.pipeline([sets.rank(self._key, raw, newest_first=self._newest_first) for raw in payloads])
        return next((rank for rank in ranks if isinstance(rank, int)), None)

    def _stored(self, raw: bytes, score: float) -> StoredJob:
        return StoredJob.read(self._store, self._time, raw, self._place, score)


def _maybe_retry(job: StoredJob, now: float) -> Command[int] | None:
    try:
        return places.retry(job.where, job.raw, now=now)
    except InvalidPayload:
        return None


def _literally(text: str) -> str:
    """Return the server's pattern that matches *text* and nothing else."""
    return "".join(f"\\{sign}" if sign in "*?[]^-\\" else sign for sign in text)
