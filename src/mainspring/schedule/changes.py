"""Between wall-clock times and instants: the times that are missing, and those that come twice.

A wall-clock time is a `datetime` without a zone; an instant is unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - as a wall clock shows it
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a zone's clocks.

    Attributes:
        at: The first instant at which they show another time.
        old: What they would have shown at that instant.
        new: What they show instead. From *old* to *new* times are missing, or from *new* to *old* they come twice.
    """

    at: float
    old: datetime
    new: datetime

    @property
    def is_gap(self) -> bool:
        """Whether times are missing; else they come twice."""
        return self.old < self.new


def change_around(wall: datetime, zone: tzinfo) -> Change | None:
    """Return the change of the clocks for which *wall* is missing, or comes twice; None for an ordinary time."""
    if zone is UTC:
        return None
    local = wall.replace(tzinfo=zone, fold=0)
    # As the language defines them, `fold` or not: the offsets before and after the change.
    old, new = local.utcoffset(), local.replace(fold=1).utcoffset()
    if old == new or old is None or new is None:
        return None
    elapsed = int((wall - _EPOCH).total_seconds())
    early, late = sorted((elapsed - int(old.total_seconds()), elapsed - int(new.total_seconds())))
    return _change(_first(new, early, late, zone), old, new)


def gaps(zone: tzinfo, start: float, end: float) -> Iterator[Change]:
    """Yield the changes from *start* to *end* that make times missing."""
    for early in range(int(start), int(end), _DAY):
        old, new = (datetime.fromtimestamp(t, zone).utcoffset() for t in (early, early + _DAY))
        if old is not None and new is not None and old < new:
            yield _change(_first(new, early, early + _DAY, zone), old, new)


def _change(at: int, old: timedelta, new: timedelta) -> Change:
    there = _EPOCH + timedelta(seconds=at)
    return Change(float(at), there + old, there + new)


def _first(offset: timedelta, early: int, late: int, zone: tzinfo) -> int:
    """Return the first second after *early*, and at *late* at the latest, at which a zone has an *offset*."""
    while late - early > 1:
        middle = (early + late) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            late = middle
        else:
            early = middle
    return late


def instant(wall: datetime, zone: tzinfo, fold: int = 0) -> float:
    """Return the instant at which *wall* comes, with a *fold* of 1 for the second time; it must not be missing."""
    return wall.replace(tzinfo=zone, fold=fold).timestamp()


def shown(t: int, zone: tzinfo) -> tuple[datetime, int]:
    """Return what the clocks of a zone show at *t*, and 1 if they show it for the second time, else 0."""
    local = datetime.fromtimestamp(t, zone)
    return local.replace(tzinfo=None, fold=0), local.fold
