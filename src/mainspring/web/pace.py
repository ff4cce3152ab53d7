"""How the clock keeps its time, for monitoring: when it ticked last, by how much it came late, what it left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from mainspring.api import timetable
from mainspring.api.timetable import Line, Tick
from mainspring.app import App
from mainspring.web.prometheus import Metric, single

#: Entries that are looked at, the first by name, and ticks of each.
ENTRIES: Final = 100
TICKS: Final = 30
#: Seconds for which a tick counts as one of now.
_RECENT: Final = 300.0
_OUTCOMES: Final = ("ok", "late", "skipped", "missed")


class Pace:
    """Counts ticks from look to look. One thread at a time may use it."""

    def __init__(self, app: App) -> None:
        """Look at the entries of *app*; nothing is asked yet."""
        self._app = app
        self._guess: Sequence[str] = ()
        self._seen: dict[str, float] | None = None
        self._ticks: Counter[str] = Counter(dict.fromkeys(_OUTCOMES, 0))

    def metrics(self) -> Iterator[Metric]:
        """Read the entries and yield their metrics; none if there are none.

        Raises:
            StoreError: If the store does not answer.
        """
        found = timetable.read(self._app, lambda names: names[:ENTRIES], self._guess, ticks=TICKS)
        self._guess = found.names
        if not found.names:
            return
        self._count(found.lines)
        told = "Ticks of the clock by what became of them, since this process looked first."
        yield Metric("clock_ticks_total", "counter", told, [({"outcome": o}, float(n)) for o, n in self._ticks.items()])
        yield from _now(found.lines, self._app.time.now())

    def _count(self, lines: Sequence[Line]) -> None:
        newest = {line.entry.name: line.ticks[-1].at for line in lines if line.ticks}
        if self._seen is not None:
            for line in lines:
                since = self._seen.get(line.entry.name, float("-inf"))
                self._ticks.update(each.fate for each in line.ticks if each.at > since and each.fate in _OUTCOMES)
        self._seen = (self._seen or {}) | newest if len(self._seen or ()) < 10 * ENTRIES else newest


def _now(lines: Sequence[Line], now: float) -> Iterator[Metric]:
    ticks = [tick for line in lines for tick in line.ticks if tick.fate != "manual"]
    recent = [tick.late for tick in ticks if tick.at >= now - _RECENT and tick.fate in {"ok", "late"}]
    if recent:
        told = "By how much the latest tick of the last five minutes came late."
        yield single("clock_lag_seconds", "gauge", told, max(recent))
    if ticks:
        yield single(
            "clock_last_tick_timestamp_seconds", "gauge", "When a tick was settled last.", max(map(_when, ticks))
        )
    overdue = max((line.overdue for line in lines), default=0.0)
    yield single("clock_overdue_seconds", "gauge", "For how long a tick has waited for a clock.", overdue)


def _when(tick: Tick) -> float:
    return tick.at + tick.late
