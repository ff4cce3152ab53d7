"""Periods: every so many seconds, or every so many days at times of day.

A plain period is elapsed time, counted from a stored anchor. With `at` it is
calendar time in a zone: the times are cron expressions, the period counts days.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from mainspring.base.durations import Duration, seconds
from mainspring.base.errors import InvalidDuration, InvalidSchedule
from mainspring.schedule import crontab
from mainspring.schedule.crontab import Cron
from mainspring.schedule.ticks import MILLISECOND, Rule

#: The shortest period, in seconds; below it a loop inside one job is the better tool.
SHORTEST = 0.1
DAY = 86_400
#: The longest, in seconds: a century, so that every tick is a date that all can show.
LONGEST = 36_525.0 * DAY

_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Interval:
    """A tick each *period* seconds of elapsed time, the first one at *anchor*."""

    period: float
    anchor: float = 0.0

    def after(self, t: float) -> float:
        """Return the first tick strictly after *t*."""
        # The quotient may be off by one either way, since ticks are rounded and floats are not exact.
        count = max(0, math.floor((t - self.anchor) / self.period) - 1)
        while (tick := self._tick(count)) <= t:
            count += 1
        return tick

    def anchored(self, anchor: float) -> Interval:
        """Return the same period, counted from *anchor*."""
        return Interval(self.period, anchor)

    # Each tick from the anchor, not from the one before: a sum of a million floats drifts.
    def _tick(self, count: int) -> float:
        return round(self.anchor + count * self.period, 3)


@dataclass(frozen=True, slots=True)
class EveryDays:
    """A tick at one time of day, on each *days*-th day counted from the *first*.

    Days are counted on the calendar, so that a change of the clocks shifts nothing.
    """

    daily: Cron
    days: int
    first: date = date(1970, 1, 1)

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        passed = (datetime.fromtimestamp(t, self.daily.zone).date() - self.first).days
        count = max(0, passed // self.days)
        while (tick := self._tick(count)) is not None and tick <= t:
            count += 1
        return tick

    def anchored(self, anchor: float) -> EveryDays:
        """Return the same rule, whose first day is that of its first time after *anchor*."""
        tick = self.daily.after(anchor - MILLISECOND)
        if tick is None:
            return self
        return EveryDays(self.daily, self.days, datetime.fromtimestamp(tick, self.daily.zone).date())

    def _tick(self, count: int) -> float | None:
        day = self.first + timedelta(days=count * self.days)
        return self.daily.after(datetime.combine(day, time(), self.daily.zone).timestamp() - MILLISECOND)


@dataclass(frozen=True, slots=True)
class Union:
    """The ticks of several rules, each instant once."""

    rules: tuple[Rule, ...]

    def after(self, t: float) -> float | None:
        """Return the first tick of any rule strictly after *t*."""
        ticks = [tick for rule in self.rules if (tick := rule.after(t)) is not None]
        return min(ticks, default=None)

    def anchored(self, anchor: float) -> Union:
        """Return the union of the rules as they count from *anchor*."""
        return Union(tuple(rule.anchored(anchor) for rule in self.rules))


def rule(period: Duration, at: str | Sequence[str] | None, tz: str) -> Rule:
    """Return the rule of ``app.every(period, at=at, tz=tz)``.

    Raises:
        InvalidSchedule: A period that is too short, or with *at* not of whole days; a time of day
            that does not exist; an unknown zone.
    """
    length = _period(period)
    if at is None:
        return Interval(length)
    days = _days(period, length)
    expressions = dict.fromkeys(map(_daily, _times(at)))
    rules = tuple(_at(expression, days, tz) for expression in expressions)
    return rules[0] if len(rules) == 1 else Union(rules)


def _at(expression: str, days: int, tz: str) -> Rule:
    daily = crontab.parse(expression, tz)
    return daily if days == 1 else EveryDays(daily, days)


def _period(period: Duration) -> float:
    try:
        length = seconds(period)
    except InvalidDuration as error:
        raise InvalidSchedule(period, f"as a period: {error}") from error
    if not SHORTEST <= length <= LONGEST:
        raise InvalidSchedule(period, f"as a period: write one from {SHORTEST} s to {LONGEST / DAY:.0f} days")
    return length


def _days(period: Duration, length: float) -> int:
    days, rest = divmod(length, DAY)
    if rest or not days:
        raise InvalidSchedule(
            period, 'as a period: with at= it must be whole days, such as "1d"; for several times a day give at= a list'
        )
    return int(days)


def _times(at: object) -> Sequence[object]:
    if isinstance(at, str):
        return (at,)
    if not isinstance(at, Sequence) or not at:
        raise InvalidSchedule(at, 'at: write a time of day such as "09:30", or a list of these')
    return at


def _daily(text: object) -> str:
    """Return the cron expression of a time of day."""
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidSchedule(text, 'at: write a time of day as hours and minutes, such as "09:30" or "23:05"')
    hour, minute = map(int, match.groups())
    if hour == 24 and minute == 0:
        raise InvalidSchedule(text, 'at: there is no hour 24; midnight is "00:00"')
    if hour > 23:
        raise InvalidSchedule(text, f"at: there is no hour {hour}; hours go from 00 to 23")
    if minute > 59:
        raise InvalidSchedule(text, f"at: there is no minute {minute}; minutes go from 00 to 59")
    return f"{minute} {hour} * * *"
