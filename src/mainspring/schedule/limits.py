"""A rule within its limits: not before a start, not after an end, not on what is excluded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Protocol

from mainspring.schedule.ticks import MILLISECOND, Rule

#: How many stretches of excluded time in a row are passed over, before it is taken that nothing comes after them.
MOST = 10_000


class Exclusion(Protocol):
    """Some stretches of time."""

    def around(self, t: float) -> tuple[float, float] | None:
        """Return the begin and the end, exclusive, of an excluded stretch that *t* lies in; None if it is in none."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a zone's calendar."""

    day: date
    zone: tzinfo

    def around(self, t: float) -> tuple[float, float] | None:
        """Return the day, if *t* lies in it."""
        return _day(self.day, self.zone) if datetime.fromtimestamp(t, self.zone).date() == self.day else None


@dataclass(frozen=True, slots=True)
class Matching:
    """The minutes in which a cron expression is due; whole days, if it is due in all minutes of all hours."""

    rule: Rule
    zone: tzinfo
    is_of_days: bool

    def around(self, t: float) -> tuple[float, float] | None:
        """Return the minute, or the day, if *t* lies in one that matches."""
        minute = t // 60 * 60
        tick = self.rule.after(minute - MILLISECOND)
        if tick is None or tick >= minute + 60:
            return None
        if self.is_of_days:
            return _day(datetime.fromtimestamp(t, self.zone).date(), self.zone)
        return minute, minute + 60


@dataclass(frozen=True, slots=True)
class Limited:
    """The ticks of a rule that lie within its limits.

    Attributes:
        rule: The rule.
        start: No tick before, in unix seconds.
        end: No tick after.
        excluded: No tick in these.
    """

    rule: Rule
    start: float | None = None
    end: float | None = None
    excluded: tuple[Exclusion, ...] = ()

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        if self.start is not None:
            t = max(t, self.start - MILLISECOND)
        for _ in range(MOST):
            tick = self.rule.after(t)
            if tick is None or (self.end is not None and tick > self.end):
                return None
            stretch = self._stretch(tick)
            if stretch is None:
                return tick
            t = max(tick, stretch[1] - MILLISECOND)
        return None

    def before(self, t: float) -> float | None:
        """Return the last tick strictly before *t*."""
        if self.end is not None:
            t = min(t, self.end + MILLISECOND)
        for _ in range(MOST):
            tick = self.rule.before(t)
            if tick is None or (self.start is not None and tick < self.start):
                return None
            stretch = self._stretch(tick)
            if stretch is None:
                return tick
            t = min(tick, stretch[0])
        return None

    def anchored(self, anchor: float) -> Limited:
        """Return the same limits round the anchored rule; one that begins later counts from its start."""
        first = anchor if self.start is None else max(anchor, self.start)
        return Limited(self.rule.anchored(first), self.start, self.end, self.excluded)

    def _stretch(self, tick: float) -> tuple[float, float] | None:
        return next((found for one in self.excluded if (found := one.around(tick))), None)


def _day(day: date, zone: tzinfo) -> tuple[float, float]:
    begin, end = (datetime.combine(d, time(), zone).timestamp() for d in (day, day + timedelta(days=1)))
    return begin, end
