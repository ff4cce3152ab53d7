"""The story of twenty-five deploys a day: what shall run, when machines are up, and what a naive clock makes of it.

Thirty entries, two machines with a clock each, both restarted twenty-five times a day. What
shall come out, the *ideal*, is counted here from the calendar, minute by minute and by other code than
the clock's: an entry of times of day is asked at each minute whether it is due.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mainspring import App

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86_400.0, 604_800.0
#: Fourteen days in which clocks are put back, in Europe on the seventh and in America on the fourteenth.
START = datetime(2026, 10, 19, 7, 3, 20, tzinfo=UTC).timestamp()
DAYS = 14
DEPLOYS_A_DAY = 25
MACHINES = ("a", "b")
#: Seconds from one deploy to the next at least; one takes less than half of it.
APART = 240.0

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


def wanted(line: Line, ticks: Sequence[float], gaps: Sequence[Span]) -> list[float]:
    """Return those of the ideal *ticks* that shall be enqueued, when no clock ran in the *gaps*.

    A gap is a minute at most, so that one tick of a line falls into it, and is not too late when it ends.
    """
    if line.missed != "skip":
        return list(ticks)
    return [tick for tick in ticks if not any(gap.since < tick < gap.until for gap in gaps)]


# --- when machines are up ----------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Span:
    """From when to when something was, in unix seconds.

    Attributes:
        since: When it began.
        until: When it ended.
        machine: Whose clock it was, if it was one's.
    """

    since: float
    until: float
    machine: str = ""


def deploys(rng: random.Random, start: float, end: float, a_day: int = DEPLOYS_A_DAY) -> list[float]:
    """Return random moments, *a_day* of them in each day on the average."""
    free = end - start - APART
    count = round((end - start) / DAY * a_day)
    # Drawn from what is left of the time when each has its distance, so that none need be drawn again.
    drawn = sorted(rng.uniform(APART, free - count * APART) for _ in range(count))
    return [start + moment + n * APART for n, moment in enumerate(drawn)]


def lives(rng: random.Random, moments: Sequence[float], start: float, end: float) -> list[Span]:
    """Return for each clock process when it lived, restarted on both machines at each of the *moments*.

    Four deploys of five are rolling: one machine after the other, each with its new clock started up to
    20 s before or after its old one ends. At every fifth both machines are down for up to a minute.
    """
    born = dict.fromkeys(MACHINES, start)
    found: list[Span] = []
    for number, moment in enumerate(moments):
        for machine, (ends, begins) in zip(MACHINES, _swaps(rng, moment, is_rolling=number % 5 != 4), strict=True):
            found.append(Span(born[machine], ends, machine))
            born[machine] = begins
    return sorted([*found, *(Span(since, end, machine) for machine, since in born.items())])


def _swaps(rng: random.Random, moment: float, *, is_rolling: bool) -> Iterator[tuple[float, float]]:
    """Yield for each machine when its old clock ends, and when its new one begins."""
    if is_rolling:
        for n in range(len(MACHINES)):
            ends = moment + 40 * n + rng.uniform(0, 20)
            yield ends, ends + rng.uniform(-20, 20)
        return
    back = moment + rng.uniform(5, 60)
    yield from ((moment - rng.uniform(0, 10), back), (moment, back + rng.uniform(0, 10)))


def gaps(spans: Sequence[Span]) -> list[Span]:
    """Return when no clock lived, between the first and the last."""
    found, until = [], spans[0].until
    for span in sorted(spans):
        if span.since > until:
            found.append(Span(until, span.since))
        until = max(until, span.until)
    return found


# --- what came out -------------------------------------------------------------------------


@dataclass(frozen=True)
class Count:
    """What became of the ticks of one line.

    Attributes:
        name: The line.
        wanted: Ticks that should be enqueued.
        enqueued: Jobs that were.
        missing: Ticks without a job.
        double: Jobs more than one for a tick, and jobs for no tick.
    """

    name: str
    wanted: int
    enqueued: int
    missing: int
    double: int


def count(name: str, expected: Sequence[float], found: Sequence[float]) -> Count:
    """Hold the ticks that were *found* against those *expected*."""
    left, ticks = set(expected), sorted(round(tick, 3) for tick in found)
    missing = len({round(tick, 3) for tick in left} - set(ticks))
    return Count(name, len(left), len(ticks), missing, len(ticks) - (len(left) - missing))


# --- the naive clock ------------------------------------------------------------------------


def naive(line: Line, spans: Sequence[Span], ideal_ticks: Sequence[float]) -> list[tuple[float, float]]:
    """Return when naive clocks that live through *spans* enqueue *line*, and for which instant.

    It is clockwork's way: nothing is remembered, and nobody asked. A period runs when the process starts, and each
    period from then on; a time of day runs if the process looks within its minute and has not run it yet.
    """
    fired = [pair for span in spans for pair in _naive(line, span, ideal_ticks)]
    return sorted(fired)


def _naive(line: Line, span: Span, ticks: Sequence[float]) -> Iterator[tuple[float, float]]:
    if line.is_due is None:
        assert line.every is not None
        times = int((span.until - span.since) // line.every) + 1
        yield from ((span.since + n * line.every,) * 2 for n in range(times))
        return
    for tick in ticks:
        when = max(tick, span.since)
        if when < min(tick + MINUTE, span.until):
            yield when, tick
