"""Entries from outside of code: where they come from, and how much of them is accepted.

Code is trusted to know what it asks for. A request, a file or a database is not: one line of it
must not keep a cluster busy, or fill its store.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from mainspring.base import codec
from mainspring.base.errors import InvalidPayload, InvalidSchedule
from mainspring.schedule.entry import Entry
from mainspring.schedule.row import Row
from mainspring.schedule.ticks import MILLISECOND, Rule

#: How many entries there may be in all, if some come from outside of code.
MOST_ENTRIES: Final = 10_000
#: The shortest period, in seconds.
LEAST_PERIOD: Final = 1.0
#: The least seconds between two ticks of a cron expression. It is more than for a period, because a
#: sixth field is what people write by mistake: "* * * * * *", meaning each minute.
LEAST_GAP: Final = 10.0
#: The most that a key of an entry may hold, in bytes of JSON; and those of the keys that `_LONGEST` does not name.
LONGEST: Final = 4_000
_LONGEST: Final = {"description": 1_000, "args": 10_000, "kwargs": 10_000}

#: The shortest time from one look at a source to the next, in seconds.
LEAST_LOOK: Final = 0.1

# Begins a minute. Whether two ticks lie close together does not depend on when they are.
_SOME_INSTANT: Final = 1_700_000_040.0

#: Returns all entries that there shall be, each time that it is called.
Rows: TypeAlias = Callable[[], Iterable[Mapping[str, object] | Row]]


@dataclass(frozen=True, slots=True)
class Source:
    """Something outside of code that says which entries there shall be.

    Attributes:
        name: Its name, unique in the App.
        read: Called without arguments, in a thread of the clock's.
        every: Seconds from one look to the next.
    """

    name: str
    read: Rows
    every: float

    @property
    def origin(self) -> str:
        """What its entries have for their origin."""
        return f"sync:{self.name}"


def check_size(row: Row) -> None:
    """Refuse a row that holds too much, before anything is made of it.

    Raises:
        InvalidSchedule: The key that is too long, or is no JSON.
    """
    said = {"name": row.name, "job": row.job, "every": row.every, "cron": row.cron, "at": row.at, "tz": row.tz}
    for key, value in {**said, **row.options}.items():
        most = _LONGEST.get(key, LONGEST)
        try:
            size = len(codec.encode(value))
        except InvalidPayload as error:
            raise InvalidSchedule(key, f"in the entry {row.name!r:.300}: it must be JSON: {error}") from error
        if size > most:
            raise InvalidSchedule(
                key,
                f"in the entry {row.name!r:.300}: it has {size:,} bytes; from outside of code {most:,} are accepted",
            )


def check_pace(entry: Entry) -> None:
    """Refuse an entry that would be due too often.

    Raises:
        InvalidSchedule: How often it would be, and may be.
    """
    if entry.every is not None and entry.every < LEAST_PERIOD:
        raise InvalidSchedule(
            entry.schedule, f"every: from outside of code a period of {LEAST_PERIOD:g} s or more is accepted"
        )
    if entry.cron is not None and (gap := _least_gap(entry.rule)) < LEAST_GAP:
        raise InvalidSchedule(
            entry.schedule,
            f"cron: it is due {gap:g} s after its last time; from outside of code {LEAST_GAP:g} s or more are accepted;"
            " five fields begin with the minute",
        )


def _least_gap(rule: Rule) -> float:
    """Return the least seconds between two ticks: those of one minute, and the first thereafter."""
    least = math.inf
    first = tick = rule.after(_SOME_INSTANT - MILLISECOND)
    while first is not None and tick is not None and tick // 60 == first // 60:
        following = rule.after(tick)
        least = min(least, math.inf if following is None else following - tick)
        tick = following
    return least
