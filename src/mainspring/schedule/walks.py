"""Which wall-clock times a cron expression names, found with cronsim.

Seconds, minutes, hours and months are cronsim's. Days are looked up in a table of
the months by their shape, since the dialect has more of them than cronsim, whose own
search for a fifth Monday in a February takes longer than a millisecond.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from cronsim import CronSim

from mainspring.schedule.fields import Fields, Item

# cronsim wants an instant to begin with, and each walk has another.
_SOME_WALL = datetime(2026, 1, 1)  # noqa: DTZ001 - wall-clock time knows no zone
_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Days:
    """The days of an expression.

    Attributes:
        days: Items of the day of month.
        weekdays: Items of the weekday, Sunday being 0.
        both: Whether a day must fit both.
    """

    days: tuple[Item, ...]
    weekdays: tuple[Item, ...]
    both: bool
    _known: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict, compare=False, repr=False)

    def of(self, first: int, length: int) -> tuple[int, ...]:
        """Return the days of a month that has *length* days and begins with the weekday *first*, Sunday being 0."""
        shape = (first, length)
        if shape not in self._known:
            by_day = {day for item in self.days for day in _by_day(item, first, length)}
            by_weekday = {day for item in self.weekdays for day in _by_weekday(item, first, length)}
            self._known[shape] = tuple(sorted(by_day & by_weekday if self.both else by_day | by_weekday))
        return self._known[shape]


class Walk(CronSim):
    """Steps from one wall-clock time that an expression names to the next, or back; each step begins anew."""

    def __init__(self, fields: Fields) -> None:
        """Begin nowhere."""
        seconds, minutes, hours, months = map(_listed, (fields.second, fields.minute, fields.hour, fields.month))
        super().__init__(f"{seconds} {minutes} {hours} * {months} *", _SOME_WALL)
        self._days = Days(fields.day, fields.weekday, fields.both)

    def after(self, wall: datetime) -> datetime | None:
        """Return the first time after *wall*, which has no zone; None if there is none within 50 years."""
        return self._step(wall, 1)

    def before(self, wall: datetime) -> datetime | None:
        """Return the last time before *wall*; None if there is none within 50 years."""
        return self._step(wall, -1)

    def ends(self) -> bool:
        """Return whether there is no such time in any year."""
        lengths = {length for month in self.months for length in ((28, 29) if month == 2 else (_LENGTHS[month],))}
        return not any(self._days.of(first, length) for length in lengths for first in range(7))

    def advance_day(self) -> bool:
        """Go on to the next day that fits, or to the end of the month; return whether it went."""
        day = self.dt.day
        following = next((d for d in self._days_of_month() if d >= day), None)
        if following == day:
            return False
        begin = self.dt.replace(day=following or 1, hour=0, minute=0, second=0)
        self.dt = begin if following else begin + timedelta(days=_length(self.dt))
        return True

    def reverse_day(self) -> bool:
        """Go back to the last day that fits, or to the begin of the month; return whether it went."""
        day = self.dt.day
        last = next((d for d in reversed(self._days_of_month()) if d <= day), None)
        if last == day:
            return False
        end = self.dt.replace(day=last or day, hour=23, minute=59, second=59)
        self.dt = end if last else end - timedelta(days=day)
        return True

    def _days_of_month(self) -> tuple[int, ...]:
        return self._days.of((self.dt.isoweekday() - self.dt.day + 1) % 7, _length(self.dt))

    def _step(self, wall: datetime, direction: int) -> datetime | None:
        step = copy(self)
        step.dt, step.tick_direction = wall, direction
        return next(step, None)


def _length(d: date) -> int:
    return 29 if d.month == 2 and isleap(d.year) else _LENGTHS[d.month]


def nearest(day: int, first: int, length: int) -> int:
    """Return the weekday nearest to *day* within its month; see `Days.of`."""
    weekday = (first + day - 1) % 7
    if weekday == 6:
        return day - 1 if day > 1 else day + 2
    if weekday == 0:
        return day + 1 if day < length else day - 2
    return day


def _by_day(item: Item, first: int, length: int) -> Iterator[int]:
    if item.kind == "last":
        yield length
    elif item.kind == "last weekday":
        yield nearest(length, first, length)
    else:
        days = (day for day in item.values if day <= length)
        yield from (nearest(day, first, length) for day in days) if item.kind == "nearest" else days


def _by_weekday(item: Item, first: int, length: int) -> Iterator[int]:
    for weekday in item.values:
        days = range(1 + (weekday - first) % 7, length + 1, 7)
        if item.kind != "nth":
            yield from days
        elif item.nth <= len(days):
            yield days[item.nth - 1 if item.nth > 0 else -1]


def _listed(items: tuple[Item, ...]) -> str:
    if items[0].kind == "all" and items[0].step == 1:
        return "*"
    return ",".join(str(value) for item in items for value in item.values)
