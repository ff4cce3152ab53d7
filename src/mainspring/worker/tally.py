"""Counts failed runs by their errors, and tells the store every other second.

A failure that is noted here was settled, so the store has the job; what is counted here and not told yet is lost with
the process.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace

from mainspring.base.errors import StoreError
from mainspring.base.timesource import TimeSource
from mainspring.store import failures
from mainspring.store.connection import Store
from mainspring.store.failures import SAMPLES, Noted
from mainspring.store.ties import Failed, Trace

#: Seconds between two calls.
EVERY: Final = 2.0
#: The most errors that are told apart between two calls; runs that fail with others go into one.
MOST: Final = 5 * failures.MANY
_OTHERS: Final = "0" * 16
_OTHER: Final = Failed(_OTHERS, "(others)", "(others)", "(more errors at once than are told apart)", "", 0.0, "")


@dataclass(slots=True)
class _Count:
    newest: Failed
    queue: str
    first: float
    count: int = 0
    jids: deque[str] = field(default_factory=lambda: deque(maxlen=SAMPLES))


class Tally:
    """Belongs to one thread."""

    def __init__(self, time: TimeSource) -> None:
        """Begin with nothing counted."""
        self._time = time
        self._counts: dict[str, _Count] = {}
        self._told = -math.inf

    def add(self, trace: Trace, queue: str) -> None:
        """Count the run that left *trace* and came from *queue*, if it failed."""
        failed = trace.failed
        if failed is None:
            return
        found = self._counts.get(failed.signature)
        if found is None:
            if len(self._counts) >= MOST:
                failed = replace(_OTHER, at=failed.at)
            found = self._counts.setdefault(failed.signature, _Count(failed, queue, failed.at))
        found.newest, found.queue = failed, queue
        found.count += 1
        if trace.jid:
            found.jids.appendleft(trace.jid)

    @property
    def due_in(self) -> float:
        """Seconds until the store shall be told; infinite if there is nothing to tell."""
        return max(self._told + EVERY - self._time.monotonic(), 0.0) if self._counts else math.inf

    def flush(self, store: Store) -> None:
        """Tell the store. Counts are for people: if nobody knows whether it has heard, it is not told again."""
        found, self._counts = self._counts, {}
        self._told = self._time.monotonic()
        noted = [
            Noted(
                signature,
                (
                    each.newest.job,
                    each.newest.error_class,
                    each.newest.message,
                    each.newest.frame,
                    each.queue,
                    each.newest.backtrace,
                ),
                each.count,
                each.first,
                each.newest.at,
                tuple(each.jids),
            )
            for signature, each in found.items()
        ]
        parts = [noted[start : start + failures.MANY] for start in range(0, len(noted), failures.MANY)]
        if not parts:
            return
        try:
            store.pipeline([failures.note(part, now=self._time.now()) for part in parts])
        except StoreError as error:
            if error.applied is False:
                self._counts = found
