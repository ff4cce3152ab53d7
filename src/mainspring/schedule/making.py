"""Makes an entry of what was written: the rule, and all that may be said beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.schedule import options
from mainspring.schedule.entry import Entry, Overlap, Question
from mainspring.schedule.ticks import Missed, Rule
from mainspring.schedule.zones import Dst, zone


@dataclass(frozen=True, slots=True)
class What:
    """What runs, and when, without its limits.

    Attributes:
        job: The job's name.
        rule: When it is due, not yet anchored.
        schedule: The rule as it was written, for people.
        tz: The IANA zone of its times.
        every: The period in seconds; None if it goes by *cron*.
        at: Times of day, of a period.
        cron: The cron expression.
    """

    job: str
    rule: Rule
    schedule: str
    tz: str
    every: float | None = None
    at: tuple[str, ...] = ()
    cron: str | None = None


def entry(
    what: What,
    *,
    name: str | None,
    args: Sequence[object] = (),
    kwargs: Mapping[str, object] | None = None,
    queue: str | None = None,
    if_: Question | None = None,
    missed: Missed = "once",
    grace: Duration | None = None,
    overlap: Overlap = "allow",
    jitter: Duration | None = None,
    start: datetime | str | float | None = None,
    end: datetime | str | float | None = None,
    exclude: str | date | Question | Sequence[str | date] = (),
    dst: Dst = "vixie",
    skip_first_run: bool = False,
    paused: bool = False,
    description: str | None = None,
) -> Entry:
    """Return the entry *name* of *what*; the options are those of `EntryOptions`.

    Raises:
        InvalidSchedule: Whatever cannot be meant, and what would be right.
        InvalidName: If the name cannot be stored or shown.
    """
    within = zone(what.tz)
    first, last = options.moment("start", start, within), options.moment("end", end, within)
    excluded, unless = options.exclusions(exclude)
    return Entry(
        name=options.name(name),
        job=what.job,
        rule=options.limited(what.rule, first, last, excluded, what.tz),
        schedule=what.schedule,
        tz=what.tz,
        every=what.every,
        at=what.at,
        cron=what.cron,
        args=options.arguments(args),
        kwargs=dict(kwargs or {}),
        queue=queue,
        missed=options.missed(missed),
        grace=options.span("grace", grace),
        overlap=options.overlap(overlap),
        jitter=options.span("jitter", jitter) or 0.0,
        start=first,
        end=last,
        exclude=excluded,
        dst=options.dst(dst),
        skip_first_run=options.switch("skip_first_run", skip_first_run),
        paused=options.switch("paused", paused),
        description=options.text("description", description),
        if_=options.question("if_", if_),
        unless=unless,
    )


def in_words(period: Duration, at: Sequence[str]) -> str:
    """Return a period and its times for people: ``"every 1d at 09:00, 17:00"``."""
    written = period if isinstance(period, str) else durations.in_words(durations.seconds(period))
    return f"every {written} at {', '.join(at)}" if at else f"every {written}"


def times(at: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the times of day of a period."""
    if at is None:
        return ()
    return (at,) if isinstance(at, str) else tuple(at)
