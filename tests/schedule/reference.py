"""A second opinion on cron: looks at each minute of a zone, and says whether an expression is due.

It shares no line with the package and knows nothing of cronsim, nor of `fold`: what a minute on
the wall is, missing or coming again, it sees by going through the minutes one by one. Slow, and
so simple that it can be believed.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_WEEKDAYS = "sun mon tue wed thu fri sat".split()
#: Name of each field, least value, how many.
_FIELDS = [("second", 0, 60), ("minute", 0, 60), ("hour", 0, 24), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7)]


#: Moments, parted where the clock shows another hour; within an hour none is missing but before its first moment.
Hours: TypeAlias = list[list["Moment"]]


@dataclass(frozen=True)
class Moment:
    """One step of a zone's clock.

    Attributes:
        at: Unix seconds.
        wall: What the clock shows.
        again: Whether it has shown that before.
        missing: What it would have shown since the step before, but did not.
    """

    at: int
    wall: datetime
    again: bool
    missing: tuple[datetime, ...]


def timeline(zone: str, begin: int, end: int, step: int = 60) -> list[Moment]:
    """Return each *step* of seconds of a zone's clock from *begin* on."""
    tick = timedelta(seconds=step)
    found: list[Moment] = []
    before = shown(zone, begin - step)
    newest = before
    for at in range(begin, end, step):
        wall = shown(zone, at)
        missing = []
        while before + tick < wall:
            before += tick
            missing.append(before)
        found.append(Moment(at, wall, wall <= newest, tuple(missing)))
        before, newest = wall, max(wall, newest)
    return found


def hours(line: list[Moment]) -> Hours:
    """Part a timeline where the clock shows another hour, or jumps."""
    parted: Hours = []
    for before, moment in pairwise([None, *line]):
        if before is None or moment.missing or before.wall.hour != moment.wall.hour or moment.again != before.again:
            parted.append([])
        parted[-1].append(moment)
    return parted


def shown(zone: str, at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


@dataclass(frozen=True)
class Reference:
    """When an expression of five or six fields is due."""

    expression: str
    dst: str = "vixie"
    _dates: dict[date, bool] = field(default_factory=dict, compare=False)

    def ticks(self, line: Hours) -> list[int]:
        return [moment.at for hour in line if self._is_possible(hour) for moment in hour if self.is_due(moment)]

    def _is_possible(self, hour: list[Moment]) -> bool:
        wall = hour[0].wall
        return bool(hour[0].missing) or (wall.hour in self.values["hour"] and self.on(wall.date()))

    def is_due(self, moment: Moment) -> bool:
        if not self.is_fixed:
            return self.matches(moment.wall)
        if self.dst != "skip" and any(self.matches(wall) for wall in moment.missing):
            return True
        return self.matches(moment.wall) and (self.dst == "both" or not moment.again)

    @cached_property
    def is_fixed(self) -> bool:
        return not any(self.parts[name].startswith("*") for name in ("second", "minute", "hour"))

    def matches(self, wall: datetime) -> bool:
        values = self.values
        return (
            wall.minute in values["minute"]
            and wall.hour in values["hour"]
            and wall.second in values["second"]
            and self.on(wall.date())
        )

    def on(self, day: date) -> bool:
        if day not in self._dates:
            self._dates[day] = self._on(day)
        return self._dates[day]

    def _on(self, day: date) -> bool:
        if day.month not in self.values["month"]:
            return False
        by_day = any(_is_day(item, day) for item in self.parts["day"].removesuffix("&").split(","))
        by_weekday = any(_is_weekday(item, day) for item in self.parts["weekday"].removesuffix("&").split(","))
        if any(
            self.parts[name].startswith(("*", "?")) or self.parts[name].endswith("&") for name in ("day", "weekday")
        ):
            return by_day and by_weekday
        return by_day or by_weekday

    @cached_property
    def parts(self) -> dict[str, str]:
        words = self.expression.lower().split()
        names = [name for name, *_ in _FIELDS]
        return dict(zip(names, ["0", *words][-6:], strict=True))

    @cached_property
    def values(self) -> dict[str, frozenset[int]]:
        return {
            name: frozenset(
                value
                for value in range(low, low + size)
                if any(_fits(item, value, low, size) for item in self.parts[name].split(","))
            )
            for name, low, size in _FIELDS
            if name not in {"day", "weekday"}
        }


def _is_day(item: str, day: date) -> bool:
    length = monthrange(day.year, day.month)[1]
    working = [d for d in range(1, length + 1) if day.replace(day=d).weekday() < 5]
    if item == "l":
        return day.day == length
    if item == "lw":
        return day.day == working[-1]
    if item.endswith("w"):
        meant = int(item[:-1])
        return meant <= length and day.day == min(working, key=lambda d: abs(d - meant))
    return _fits(item, day.day, 1, 31)


def _is_weekday(item: str, day: date) -> bool:
    if item.endswith("l"):
        item = f"{item[:-1]}#-1"
    name, _, nth = item.partition("#")
    if not _fits(name, day.isoweekday() % 7, 0, 7):
        return False
    if nth == "-1":
        return (day + timedelta(days=7)).month != day.month
    return (
        not nth
        or (day - timedelta(days=7 * int(nth))).month != day.month == (day - timedelta(days=7 * int(nth) - 7)).month
    )


def _fits(item: str, value: int, low: int, size: int) -> bool:
    """Return whether a plain item names a value: how far it is from the item's begin, round the field."""
    span, _, step = item.partition("/")
    first, dash, last = span.partition("-")
    if span in ("*", "?"):
        begin, length = low, size
    elif step and not dash:
        # To the field's end, which for weekdays is the second Sunday, 7.
        begin, length = _number(first), low + size - _number(first) + (size == 7)
    else:
        begin = _number(first)
        length = (_number(last or first) - begin) % size + 1
    away = (value - begin) % size
    return away < length and away % int(step or 1) == 0


def _number(word: str) -> int:
    if word[:3] in _MONTHS:
        return _MONTHS.index(word[:3]) + 1
    return _WEEKDAYS.index(word[:3]) if word[:3] in _WEEKDAYS else int(word)
