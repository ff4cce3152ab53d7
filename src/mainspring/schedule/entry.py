"""A periodic entry: what runs, by which rule, and what becomes of missed ticks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeAlias, TypedDict, get_args

from mainspring.base.durations import Duration
from mainspring.schedule.ticks import MILLISECOND, Missed, Rule, text
from mainspring.schedule.zones import Dst

Overlap: TypeAlias = Literal["allow", "skip", "buffer"]

#: What `overlap` may be.
OVERLAPS: tuple[str, ...] = get_args(Overlap)

#: Asked with the nominal local time of a tick.
Question: TypeAlias = Callable[[datetime], object]


class EntryOptions(TypedDict, total=False):
    """What both ``app.every`` and ``app.cron`` accept by keyword.

    Attributes:
        name: A name unique in the App; without it the job's name, numbered from the second entry on.
        args: Positional arguments of the job.
        kwargs: Keyword arguments of the job.
        queue: In place of the job's own queue.
        if_: Asked with the nominal local time of a tick that is due; if it says no, the tick is skipped.
        missed: What becomes of ticks for which no clock ran.
        grace: How late a missed tick may still run.
        overlap: What becomes of a tick whose last run is not done: ``"allow"`` runs it as well,
            ``"skip"`` does not, ``"buffer"`` lets one wait.
        jitter: Each tick is put off by less than this, the same on every machine.
        start: No tick before; a time without a zone is meant in the entry's.
        end: No tick after.
        exclude: Days and cron expressions on which nothing runs; or a question, as `if_`.
        dst: What becomes of a time that a change of the clocks skips or repeats.
        skip_first_run: Leave out the first tick.
        paused: Begin paused; later `App.periodic` decides.
        description: For people.
    """

    name: str | None
    args: Sequence[object]
    kwargs: Mapping[str, object] | None
    queue: str | None
    if_: Question | None
    missed: Missed
    grace: Duration | None
    overlap: Overlap
    jitter: Duration | None
    start: datetime | str | float | None
    end: datetime | str | float | None
    exclude: str | date | Question | Sequence[str | date]
    dst: Dst
    skip_first_run: bool
    paused: bool
    description: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the schedule; `Catalog` makes and checks it.

    Attributes:
        name: Its name, unique in the App; the store knows it by this.
        job: The name of the job it enqueues.
        rule: When it is due, not yet anchored; *start*, *end* and *exclude* are in it.
        schedule: The rule as it was written, for people: ``"every 10m"``, ``"0 9 * * *"``.
        tz: The IANA zone of its times.
        every: The period in seconds; None if it goes by *cron*.
        at: Times of day, of a period.
        cron: The cron expression.
        args: Positional arguments of the job, JSON-ready.
        kwargs: Keyword arguments of the job, JSON-ready.
        queue: In place of the job's own queue.
        missed: What becomes of ticks for which no clock ran.
        grace: Seconds by which a missed tick may be late; None for `ticks.default_grace`.
        overlap: What becomes of a tick whose last run is not done.
        jitter: Seconds; a tick is put off by less than this.
        start: Unix seconds before which it has no tick.
        end: Unix seconds after which it has none.
        exclude: ISO days and cron expressions on which it has none.
        dst: What becomes of a time that a change of the clocks skips or repeats.
        skip_first_run: Whether the first tick is left out.
        paused: Whether it begins paused.
        description: For people.
        if_: Asked when a tick is due; if it says no, the tick is skipped.
        unless: Asked when a tick is due; if it says yes, the tick is skipped.
    """

    name: str
    job: str
    rule: Rule
    schedule: str
    tz: str = "UTC"
    every: float | None = None
    at: tuple[str, ...] = ()
    cron: str | None = None
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)
    queue: str | None = None
    missed: Missed = "once"
    grace: float | None = None
    overlap: Overlap = "allow"
    jitter: float = 0.0
    start: float | None = None
    end: float | None = None
    exclude: tuple[str, ...] = ()
    dst: Dst = "vixie"
    skip_first_run: bool = False
    paused: bool = False
    description: str | None = None
    if_: Question | None = None
    unless: Question | None = None

    def first_counted(self, rule: Rule, anchor: float, since: float) -> float:
        """Return the instant after which the entry's ticks count, as long as none was claimed.

        Args:
            rule: The entry's rule, anchored.
            anchor: When the entry was first registered.
            since: Since when the store counts its ticks: its anchor, or later after a change or a pause.
        """
        first = rule.after(anchor - MILLISECOND) if self.skip_first_run else None
        return since if first is None else max(since, first)

    def delay(self, rule: Rule, tick: float) -> float:
        """Return the seconds by which *tick* is put off: the same on every machine, and less than the gap to the next.

        Args:
            rule: The entry's rule, anchored.
            tick: The nominal time.
        """
        if not self.jitter:
            return 0.0
        following = rule.after(tick)
        most = self.jitter if following is None else min(self.jitter, following - tick)
        digest = hashlib.blake2b(f"{self.name}\0{text(tick)}".encode(), digest_size=6, person=b"jitter").digest()
        # 48 bits, so that as a float it is never quite 1; cut to milliseconds, since ticks have no finer time.
        return int(most * 1000 * (int.from_bytes(digest) / 2**48)) / 1000
