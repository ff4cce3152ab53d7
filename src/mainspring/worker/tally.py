"""Gathers what is kept of single runs for people, and tells the store every second.

That is failures by their errors, attempts that went well after others had failed, jobs that are done, and how jobs of
periodic entries ended. All were settled, so no job hangs on it; what was not told yet is lost with the process.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec.structs import replace

from mainspring.base.errors import StoreError
from mainspring.base.timesource import TimeSource
from mainspring.store import attempts, failures, periodic
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.failures import SAMPLES, Noted
from mainspring.store.periodic import Ended
from mainspring.store.ties import Failed, Trace

#: Seconds between two calls.
EVERY: Final = 1.0
#: The most errors that are told apart between two calls; runs that fail with others go into one.
MOST: Final = 5 * failures.MANY
#: The most runs that are kept until the store has them, and of periodic entries; of more, the newest.
MOST_RUNS: Final = 20_000
MOST_TICKS: Final = 2_000
_OTHERS: Final = "0" * 16
_OTHER: Final = Failed(_OTHERS, "(others)", "(others)", "(more errors at once than are told apart)", "", 0.0, "")


@dataclass(slots=True)
class _Count:
    newest: Failed
    queue: str
    first: float
    count: int = 0
    jids: deque[str] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def noted(self) -> Noted:
        last = self.newest
        facts = (last.job, last.error_class, last.message, last.frame, self.queue, last.backtrace)
        return Noted(last.signature, facts, self.count, self.first, last.at, tuple(self.jids))


class Tally:
    """Belongs to one thread."""

    def __init__(self, time: TimeSource) -> None:
        """Begin with nothing to tell."""
        self._time = time
        self._counts: dict[str, _Count] = {}
        self._runs: deque[Trace] = deque(maxlen=MOST_RUNS)
        self._ticks: deque[Trace] = deque(maxlen=MOST_TICKS)
        self._told = -math.inf

    def add(self, trace: Trace, queue: str) -> None:
        """Note what is kept of a run of a job that came from *queue*."""
        if trace.failed is not None:
            self._count(trace.failed, trace.jid, queue)
        if trace.attempt or trace.finished:
            self._runs.append(trace)
        if trace.entry:
            self._ticks.append(trace)

    def _count(self, failed: Failed, jid: str, queue: str) -> None:
        found = self._counts.get(failed.signature)
        if found is None:
            if len(self._counts) >= MOST:
                failed = replace(_OTHER, at=failed.at)
            found = self._counts.setdefault(failed.signature, _Count(failed, queue, failed.at))
        found.newest, found.queue = failed, queue
        found.count += 1
        if jid:
            found.jids.appendleft(jid)

    @property
    def due_in(self) -> float:
        """Seconds until the store shall be told; infinite if there is nothing to tell."""
        if not (self._counts or self._runs or self._ticks):
            return math.inf
        return max(self._told + EVERY - self._time.monotonic(), 0.0)

    def flush(self, store: Store) -> None:
        """Tell the store. This is for people: if nobody knows whether it has heard, it is not told again."""
        calls: list[Command[Any]] = [*self._failures(), *self._attempts(), *self._outcomes()]
        if not calls:
            return
        kept = self._counts, self._runs, self._ticks
        self._counts, self._runs, self._ticks = {}, deque(maxlen=MOST_RUNS), deque(maxlen=MOST_TICKS)
        self._told = self._time.monotonic()
        try:
            store.pipeline(calls)
        except StoreError as error:
            if error.applied is False:
                self._counts, self._runs, self._ticks = kept

    def _failures(self) -> Iterator[Command[int]]:
        noted = [each.noted() for each in self._counts.values()]
        for start in range(0, len(noted), failures.MANY):
            yield failures.note(noted[start : start + failures.MANY], now=self._time.now())

    def _attempts(self) -> Iterator[Command[int]]:
        runs = list(self._runs)
        for start in range(0, len(runs), attempts.MANY):
            yield attempts.note(runs[start : start + attempts.MANY])

    def _outcomes(self) -> Iterator[Command[Any]]:
        told: dict[str, list[Ended]] = {}
        for trace in self._ticks:
            told.setdefault(trace.entry, []).append(Ended(trace.ended, trace.outcome, trace.jid))
        for entry, ends in told.items():
            yield periodic.note_ends(entry, ends)
