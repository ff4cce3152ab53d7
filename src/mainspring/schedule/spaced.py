"""Minutes that `at` names, at a distance: clockwork's meaning of a period with a time.

`at` says which minutes may be used, the period how far apart the runs are at least.
``every("30m", at="**:00")`` is hourly, for no other minute may be used, and
``every("90m", at="**:30")`` each two hours. What clockwork finds by looking each
second is calculated here, and counted from nothing or from the entry's anchor,
never from the run before: so a restart, a late look and a change of the clocks
shift nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from itertools import count, pairwise

from mainspring.schedule import crontab
from mainspring.schedule.at import At
from mainspring.schedule.interval import Interval
from mainspring.schedule.ticks import MILLISECOND, Rule
from mainspring.schedule.wall import begins, is_changing, minute_at, runs
from mainspring.schedule.zones import Dst, zone

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_DAY_OF_MINUTES = 1440


def rule(at: At, period: float, tz: str, dst: Dst) -> Rule:
    """Return the rule that uses the minutes of *at*, a *period* of seconds or more apart, in the zone *tz*.

    Raises:
        InvalidSchedule: If there is no such zone.
    """
    if (at.is_fixed and period >= _MINUTE) or (period >= _DAY and not at.is_hourly):
        return Calendar(at, math.ceil(period / _MINUTE), zone(tz), dst).anchored(0.0)
    if _MINUTE <= period <= at.gap * _MINUTE:
        # No two of its minutes are too close: each is used.
        return crontab.parse(at.cron, tz, dst=dst)
    if at.is_hourly and period >= _MINUTE:
        return Hours(crontab.parse(at.cron, tz, dst=dst), Interval(math.ceil(period / _HOUR) * _HOUR)).anchored(0.0)
    return Windows(at, period, zone(tz), dst)


@dataclass(frozen=True, slots=True)
class Hours:
    """One minute of each so many hours of elapsed time.

    Attributes:
        hourly: That minute of each hour.
        grid: Its first use, and those that follow as long as the zone stays away from UTC by the same minutes.
            Where it does not, as on Lord Howe Island, the next such minute is used.
    """

    hourly: Rule
    grid: Interval

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        for point in (self.grid.before(t + MILLISECOND), self.grid.after(t)):
            tick = self._tick(point)
            if tick is not None and tick > t:
                return tick
        return None

    def before(self, t: float) -> float | None:
        """Return the last tick strictly before *t*."""
        point = self.grid.before(t)
        tick = self._tick(point)
        if point is None or (tick is not None and tick < t):
            return tick
        return self._tick(self.grid.before(point))

    def anchored(self, anchor: float) -> Hours:
        """Return the same hours, counted from the first such minute at or after *anchor*."""
        first = self.hourly.after(anchor - MILLISECOND)
        return self if first is None else Hours(self.hourly, self.grid.anchored(first))

    def _tick(self, point: float | None) -> float | None:
        return None if point is None else self.hourly.after(point - MILLISECOND)


@dataclass(frozen=True, slots=True)
class Windows:
    """A tick each *period* seconds of elapsed time, less than a day, within windows that begin anew each day.

    Attributes:
        at: The minutes of the windows.
        period: Seconds.
        zone: Where the minutes are meant.
        dst: What becomes of a window of one minute a day where the clocks change; others go by elapsed time.
    """

    at: At
    period: float
    zone: tzinfo
    dst: Dst

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        series = (each for day in self._days(t, 1) for each in self._series(day))
        return next(tick for each in series if (tick := each.after(t)) is not None)

    def before(self, t: float) -> float | None:
        """Return the last tick strictly before *t*."""
        series = (each for day in self._days(t, -1) for each in reversed(self._series(day)))
        return next(tick for each in series if (tick := each.before(t)) is not None)

    def anchored(self, anchor: float) -> Windows:  # noqa: ARG002 - each window counts from its own begin
        """Return itself."""
        return self

    def _days(self, t: float, step: int) -> Iterator[int]:
        day = minute_at(t, self.zone) // _DAY_OF_MINUTES
        start = day - step if is_changing(t, self.zone) else day
        return filter(self.at.is_on, count(start, step))

    def _series(self, day: int) -> list[Interval]:
        """Return the ticks of a *day*: as many as fit into each window, a period or more after the last one."""
        found: list[Interval] = []
        free = -math.inf
        for begin, last in self._windows(day):
            first = max(begin, free)
            if first <= last:
                fitting = 1 + int((last - first) // self.period)
                found.append(Interval(self.period, first, fitting))
                free = first + fitting * self.period
        return found

    def _windows(self, day: int) -> list[tuple[float, float]]:
        """Return the windows of a *day* in order, each by the first and the last instant at which a tick may be."""
        minutes = self._minutes(day)
        if self.at.minute is None:
            return _joined(minutes)
        # A period of minutes or hours begins with its minute, or not at all.
        width = _MINUTE - MILLISECOND if self.period < _MINUTE else 0.0
        return [(t, t + width) for t in minutes]

    def _minutes(self, day: int) -> list[float]:
        """Return the instants at which the minutes of a *day* begin, in order."""
        wall = [day * _DAY_OF_MINUTES + minute for minute in self.at.minutes]
        first, last = self._begins(wall[0]), self._begins(wall[-1])
        if len(first) == len(last) == 1 and last[0] - first[0] == (wall[-1] - wall[0]) * _MINUTE:
            # No clock changes in between.
            return [first[0] + (minute - wall[0]) * _MINUTE for minute in wall]
        return sorted(t for minute in wall for t in self._begins(minute))

    def _begins(self, minute: int) -> tuple[float, ...]:
        return runs(minute, self.zone, self.dst) if self.at.is_fixed else begins(minute, self.zone)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The minutes of `at` that are so far apart on the calendar; a change of the clocks shifts nothing.

    From one tick the next is found, and where such a chain comes to a minute of the week at
    which it was before, it repeats itself.

    Attributes:
        at: The minutes that may be used.
        distance: Minutes between two ticks, at least; a day or more, unless `at` is a time of day.
        zone: Where the minutes are meant.
        dst: What becomes of a time in the missing or the repeated hour.
        lead: The first ticks, as minutes on the wall.
        loop: Those that follow, and then repeat.
        span: After so many minutes.
    """

    at: At
    distance: int
    zone: tzinfo
    dst: Dst
    lead: tuple[int, ...] = ()
    loop: tuple[int, ...] = ()
    span: int = 1

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        for index in count(self._index(minute_at(t, self.zone) - _DAY_OF_MINUTES)):
            for tick in runs(self._minute(index), self.zone, self.dst):
                if tick > t:
                    return tick
        return None

    def before(self, t: float) -> float | None:
        """Return the last tick strictly before *t*."""
        for index in range(self._index(minute_at(t, self.zone) + _DAY_OF_MINUTES) - 1, -1, -1):
            for tick in reversed(runs(self._minute(index), self.zone, self.dst)):
                if tick < t:
                    return tick
        return None

    def anchored(self, anchor: float) -> Calendar:
        """Return the same rule, whose first tick is the first of its minutes at or after *anchor*."""
        if self.loop and self.distance <= self.at.gap:
            # Likewise: nothing has to be counted.
            return self
        chain, seen = [self._first(anchor)], {}
        while (place := chain[-1] % self.at.cycle) not in seen:
            seen[place] = len(chain) - 1
            chain.append(self.at.following(chain[-1] + self.distance))
        begin = seen[place]
        lead, loop = tuple(chain[:begin]), tuple(chain[begin:-1])
        return Calendar(self.at, self.distance, self.zone, self.dst, lead, loop, chain[-1] - chain[begin])

    def _first(self, anchor: float) -> int:
        back = _DAY_OF_MINUTES if is_changing(anchor, self.zone) else 0
        minute = self.at.following(minute_at(anchor, self.zone) - back)
        while min(runs(minute, self.zone, self.dst), default=-math.inf) < anchor:
            minute = self.at.following(minute + 1)
        return minute

    def _minute(self, index: int) -> int:
        """Return the tick with an *index*, as a minute on the wall."""
        if index < len(self.lead):
            return self.lead[index]
        rounds, rest = divmod(index - len(self.lead), len(self.loop))
        return self.loop[rest] + rounds * self.span

    def _index(self, minute: int) -> int:
        """Return how many ticks there are before a *minute* on the wall."""
        rounds, rest = divmod(minute - self.loop[0], self.span)
        if rounds < 0:
            return bisect_left(self.lead, minute)
        return len(self.lead) + rounds * len(self.loop) + bisect_left(self.loop, self.loop[0] + rest)


def _joined(minutes: list[float]) -> list[tuple[float, float]]:
    """Return the windows that *minutes* make together, each minute given by its begin."""
    if minutes and minutes[-1] - minutes[0] == (len(minutes) - 1) * _MINUTE:
        return [(minutes[0], minutes[-1] + _MINUTE - MILLISECOND)]
    firsts = [t for before, t in pairwise([-math.inf, *minutes]) if t - before > _MINUTE]
    lasts = [t + _MINUTE - MILLISECOND for t, after in pairwise([*minutes, math.inf]) if after - t > _MINUTE]
    return list(zip(firsts, lasts, strict=True))
