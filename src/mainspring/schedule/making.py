"""Makes an entry of what was written: the rule, and all that may be said beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.schedule import options
from mainspring.schedule.entry import Entry, EntryOptions
from mainspring.schedule.ticks import Rule
from mainspring.schedule.zones import zone


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


def entry(what: What, **given: Unpack[EntryOptions]) -> Entry:
    """Return the entry of *what*, as its options say.

    Raises:
        InvalidSchedule: Whatever cannot be meant, and what would be right.
        InvalidName: If the name cannot be stored or shown.
        TypeError: If there is no such option.
    """
    options.check_known(given)
    within = zone(what.tz)
    first, last = options.moment("start", given.get("start"), within), options.moment("end", given.get("end"), within)
    excluded, unless = options.exclusions(given.get("exclude", ()))
    return Entry(
        name=options.name(given.get("name")),
        job=what.job,
        rule=options.limited(what.rule, first, last, excluded, what.tz),
        schedule=what.schedule,
        tz=what.tz,
        every=what.every,
        at=what.at,
        cron=what.cron,
        args=options.arguments(given.get("args", ())),
        kwargs=dict(given.get("kwargs") or {}),
        queue=given.get("queue"),
        missed=options.missed(given.get("missed", "once")),
        grace=options.span("grace", given.get("grace")),
        overlap=options.overlap(given.get("overlap", "allow")),
        jitter=options.span("jitter", given.get("jitter")) or 0.0,
        start=first,
        end=last,
        exclude=excluded,
        dst=given.get("dst", "vixie"),
        skip_first_run=options.switch("skip_first_run", given.get("skip_first_run", False)),
        paused=options.switch("paused", given.get("paused", False)),
        description=options.text("description", given.get("description")),
        if_=options.question("if_", given.get("if_")),
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
