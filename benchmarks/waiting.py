"""Finds jobs that one worker held, and had not started, while a slot was free somewhere.

Two records are held against each other: what each worker's hash of jobs in flight showed, looked
at from outside every few milliseconds, and when jobs began and ended by their own account.
"""

from __future__ import annotations

import re
import threading
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Self, cast

import redis

_JID: Final = re.compile(rb'"jid":"(\w+)"')
_LOOK: Final = 0.005


@dataclass(frozen=True)
class Hold:
    """A job that was in flight for a worker, in seconds on the runs' clock, as seen from outside."""

    jid: str
    holder: str
    since: float
    until: float


@dataclass(frozen=True)
class Run:
    """One run of a job, in the process *pid*."""

    jid: str
    pid: int
    start: float
    end: float


class Watch:
    """Looks at what is in flight, in a thread of its own; a context manager."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float], queue: str = "default") -> None:
        """Look at *queue* through *client*, which is used by nobody else meanwhile."""
        self._client = client
        self._clock = clock
        self._prefix = f"{{queue:{queue}}}:p:"
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._names: dict[tuple[str, bytes], str] = {}
        self._seen: dict[tuple[str, bytes], tuple[float, float]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._told.set()
        self._thread.join()

    def holds(self) -> list[Hold]:
        """Return what was seen; what came and went between two looks was held for no time that matters."""
        return [
            Hold(self._names[key], key[0], since, until)
            for key, (since, until) in self._seen.items()
            if key in self._names
        ]

    def _run(self) -> None:
        keys: list[str] = []
        renewed = 0.0
        while not self._told.is_set():
            if self._clock() - renewed > 0.25:
                renewed = self._clock()
                keys = [key.decode() for key in self._client.scan_iter(self._prefix + "*", count=1000)]
            for key in keys:
                self._look(key)
            time.sleep(_LOOK)

    def _look(self, key: str) -> None:
        fields = [field for field in cast(list[bytes], self._client.hkeys(key)) if field.isdigit()]
        now, holder = self._clock(), key.removeprefix(self._prefix)
        fresh: list[bytes] = []
        for field in fields:
            since, _ = self._seen.get((holder, field), (0.0, 0.0))
            if not since:
                fresh.append(field)
            self._seen[holder, field] = (since or now, now)
        if fresh:
            payloads = cast(list[bytes | None], self._client.hmget(key, fresh))
            for field, raw in zip(fresh, payloads, strict=True):
                if raw and (found := _JID.search(raw)):
                    self._names[holder, field] = found[1].decode()


def idle(runs: Iterable[Run], slots: Mapping[int, int]) -> list[tuple[float, float]]:
    """Return when at least one slot of any process was free.

    Args:
        runs: All runs.
        slots: How many each process has, by its id.
    """
    changes = sorted(change for run in runs for change in ((run.start, 1), (run.end, -1)))
    total, busy, since = sum(slots.values()), 0, float("-inf")
    free: list[tuple[float, float]] = []
    for at, change in changes:
        if busy < total <= busy + change:
            free.append((since, at))
        elif busy >= total > busy + change:
            since = at
        busy += change
    return [*free, (since, float("inf"))]


def needless(holds: Iterable[Hold], runs: Iterable[Run], free: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Return for each job how long it was held and not started while a slot was free: its longest such stay.

    Args:
        holds: What was seen in flight.
        runs: All runs.
        free: When a slot was free, in order.
    """
    starts: dict[str, list[float]] = defaultdict(list)
    for run in runs:
        starts[run.jid].append(run.start)
    share = Share(free)
    found: dict[str, float] = {}
    for hold in holds:
        started = min((at for at in starts[hold.jid] if at >= hold.since - _LOOK), default=hold.until)
        waited = share.of(hold.since, min(hold.until, started))
        found[hold.jid] = max(found.get(hold.jid, 0.0), waited)
    return found


class Share:
    """Tells how much of any time fell into some periods."""

    def __init__(self, periods: Sequence[tuple[float, float]]) -> None:
        """Take *periods* in order."""
        self._periods = periods
        self._ends = [end for _, end in periods]

    def of(self, since: float, until: float) -> float:
        """Return for how many seconds of those from *since* to *until* a period lasted."""
        total = 0.0
        for begin, end in islice(self._periods, bisect_right(self._ends, since), None):
            if begin >= until:
                break
            total += min(end, until) - max(begin, since)
        return total
