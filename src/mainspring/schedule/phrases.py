"""Phrases: a small closed grammar of English, such as "every weekday at 9:30".

    every [N] second|minute|hour                        every 15 minutes
    every [N] day|week [on DAYS] [at TIMES]             every week on monday at 9:00
    every weekday|DAYS [at TIMES]                       every monday and friday at 5pm
    every [N] month [on ORDINALS] [at TIMES]            every month on the 1st and 15th at 6:00
    every year [on MONTH DAY] [at TIMES]                every year on june 1st at noon

A phrase becomes cron expressions, or a distance where no cron expression holds it: every 90 minutes
is neither hourly nor every two hours. What the grammar does not have is refused, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import fields
from mainspring.schedule.fields import MONTH, WEEKDAY

EXAMPLES = '"every 15 minutes", "every weekday at 9:30", "every monday and friday at 5pm", "every month on the 1st"'

_PHRASE = re.compile(r"every (?P<what>.+?)(?: on (?P<on>.+?))?(?: at (?P<at>.+))?")
_COUNTED = re.compile(r"(?:(?P<count>[0-9]{1,4}) )?(?P<unit>second|minute|hour|day|week|month|year)s?")
_TIME = re.compile(r"(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-5][0-9]))?(?: ?(?P<half>am|pm))?")
_ORDINAL = re.compile(r"(?:the )?(?:([0-9]{1,2})(?:st|nd|rd|th)|(last) day)")
_NTH = re.compile(r"(?:the )?(first|second|third|fourth|fifth|last) ([a-z]+)")
_DATE = re.compile(r"([a-z]+) ([0-9]{1,2})(?:st|nd|rd|th)?")
_AND = re.compile(r",? and |, ?")

_UNITS = {"second": "s", "minute": "m", "hour": "h", "day": "d", "week": "w"}
_NUMBERS = {"first": "#1", "second": "#2", "third": "#3", "fourth": "#4", "fifth": "#5", "last": "#-1"}
_NAMED_TIMES = {"midnight": (0, 0), "noon": (12, 0)}


@dataclass(frozen=True, slots=True)
class Distance:
    """What no cron expression holds: a period that the hour, the day or the week is no multiple of.

    Attributes:
        period: As `app.every` takes it: ``"2w"``.
        at: Times of day, with or without a weekday, as `app.every` takes them: ``"Monday 09:00"``.
    """

    period: str
    at: tuple[str, ...] = ()

    @property
    def call(self) -> str:
        """How it is written without a phrase."""
        at = f", at={list(self.at)}" if self.at else ""
        return f'app.every("{self.period}", ...{at})'


Said: TypeAlias = tuple[str, ...] | Distance
"""What a phrase says: cron expressions, whose ticks are united, or a distance."""


def is_phrase(text: str) -> bool:
    """Return whether *text* is to be read as a phrase."""
    return text[:5].lower() == "every"


def read(text: str) -> Said:
    """Return what a phrase says.

    Raises:
        InvalidSchedule: What cannot be read, and what could be.
    """
    phrase = " ".join(text.lower().split())
    match = _PHRASE.fullmatch(phrase)
    if match is None:
        raise InvalidSchedule(text, f"no phrase that is understood; write one such as {EXAMPLES}")
    return _Phrase(text, match["what"], match["on"], match["at"]).said()


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase in its parts.

    Attributes:
        text: All of it, for errors.
        what: What follows "every".
        on: What follows "on".
        at: What follows "at".
    """

    text: str
    what: str
    on: str | None
    at: str | None

    def said(self) -> Said:
        counted = _COUNTED.fullmatch(self.what)
        if counted is None:
            self.refuse(self.on, f'"on" does not go with "{self.what}"')
            return self.daily("*", "*", self.weekdays(self.what))
        count, unit = int(counted["count"] or 1), counted["unit"]
        if not count:
            raise self.wrong("a count of 0 never comes; write 1 or more")
        if unit in ("second", "minute", "hour"):
            return self.short(count, unit)
        longer: dict[str, Callable[[int], Said]]
        longer = {"day": self.days, "week": self.weeks, "month": self.months, "year": self.years}
        return longer[unit](count)

    # --- units -------------------------------------------------------------------

    def short(self, count: int, unit: str) -> Said:
        self.refuse(self.on or self.at, f'"every {self.what}" goes by itself, without "on" and "at"')
        # Whether the next unit is a multiple of it, so that the wall clock holds it.
        if count >= (size := 24 if unit == "hour" else 60) or size % count:
            return Distance(f"{count}{_UNITS[unit]}")
        step = "*" if count == 1 else f"*/{count}"
        return ({"second": f"{step} * * * * *", "minute": f"{step} * * * *", "hour": f"0 {step} * * *"}[unit],)

    def days(self, count: int) -> Said:
        self.refuse(self.on, '"on" does not go with days; write "every monday" or "every month on the 1st"')
        return self.daily("*", "*", "*") if count == 1 else Distance(f"{count}d", tuple(self.times_written()))

    def weeks(self, count: int) -> Said:
        weekdays = self.weekdays(self.on) if self.on else "0"
        if count == 1:
            return self.daily("*", "*", weekdays)
        if self.at and not self.on:
            raise self.wrong(f'a time needs its day: write "every {self.what} on monday at {self.at}"')
        times = self.times_written() or ["00:00"]
        at = tuple(f"{day} {time}" for day in self.names(self.on) for time in times) if self.on else ()
        return Distance(f"{count}w", at)

    def months(self, count: int) -> Said:
        if count > 1 and (count > 12 or 12 % count):
            raise self.wrong(f"a year is no multiple of {count} months; name the months in a cron expression")
        day, weekday = self.month_days(self.on or "the 1st")
        return self.daily(day, "*" if count == 1 else f"*/{count}", weekday)

    def years(self, count: int) -> Said:
        if count > 1:
            raise self.wrong("a schedule repeats each year, and cannot leave years out")
        match = _DATE.fullmatch(self.on or "january 1")
        month = match and self.named(match[1], MONTH.names)
        if match is None or month is None:
            raise self.wrong(f'"{self.on}" is no date; write one such as "on june 1st"')
        return self.daily(str(int(match[2])), str(month + 1), "*")

    # --- days --------------------------------------------------------------------

    def weekdays(self, text: str) -> str:
        if text in ("weekday", "weekdays"):
            return "1-5"
        first, to, last = text.partition(" to ")
        if to:
            return f"{self.weekday(first)}-{self.weekday(last)}"
        return ",".join(str(self.weekday(day)) for day in _AND.split(text))

    def weekday(self, word: str) -> int:
        number = self.named(word, WEEKDAY.names)
        if number is None:
            raise self.wrong(f'"{word}" is neither a unit of time nor a day of the week; write one such as {EXAMPLES}')
        return number

    def names(self, text: str) -> list[str]:
        """Return the full names of the days of the week that *text* lists."""
        weekday = fields.read(f"0 0 * * {self.weekdays(text)}", "").weekday
        return [WEEKDAY.names[day].capitalize() for item in weekday for day in item.values]

    def named(self, word: str, names: tuple[str, ...]) -> int | None:
        return next((i for i, name in enumerate(names) if word in (name, name[:3], f"{name}s")), None)

    def month_days(self, text: str) -> tuple[str, str]:
        """Return the fields of day and weekday for "the 1st and 15th", "the last day", "the first monday"."""
        parts = _AND.split(text)
        ordinals = [_ORDINAL.fullmatch(part) for part in parts]
        if all(ordinals):
            return ",".join("L" if match[2] else str(int(match[1])) for match in ordinals if match), "*"
        nths = [_NTH.fullmatch(part) for part in parts]
        if all(nths):
            return "*", ",".join(f"{self.weekday(match[2])}{_NUMBERS[match[1]]}" for match in nths if match)
        raise self.wrong(f'"{text}" is no day of a month; write "the 1st", "the last day" or "the first monday"')

    # --- times -------------------------------------------------------------------

    def daily(self, day: str, month: str, weekday: str) -> tuple[str, ...]:
        """Return an expression for all times that share their minute."""
        by_minute: dict[int, list[int]] = {}
        for hour, minute in self.times():
            by_minute.setdefault(minute, []).append(hour)
        return tuple(
            f"{minute} {','.join(map(str, hours))} {day} {month} {weekday}" for minute, hours in by_minute.items()
        )

    def times(self) -> list[tuple[int, int]]:
        return [self.time(word) for word in _AND.split(self.at)] if self.at else [(0, 0)]

    def times_written(self) -> list[str]:
        return [f"{hour:02}:{minute:02}" for hour, minute in self.times()] if self.at else []

    def time(self, word: str) -> tuple[int, int]:
        if word in _NAMED_TIMES:
            return _NAMED_TIMES[word]
        match = _TIME.fullmatch(word)
        if match is None or not (match["minute"] or match["half"]):
            raise self.wrong(f'"{word}" is no time of day; write "9:30", "17:00", "5pm", "noon" or "midnight"')
        hour, half = int(match["hour"]), match["half"]
        if hour > 23 or (half and not 1 <= hour <= 12):
            raise self.wrong(f'"{word}" is no time of day; hours go from 0 to 23, or from 1am to 12pm')
        if half:
            hour = hour % 12 + (12 if half == "pm" else 0)
        return hour, int(match["minute"] or 0)

    # --- errors ------------------------------------------------------------------

    def refuse(self, part: str | None, reason: str) -> None:
        if part:
            raise self.wrong(reason)

    def wrong(self, reason: str) -> InvalidSchedule:
        return InvalidSchedule(self.text, reason)
