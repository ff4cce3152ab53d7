"""Thirty entries as one might have them, and their ticks by the calendar alone.

What shall come out, the *ideal*, is counted minute by minute and by other code than the
clock's: an entry of times of day is asked at each minute of its zone whether it is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mainspring import App

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86_400.0, 604_800.0

#: Whether a minute of the entry's zone is one of its ticks.
IsDue = Callable[[datetime], bool]


@dataclass(frozen=True)
class Line:
    """One entry of the story.

    Attributes:
        name: Its name.
        every: Its period in seconds; of a line without *is_due* it is all there is.
        at: Its times of day.
        cron: Its cron expression.
        tz: Its zone.
        options: More of what an entry may have.
        is_due: Says by the calendar whether a minute is a tick.
    """

    name: str
    every: float | None = None
    at: str | list[str] | None = None
    cron: str | None = None
    tz: str = "UTC"
    options: Mapping[str, Any] = field(default_factory=dict)
    is_due: IsDue | None = None

    @property
    def missed(self) -> str:
        """What becomes of ticks for which no clock ran."""
        return str(self.options.get("missed", "once"))


def period(name: str, every: float, **options: Any) -> Line:
    """Return a line that runs each so many seconds."""
    return Line(name, every=every, options=options)


def at(name: str, every: float, times: str | list[str], tz: str, is_due: IsDue, **options: Any) -> Line:
    """Return a line that runs at times of day."""
    return Line(name, every=every, at=times, tz=tz, options=options, is_due=is_due)


def cron(name: str, expression: str, tz: str, is_due: IsDue, **options: Any) -> Line:
    """Return a line that runs by a cron expression."""
    return Line(name, cron=expression, tz=tz, options=options, is_due=is_due)


def clock_time(hour: int, minute: int = 0) -> IsDue:
    """Say yes at one time of day; where it comes twice, the first time."""
    return lambda t: (t.hour, t.minute, t.fold) == (hour, minute, 0)


def office_hours(t: datetime) -> bool:
    return t.minute % 10 == 0 and 8 <= t.hour <= 18 and t.weekday() < 5


LINES: Sequence[Line] = (
    period("pulse", MINUTE),
    period("sessions.sweep", 90.0, missed="all"),
    period("mail.fetch", 5 * MINUTE, jitter="30s"),
    period("cache.warm", 10 * MINUTE, missed="skip"),
    period("stock.sync", 15 * MINUTE),
    period("digest.send", 30 * MINUTE, missed="all"),
    period("rates.fetch", HOUR),
    period("index.merge", 4 * HOUR, jitter="10m"),
    period("backup.database", 6 * HOUR, missed="all"),
    period("licences.check", 12 * HOUR),
    period("invoices.send", DAY),
    period("disk.report", WEEK),
    at("day.close", DAY, "00:00", "UTC", clock_time(0)),
    at("london.open", DAY, "09:00", "Europe/London", clock_time(9)),
    at("newyork.close", DAY, "17:30", "America/New_York", clock_time(17, 30)),
    at("tokyo.open", DAY, "06:15", "Asia/Tokyo", clock_time(6, 15), missed="all"),
    at("berlin.twice", DAY, "02:30", "Europe/Berlin", clock_time(2, 30)),
    at("paris.shifts", DAY, ["06:00", "18:00"], "Europe/Paris", lambda t: t.minute == 0 and t.hour in {6, 18}),
    at("sydney.late", DAY, "23:59", "Australia/Sydney", clock_time(23, 59), jitter="45s"),
    at("queue.measure", HOUR, "**:15", "UTC", lambda t: t.minute == 15, missed="skip"),
    at("wages.pay", WEEK, "Friday 12:30", "America/New_York", lambda t: t.weekday() == 4 and clock_time(12, 30)(t)),
    cron("feeds.read", "*/5 * * * *", "UTC", lambda t: t.minute % 5 == 0),
    cron("tickets.count", "5,35 * * * *", "Asia/Kolkata", lambda t: t.minute in {5, 35}, missed="all"),
    cron("charges.retry", "0 */4 * * *", "UTC", lambda t: t.minute == 0 and t.hour % 4 == 0),
    cron("desk.remind", "*/10 8-18 * * mon-fri", "America/New_York", office_hours, missed="skip"),
    cron("standup.call", "30 8 * * mon-fri", "Europe/London", lambda t: t.weekday() < 5 and clock_time(8, 30)(t)),
    cron("noon.report", "0 12 * * *", "America/Sao_Paulo", clock_time(12), jitter="5m"),
    cron("week.report", "0 0 * * 0", "Europe/Berlin", lambda t: t.weekday() == 6 and clock_time(0)(t)),
    cron("month.close", "15 14 1 * *", "Europe/Madrid", lambda t: t.day == 1 and clock_time(14, 15)(t)),
    cron("month.last", "0 9 L * *", "UTC", lambda t: (t + timedelta(days=1)).day == 1 and clock_time(9)(t)),
)


def define(app: App, lines: Sequence[Line] = LINES) -> None:
    """Write *lines* into the schedule of *app*, each with a job of its own."""
    for line in lines:
        job = app.job(name=line.name)(_work)
        if line.cron is not None:
            app.cron(line.cron, job, tz=line.tz, name=line.name, **line.options)
        else:
            app.every(line.every or 0, job, at=line.at, tz=line.tz, name=line.name, **line.options)


def _work() -> None:
    """Do nothing."""


# --- what shall come out -----------------------------------------------------------------


def ideal(line: Line, start: float, end: float) -> list[float]:
    """Return the ticks of *line* from *start*, when its clocks start for the first time, to *end*, excluded."""
    if line.is_due is None:
        assert line.every is not None
        return [
            start + n * line.every for n in range(int((end - start) // line.every) + 1) if start + n * line.every < end
        ]
    zone = ZoneInfo(line.tz)
    minutes = range(int(-(-start // 60)) * 60, int(-(-end // 60)) * 60, 60)
    return [float(t) for t in minutes if line.is_due(datetime.fromtimestamp(t, zone))]
