"""A periodic entry: what runs, by which rule, and what becomes of missed ticks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from mainspring.base.durations import Duration
from mainspring.schedule.ticks import MILLISECOND, Missed, Rule


class EntryOptions(TypedDict, total=False):
    """What both ``app.every`` and ``app.cron`` accept by keyword.

    Attributes:
        name: A name unique in the App; without it the job's name, numbered from the second entry on.
        args: Positional arguments of the job.
        kwargs: Keyword arguments of the job.
        queue: In place of the job's own queue.
        missed: What becomes of ticks for which no clock ran.
        grace: How late a missed tick may still run.
        skip_first_run: Leave out the first tick.
        description: For people.
    """

    name: str | None
    args: Sequence[object]
    kwargs: Mapping[str, object]
    queue: str | None
    missed: Missed
    grace: Duration | None
    skip_first_run: bool
    description: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the schedule; `Catalog` makes and checks it.

    Attributes:
        name: Its name, unique in the App; the store knows it by this.
        job: The name of the job it enqueues.
        rule: When it is due, not yet anchored.
        schedule: The rule as it was written, for people: ``"every 10m"``, ``"0 9 * * *"``.
        tz: The IANA zone of its times.
        args: Positional arguments of the job.
        kwargs: Keyword arguments of the job.
        queue: In place of the job's own queue.
        missed: What becomes of ticks for which no clock ran.
        grace: Seconds by which a missed tick may be late; None for `ticks.default_grace`.
        skip_first_run: Whether the first tick is left out.
        description: For people.
    """

    name: str
    job: str
    rule: Rule
    schedule: str
    tz: str = "UTC"
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)
    queue: str | None = None
    missed: Missed = "once"
    grace: float | None = None
    skip_first_run: bool = False
    description: str | None = None

    def begins(self, rule: Rule, anchor: float) -> float:
        """Return the instant after which the entry's ticks count, as long as none was claimed.

        A period's first tick is its anchor, so it counts from just before it.

        Args:
            rule: The entry's rule, anchored.
            anchor: When the entry was first registered.
        """
        start = anchor - MILLISECOND
        first = rule.after(start) if self.skip_first_run else None
        return start if first is None else first
