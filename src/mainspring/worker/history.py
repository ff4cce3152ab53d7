"""Watches whether the store still knows what it knew a moment ago.

The deliveries of a queue are counted and the count only ever grows. Where it is
smaller than before, the store has lost its latest history: it was restarted without
its data, flushed, or replaced by an older copy of itself. Nobody else would say so:
what is lost raises no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mainspring.base.errors import StoreError
from mainspring.base.loggers import Log
from mainspring.store import processes
from mainspring.store.command import Command

_log: Final = Log("mainspring.worker")

#: The counts are read at one beat of so many: an idle process shall ask for little.
EVERY: Final = 2


class History:
    """The newest delivery seen on each queue of one process."""

    def __init__(self, names: Sequence[str]) -> None:
        """Begin with nothing seen.

        Args:
            names: The queues of this process.
        """
        self._seen = dict.fromkeys(names, 0)
        self._beats = 0

    def calls(self) -> list[Command[int]]:
        """Return the calls to make with this beat, whose answers `compare` takes: none with most."""
        self._beats += 1
        if self._beats % EVERY != 1:
            return []
        return [processes.deliveries(name) for name in self._seen]

    def compare(self, counts: Sequence[int | StoreError]) -> None:
        """Hold the counts of deliveries against those seen before, and report each that went back.

        A store that lost its history and then delivered more than ever before, all between two looks, goes
        unnoticed; it must be young for that.
        """
        if not counts:
            return
        for (name, before), count in zip(list(self._seen.items()), counts, strict=True):
            if isinstance(count, StoreError):
                continue
            self._seen[name] = count
            if count < before:
                _report(name, before, count)


def _report(queue: str, before: int, now: int) -> None:
    _log.error(
        "the store has lost history: it had made %d deliveries of %s and knows of %d; jobs pushed or done since may"
        " be gone, or run again. Was it restarted without its data, flushed, or replaced by an older copy?",
        before,
        queue,
        now,
        extra={"event": "store.lost_history", "facts": {"queue": queue, "before": before, "now": now}},
    )
