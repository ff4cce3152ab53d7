"""What is odd about an entry though it can be meant: a sentence each, for those who check a schedule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mainspring.schedule import at, crontab, expressions
from mainspring.schedule.crontab import Crontab, InGap
from mainspring.schedule.entry import Entry
from mainspring.schedule.zones import zone


def of(entry: Entry, start: float, end: float) -> list[str]:
    """Return what is odd about *entry* from *start* to *end*, in unix seconds."""
    found = [] if entry.cron is None else crontab.odd_steps(entry.cron)
    found += [sentence(gap, entry) for gap in gaps(entry, start, end)]
    if entry.rule.anchored(start).after(start) is None:
        found.append("it is never due again")
    return found


def gaps(entry: Entry, start: float, end: float) -> list[InGap]:
    """Return the times of *entry* that are missing, from *start* to *end*, since the clocks change."""
    found = {gap.wall: gap for rule in _crontabs(entry) for gap in crontab.in_gaps(rule, start, end)}
    return [found[wall] for wall in sorted(found)]


def sentence(gap: InGap, entry: Entry) -> str:
    """Return a missing time of *entry* in words."""
    missing = f"{gap.wall:%Y-%m-%d %H:%M} is no time in {entry.tz}, since the clocks go forward"
    if gap.runs is None:
        return f"{missing}: it does not run that day"
    return f"{missing}: it runs at {datetime.fromtimestamp(gap.runs, zone(entry.tz)):%H:%M}"


def _crontabs(entry: Entry) -> Iterator[Crontab]:
    """Yield the rules of the times of day that *entry* names; one that is so far apart may leave out some of them."""
    if entry.cron is not None:
        rule = expressions.parse(entry.cron, entry.tz, name=entry.name, dst=entry.dst)
        if isinstance(rule, Crontab):
            yield rule
    for time in at.parse_all(entry.at) if entry.at else ():
        yield crontab.parse(time.cron, entry.tz, dst=entry.dst)
