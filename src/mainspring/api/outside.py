"""Periodic entries from outside of code: checked as those in code are, and bounded besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, Protocol, TypedDict

from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidSchedule, UnknownJob, WrongArguments
from mainspring.base.payload import check_queue
from mainspring.base.sealed import IN_PLAIN_TEXT
from mainspring.base.timesource import TimeSource
from mainspring.job import Job
from mainspring.push import check_json, check_shape
from mainspring.schedule import source
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.entry import Entry, Overlap
from mainspring.schedule.row import Row, of
from mainspring.schedule.source import Source
from mainspring.schedule.ticks import Missed
from mainspring.schedule.zones import Dst
from mainspring.store.connection import Store
from mainspring.store.entries import Definition
from mainspring.store.periodic import TickJob

#: Why an entry is refused when there is no room.
TOO_MANY: Final = f"there are {source.MOST_ENTRIES:,} entries, and no more are accepted from outside of code"


class PutOptions(TypedDict, total=False):
    """What `Periodic.put` accepts by keyword; as `schedule.entry.EntryOptions`, without what is code."""

    args: Sequence[object]
    kwargs: Mapping[str, object] | None
    queue: str | None
    missed: Missed
    grace: Duration | None
    overlap: Overlap
    jitter: Duration | None
    start: datetime | str | None
    end: datetime | str | None
    exclude: str | date | Sequence[str | date]
    dst: Dst
    skip_first_run: bool
    paused: bool
    description: str | None


class Host(Protocol):
    """The App, as far as its periodic entries are concerned."""

    @property
    def namespace(self) -> str:
        """What keeps its entries apart from other Apps'."""

    @property
    def schedule(self) -> Catalog:
        """The entries of its code, by name."""

    @property
    def sources(self) -> list[Source]:
        """Where other entries come from."""

    @property
    def jobs(self) -> Mapping[str, Job[Any, Any]]:
        """Its jobs, by full name."""

    @property
    def store(self) -> Store:
        """The store that the entries are in."""

    @property
    def time(self) -> TimeSource:
        """The machine's clocks."""

    def job_named(self, name: str) -> Job[Any, Any]:
        """Return the job *name*, which may be short.

        Raises:
            UnknownJob: If there is none, or several.
        """

    def definition(self, entry: Entry) -> Definition:
        """Return *entry* as data for the store."""

    def tick_payload(
        self, entry: Entry, tick: float, now: float, *, kind: str, late: float, jid: str | None
    ) -> TickJob:
        """Return the job of one tick, by the code path of every enqueue; an empty one if a middleware stopped it."""


def checked(app: Host, given: Mapping[str, object] | Row) -> Entry:
    """Return the entry that a row from outside of code says.

    A job that the App knows is checked with its arguments. One whose code lives elsewhere,
    such as in Ruby, must name its queue: a slip of the pen does not.

    Args:
        app: The App.
        given: The row, or what `schedule.row.of` makes one of.

    Raises:
        InvalidSchedule: Whatever cannot be meant, or is too much.
        InvalidName: If the entry's name or queue is none.
        UnknownJob: If the App has no such job, and the row names no queue.
        WrongArguments: If the arguments do not fit the job, or are no JSON.
    """
    row = resolved(app, of(mapping(given)))
    source.check_size(row)
    entry = app.schedule.row_entry(row)
    source.check_pace(entry)
    return entry


def resolved(app: Host, row: Row) -> Row:
    """Return *row* with the full name of its job, and with arguments that are JSON-ready.

    Raises:
        InvalidName: If its queue is none.
        UnknownJob: If the App has no such job, and the row names no queue.
        WrongArguments: If the arguments do not fit the job, or are no JSON.
    """
    queue = row.options.get("queue")
    if queue is not None:
        check_queue(str(queue))
    job = _job(app, row.job, may_be_elsewhere=queue is not None)
    args, kwargs = bound(job, row.job, row.options.get("args", ()), row.options.get("kwargs"))
    if job is not None:
        job.arguments.refuse_hidden(args, kwargs, IN_PLAIN_TEXT)
    given = {key: value for key, value in (("args", args), ("kwargs", kwargs)) if value}
    return replace(row, job=job.name if job else row.job, options={**row.options, **given})


def mapping(row: object) -> dict[str, object]:
    """Return what a row says, by its keys.

    Raises:
        InvalidSchedule: If it is no mapping.
    """
    if isinstance(row, Row):
        # Its options may hold anything, so it is read as any other.
        return {**row.options, **{key: getattr(row, key) for key in ("name", "job", "every", "cron", "at", "tz")}}
    try:
        return dict(row)  # type: ignore[call-overload, no-any-return]  # a row of sqlite3 will do, which is no Mapping
    except (TypeError, ValueError) as error:
        raise InvalidSchedule(
            row, "a row must be a mapping, such as {'name': ..., 'job': ..., 'every': ...}"
        ) from error


def taken(name: str, owner: str) -> InvalidSchedule:
    """Return the error of a definition for an entry of another *owner*, which is its origin."""
    where = {"code": "in code", "api": "that was put through the API"}.get(owner, f"of {owner}")
    return InvalidSchedule(name, f"name: an entry {where} has it, and is changed there")


def bound(job: Job[Any, Any] | None, name: str, args: object, kwargs: object) -> tuple[list[object], dict[str, object]]:
    """Return the arguments of *job*, JSON-ready: given as they are, or as the JSON that they become.

    Raises:
        WrongArguments: If they fit in neither way.
    """
    if job is None:
        return check_json(name, args, kwargs)
    positional, named = check_shape(job.name, args, kwargs)
    try:
        return job.arguments.bind(positional, named)
    except WrongArguments as error:
        # In a file, a request or a database a date is a text already.
        try:
            job.arguments.restore(*check_json(job.name, args, kwargs))
        except WrongArguments:
            raise error from None
        return positional, named


def _job(app: Host, name: str, *, may_be_elsewhere: bool) -> Job[Any, Any] | None:
    try:
        return app.job_named(name)
    except UnknownJob:
        if not may_be_elsewhere or any(known.endswith(f".{name}") for known in app.jobs):
            raise
        return None
