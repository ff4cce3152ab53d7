"""The `at` of a period: which minutes of the week it names, in clockwork's grammar.

``"12:30"`` is a time of day, ``"**:15"`` (or ``"*:15"``) a minute of each hour, ``"12:**"``
each minute of an hour; a weekday may stand in front, ``"Monday 12:30"`` or ``"mon **:00"``.
How often such minutes are used is the period's affair: see `mainspring.schedule.spaced`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mainspring.base.errors import InvalidSchedule

HOUR, DAY, WEEK = 60, 24 * 60, 7 * 24 * 60
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# The first day of 1970, from which minutes are counted here, was a Thursday.
_FIRST_WEEKDAY = 3

_AT = re.compile(r"(?:([^\W\d_]+) +)?([0-9]{1,2}|\*{1,2}):([0-9]{2}|\*\*)")
_TWELVE_HOURS = re.compile(r"(?:[^\W\d_]+ +)?[0-9]{1,2}(?::[0-9]{2})? *[ap]\.?m\.?", re.IGNORECASE)
_GRAMMAR = (
    'at: write a time of day such as "09:30", a minute of each hour such as "**:15", or each minute of an hour '
    'such as "12:**", perhaps with a day in front such as "mon 09:30"; for several, a list of these'
)


@dataclass(frozen=True, slots=True)
class At:
    """Some minutes of the week, on the wall of any zone.

    Attributes:
        minute: The minute of the hour; None for each.
        hour: The hour of the day; None for each.
        weekday: The day, 0 for Monday; None for each.
    """

    minute: int | None
    hour: int | None = None
    weekday: int | None = None

    @property
    def is_fixed(self) -> bool:
        """Whether it names a time of day."""
        return self.hour is not None and self.minute is not None

    @property
    def is_hourly(self) -> bool:
        """Whether it names a minute of each hour of each day."""
        return self.hour is None and self.weekday is None

    @property
    def cron(self) -> str:
        """The same minutes as a cron expression."""
        day = "*" if self.weekday is None else _DAYS[self.weekday][:3]
        return f"{_or_star(self.minute)} {_or_star(self.hour)} * * {day}"

    @property
    def gap(self) -> int:
        """How many minutes lie between two of its minutes, at least."""
        if self.minute is None:
            return 1
        if self.hour is None:
            return HOUR
        return self.cycle

    @property
    def cycle(self) -> int:
        """After how many minutes it repeats; whole days."""
        return DAY if self.weekday is None else WEEK

    def is_on(self, day: int) -> bool:
        """Return whether some of its minutes lie on a *day*, counted from 1970."""
        return self.weekday is None or (day + _FIRST_WEEKDAY) % 7 == self.weekday

    @property
    def minutes(self) -> tuple[int, ...]:
        """Its minutes of one day, counted from midnight, in order."""
        hours = range(24) if self.hour is None else (self.hour,)
        minutes = range(HOUR) if self.minute is None else (self.minute,)
        return tuple(hour * HOUR + minute for hour in hours for minute in minutes)

    def following(self, moment: int) -> int:
        """Return the first of its minutes at or after *moment*; both are minutes on the wall, counted from 1970."""
        day, rest = divmod(moment, DAY)
        if self.is_on(day):
            for minute in self.minutes:
                if minute >= rest:
                    return day * DAY + minute
        return self.following((day + 1) * DAY)


def parse_all(at: object) -> tuple[At, ...]:
    """Return what *at* names, a text or a list of texts, each once.

    Raises:
        InvalidSchedule: What no clock ever shows, or cannot be read, and what would be right.
    """
    if isinstance(at, str):
        return (parse(at),)
    if not isinstance(at, Sequence) or isinstance(at, bytes | bytearray) or not at:
        raise InvalidSchedule(at, _GRAMMAR)
    return tuple(dict.fromkeys(map(parse, at)))


def parse(text: object) -> At:
    """Return what one *text* names; errors as for `parse_all`."""
    match = _AT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidSchedule(text, _hint(text))
    day, hour, minute = match.groups()
    found = At(
        _number(text, "minute", minute, 59),
        _number(text, "hour", hour, 23),
        None if day is None else _weekday(text, day),
    )
    if found.minute is None and found.hour is None:
        raise InvalidSchedule(text, "at: that is every minute; name an hour or a minute, or leave out at=")
    return found


def _number(text: object, unit: str, digits: str, most: int) -> int | None:
    if digits.startswith("*"):
        return None
    number = int(digits)
    if number > most:
        instead = '; midnight is "00:00"' if number == 24 and unit == "hour" else ""
        raise InvalidSchedule(text, f"at: there is no {unit} {number}; {unit}s go from 00 to {most}{instead}")
    return number


def _weekday(text: object, name: str) -> int:
    known = {key: index for index, day in enumerate(_DAYS) for key in (day, day[:3])}
    if name.casefold() in known:
        return known[name.casefold()]
    from difflib import get_close_matches

    close = get_close_matches(name.casefold(), _DAYS, n=1)
    instead = f'did you mean "{close[0]}"?' if close else 'write "mon" or "Monday"'
    raise InvalidSchedule(text, f'at: there is no day "{name}"; {instead}')


def _hint(text: object) -> str:
    """Return what to write in place of what cannot be read."""
    word = text.strip().casefold() if isinstance(text, str) else ""
    if word in {"noon", "midnight"}:
        return f'at: write {word} as "{"12:00" if word == "noon" else "00:00"}"'
    if _TWELVE_HOURS.fullmatch(word):
        return 'at: hours go from 00 to 23; half past nine in the evening is "21:30"'
    return _GRAMMAR


def _or_star(number: int | None) -> str:
    return "*" if number is None else str(number)
