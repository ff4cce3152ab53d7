"""What was read a moment ago: however many tabs look at a page, the store is asked once a second."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

from mainspring.base.timesource import TimeSource

T = TypeVar("T")

#: Seconds for which what was read counts as new.
FRESH: Final = 1.0
#: Seconds for which it is kept, to be shown when the store is gone.
KEPT: Final = 900.0
#: The most that is kept, and so a bound on memory: pages are of at most 100 rows.
MOST: Final = 200


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    value: object = None
    at: float = float("-inf")


class Cache:
    """May be used by many threads at once: of those that want the same, one reads."""

    def __init__(self, time: TimeSource) -> None:
        """Begin empty."""
        self._time = time
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """Return what *read* returns, or returned within the last second."""
        entry = self._entry(key)
        with entry.lock:
            if self._time.monotonic() - entry.at > FRESH:
                entry.value, entry.at = read(), self._time.monotonic()
            return cast("T", entry.value)

    def last(self, key: Hashable) -> tuple[object, float] | None:
        """Return what was last read, and how many seconds ago; None if it is not kept."""
        with self._lock:
            entry = self._entries.get(key)
        age = float("inf") if entry is None else self._time.monotonic() - entry.at
        return None if entry is None or age > KEPT else (entry.value, age)

    def expire(self) -> None:
        """Let the next who ask see what was changed; what was read is kept for when the store is gone."""
        with self._lock:
            entries = list(self._entries.values())
        for entry in entries:
            entry.at = min(entry.at, self._time.monotonic() - FRESH - 0.001)

    def _entry(self, key: Hashable) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            while len(self._entries) > MOST:
                self._entries.popitem(last=False)
            return entry


class Guesses(MutableMapping[str, Sequence[str]]):
    """Names that pages found when they looked last; those that were not written for longest are forgotten.

    Keys may hold what people typed, so that their number has to be bounded.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._known: OrderedDict[str, Sequence[str]] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, key: str) -> Sequence[str]:
        """Return what was written last."""
        return self._known[key]

    def __setitem__(self, key: str, names: Sequence[str]) -> None:
        """Remember *names*."""
        with self._lock:
            self._known[key] = names
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)

    def __delitem__(self, key: str) -> None:
        """Forget a key."""
        with self._lock:
            del self._known[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys, as they were when it began."""
        with self._lock:
            return iter(list(self._known))

    def __len__(self) -> int:
        """Count the keys."""
        return len(self._known)
