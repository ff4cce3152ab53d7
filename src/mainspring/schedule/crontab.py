"""Cron expressions in mainspring's dialect: their ticks, and what is odd about them.

How it is written is told in `mainspring.schedule.dialect`, what the fields hold in
`mainspring.schedule.fields`, and what becomes of times on the days on which the clocks
change in `mainspring.schedule.timetable`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import changes, dialect, fields
from mainspring.schedule.fields import DAY, FIELDS, WEEKDAY, Fields, Item
from mainspring.schedule.phrases import Distance
from mainspring.schedule.timetable import Timetable
from mainspring.schedule.walks import Walk
from mainspring.schedule.zones import DSTS, Dst, zone

# What `odd_steps` reads is about an expression, not about an entry.
_ANY_NAME = "any"
_A_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Crontab:
    """Ticks of a cron expression; make it with `parse`.

    Attributes:
        text: As it was written, blanks normalised, without the zone.
        tz: The zone that counts: the one written in the expression, or else the one that was given.
        zone: The same.
        lines: The expressions that it stands for: one, but for some phrases.
        dst: What becomes of fixed times when the clocks change.
        tables: The ticks of each.
    """

    text: str
    tz: str
    zone: tzinfo
    lines: tuple[Fields, ...] = field(repr=False)
    dst: Dst = "vixie"
    tables: tuple[Timetable, ...] = field(default=(), repr=False, compare=False)

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        return min((tick for table in self.tables if (tick := table.after(t)) is not None), default=None)

    def before(self, t: float) -> float | None:
        """Return the last tick strictly before *t*."""
        return max((tick for table in self.tables if (tick := table.before(t)) is not None), default=None)

    def anchored(self, anchor: float) -> Crontab:  # noqa: ARG002 - times of day count from nothing
        """Return itself."""
        return self


@dataclass(frozen=True, slots=True)
class InGap:
    """A time that is missing on a day on which the clocks change.

    Attributes:
        wall: The time that no clock shows.
        runs: When it runs instead, in unix seconds; None if it does not run that day.
    """

    wall: datetime
    runs: float | None


def parse(expression: str, tz: str, *, name: str = "", dst: Dst = "vixie") -> Crontab:
    """Return the rule of a cron *expression* in the zone *tz*, unless the expression names a zone itself.

    Args:
        expression: Five fields, six with seconds first, ``@daily`` and the like, or a phrase.
        tz: An IANA name.
        name: The entry's, of which ``H`` is a hash.
        dst: What becomes of fixed times when the clocks change.

    Raises:
        InvalidSchedule: What is wrong, in which field, and what would be right.
    """
    if dst not in DSTS:
        raise InvalidSchedule(dst, f"dst: write one of {', '.join(map(repr, DSTS))}")
    written = dialect.read(expression)
    said = written.said()
    if isinstance(said, Distance):
        raise InvalidSchedule(expression, f"no cron expression holds such a distance; write {said.call}")
    counts = tz if written.tz is None else written.tz
    where = zone(counts)
    lines = tuple(fields.read(line, name) for line in said)
    tables = tuple(_table(line, where, dst) for line in lines)
    if any(table.walk.ends() for table in tables):
        raise InvalidSchedule(
            expression, 'no such date ever comes; check the day of month against the month ("L" is the last day)'
        )
    return Crontab(written.text, counts, where, lines, dst, tables)


def odd_steps(text: str) -> list[str]:
    """Return a sentence about each step of an expression that is uneven where its field begins again.

    Args:
        text: A cron expression that `parse` accepts.
    """
    said = dialect.read(text).said()
    if isinstance(said, Distance):
        return []
    lines = [fields.read(line, _ANY_NAME).row for line in said]
    return [sentence for row in lines for index in range(len(row)) for sentence in _odd(row, index)]


def in_gaps(rule: Crontab, start: float, end: float) -> list[InGap]:
    """Return the first time of *rule* that is missing on each day, from *start* to *end*, on which the clocks change.

    What goes by elapsed time misses nothing, but if its hour is named it does not run that day: ``*/15 2 * * *``.
    """
    found = []
    for change in changes.gaps(rule.zone, start, end):
        for line, table in zip(rule.lines, rule.tables, strict=True):
            wall = None if line.hour[0].is_wild else table.walk.after(change.old - _A_SECOND)
            if wall is not None and wall < change.new:
                found.append(InGap(wall, change.at if table.moved else None))
    return found


def _table(line: Fields, where: tzinfo, dst: Dst) -> Timetable:
    fixed = line.is_fixed
    return Timetable(Walk(line), where, once=fixed and dst != "both", moved=fixed and dst != "skip")


def _odd(row: tuple[tuple[Item, ...], ...], index: int) -> Iterator[str]:
    """Yield a sentence about each uneven step of one field."""
    field = FIELDS[index]
    if field is not WEEKDAY and len({value for item in row[index + 1] for value in item.values}) == 1:
        # Within one hour of the day, nothing follows its last minute.
        return
    for item in row[index]:
        last, first = item.values[-1:], item.values[:1]
        if item.step == 1 or item.kind == "span" or last == first:
            continue
        gap = field.size - last[0] + first[0]
        if gap != item.step:
            unit = "day" if field in (DAY, WEEKDAY) else field.name
            yield (
                f"in the {field.name} field, a step of {item.step} is uneven: "
                f"from {last[0]} on to {first[0]} it is {gap} {unit}{'s' if gap > 1 else ''}"
            )
