"""The instants of the wall-clock times that a cron expression names.

cronsim knows Debian's rule for the days on which the clocks change, but loses
times where they change by half an hour, and keeps no rule for six fields; so it walks
on a clock without a zone, and what is missing or comes twice is decided here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from mainspring.schedule.changes import Change, change_around, instant, shown
from mainspring.schedule.walks import Walk

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """Ticks of one cron expression in one zone.

    Attributes:
        walk: Its wall-clock times.
        zone: Where they are meant.
        once: Whether a time that comes twice counts the first time only.
        moved: Whether a time that is missing comes as soon as the clocks have changed; else it does not come.
    """

    walk: Walk
    zone: tzinfo
    once: bool
    moved: bool

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        # Floored: `fromtimestamp` rounds to microseconds, perhaps up to the very tick that is asked for.
        wall, fold = shown(math.floor(t), self.zone)
        change = change_around(wall, self.zone)
        if change is None:
            return self._onward(wall)
        tick = self._after_in(change, wall, fold)
        return self._onward(change.old - _SECOND) if tick is None else tick

    def before(self, t: float) -> float | None:
        """Return the last tick strictly before *t*."""
        wall, fold = shown(math.ceil(t), self.zone)
        change = change_around(wall, self.zone)
        if change is None:
            return self._back(wall, t)
        tick = self._before_in(change, wall, fold)
        return self._back(change.new, t) if tick is None else tick

    def _onward(self, wall: datetime) -> float | None:
        """Return the first tick of the times after *wall*, which itself comes once, or is the last that comes twice."""
        following = self.walk.after(wall)
        while following is not None:
            change = change_around(following, self.zone)
            if change is None or not change.is_gap:
                return instant(following, self.zone)
            if self.moved:
                return change.at
            following = self.walk.after(change.new - _SECOND)
        return None

    def _back(self, wall: datetime, t: float) -> float | None:
        """Return the last tick before *t* of the times before *wall*, which itself comes once."""
        last = self.walk.before(wall)
        while last is not None:
            change = change_around(last, self.zone)
            if change is None:
                return instant(last, self.zone)
            if not change.is_gap:
                return instant(last, self.zone, fold=0 if self.once else 1)
            if self.moved and change.at < t:
                return change.at
            last = self.walk.before(change.old)
        return None

    def _after_in(self, change: Change, wall: datetime, fold: int) -> float | None:
        """Return the first tick after *wall* within the times that come twice."""
        if not fold and (tick := self._within(change, self.walk.after(wall), 0)):
            return tick
        if self.once:
            return None
        return self._within(change, self.walk.after(wall if fold else change.new - _SECOND), 1)

    def _before_in(self, change: Change, wall: datetime, fold: int) -> float | None:
        """Return the last tick before *wall* within the times that come twice."""
        if fold and not self.once and (tick := self._within(change, self.walk.before(wall), 1)):
            return tick
        return self._within(change, self.walk.before(change.old if fold else wall), 0)

    def _within(self, change: Change, wall: datetime | None, fold: int) -> float | None:
        if wall is None or not change.new <= wall < change.old:
            return None
        return instant(wall, self.zone, fold)
