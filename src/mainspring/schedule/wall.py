"""The minutes that a wall clock shows, as numbers that can be counted on.

A minute on the wall is counted from 1970, as if no clock had ever been changed, so
that a day later on the calendar is always 1,440 more.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta, tzinfo

from mainspring.schedule.changes import change_around, instant
from mainspring.schedule.zones import Dst

_BEGIN = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall has no zone
# Its number among the days that `toordinal` counts.
_FIRST_DAY = 719_163
_DAY = 86_400.0


def minute_at(t: float, zone: tzinfo) -> int:
    """Return which minute the clocks of *zone* show at *t*."""
    # Floored: `fromtimestamp` rounds to microseconds, perhaps up to the next minute.
    moment = datetime.fromtimestamp(math.floor(t), zone)
    return (moment.toordinal() - _FIRST_DAY) * 1440 + moment.hour * 60 + moment.minute


def begins(minute: int, zone: tzinfo) -> tuple[float, ...]:
    """Return each instant at which a *minute* begins: none if it is missing, two if it comes twice."""
    wall = _BEGIN + timedelta(minutes=minute)
    change = change_around(wall, zone)
    if change is None:
        return (instant(wall, zone),)
    return () if change.is_gap else (instant(wall, zone), instant(wall, zone, fold=1))


def runs(minute: int, zone: tzinfo, dst: Dst) -> tuple[float, ...]:
    """Return when a time of day runs that is meant for a *minute*: by *dst*, if it is missing or comes twice."""
    wall = _BEGIN + timedelta(minutes=minute)
    change = change_around(wall, zone)
    if change is not None and change.is_gap:
        return () if dst == "skip" else (change.at,)
    passes = range(2 if change is not None and dst == "both" else 1)
    return tuple(instant(wall, zone, fold) for fold in passes)


def is_changing(t: float, zone: tzinfo) -> bool:
    """Return whether clocks change within a day of *t*: only then can days overlap on the wall."""
    earlier, later = (datetime.fromtimestamp(t + way * _DAY, zone).utcoffset() for way in (-1, 1))
    return earlier != later
