"""Periods: every so many seconds, or with `at` so far apart on the wall.

A plain period is elapsed time, counted from a stored anchor; with `at` it is the
least distance between runs, which fall on the minutes that `at` names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mainspring.base.durations import Duration, seconds
from mainspring.base.errors import InvalidDuration, InvalidSchedule
from mainspring.schedule.interval import Interval
from mainspring.schedule.ticks import Rule
from mainspring.schedule.zones import DSTS, Dst

#: The shortest period, in seconds; below it a loop inside one job is the better tool.
SHORTEST = 0.1
#: The shortest one with `at`, whose windows are looked up for each tick.
SHORTEST_AT = 1.0
DAY = 86_400
#: The longest, in seconds: a century, so that every tick is a date that all can show.
LONGEST = 36_525.0 * DAY


@dataclass(frozen=True, slots=True)
class Union:
    """The ticks of several rules, each instant once."""

    rules: tuple[Rule, ...]

    def after(self, t: float) -> float | None:
        """Return the first tick of any rule strictly after *t*."""
        ticks = [tick for rule in self.rules if (tick := rule.after(t)) is not None]
        return min(ticks, default=None)

    def before(self, t: float) -> float | None:
        """Return the last tick of any rule strictly before *t*."""
        ticks = [tick for rule in self.rules if (tick := rule.before(t)) is not None]
        return max(ticks, default=None)

    def anchored(self, anchor: float) -> Union:
        """Return the union of the rules as they count from *anchor*."""
        return Union(tuple(rule.anchored(anchor) for rule in self.rules))


def rule(period: Duration, at: str | Sequence[str] | None, tz: str, *, dst: Dst = "vixie") -> Rule:
    """Return the rule of ``app.every(period, at=at, tz=tz, dst=dst)``.

    In a list each `at` counts for itself, as in clockwork.

    Raises:
        InvalidSchedule: A period that is too short or too long; a time that no clock shows; an unknown zone or *dst*.
    """
    length = _period(period)
    if dst not in DSTS:
        raise InvalidSchedule(dst, f"dst: write one of {', '.join(map(repr, DSTS))}")
    if at is None:
        return Interval(length)
    from mainspring.schedule import spaced
    from mainspring.schedule.at import parse_all

    if length < SHORTEST_AT:
        raise InvalidSchedule(period, f"as a period: with at= write one from {SHORTEST_AT:.0f} s")
    rules = tuple(spaced.rule(each, length, tz, dst) for each in parse_all(at))
    return rules[0] if len(rules) == 1 else Union(rules)


def _period(period: Duration) -> float:
    try:
        length = seconds(period)
    except InvalidDuration as error:
        raise InvalidSchedule(period, f"as a period: {error}") from error
    if not SHORTEST <= length <= LONGEST:
        raise InvalidSchedule(period, f"as a period: write one from {SHORTEST} s to {LONGEST / DAY:.0f} days")
    return length
