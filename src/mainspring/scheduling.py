"""How an App takes its periodic entries, and what the clock asks it for.

A part of `App`, in a file of its own because it is a subject of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, overload

from mainspring.base import codec
from mainspring.base.durations import Duration
from mainspring.base.errors import MainspringError
from mainspring.base.sealed import IN_PLAIN_TEXT
from mainspring.base.timesource import TimeSource
from mainspring.client import Client
from mainspring.events import check_handler
from mainspring.job import Draft, Job
from mainspring.options import Options
from mainspring.push import check_shape
from mainspring.schedule import catalog
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.hooks import Chain, Hook, Hooks

if TYPE_CHECKING:
    from mainspring.api.periodic import Periodic
    from mainspring.schedule.entry import Entry, EntryOptions
    from mainspring.schedule.source import Source
    from mainspring.store.connection import Store
    from mainspring.store.entries import Definition
    from mainspring.store.periodic import TickJob

P = ParamSpec("P")
R = TypeVar("R")


class Scheduling:
    """The periodic part of an App.

    Attributes:
        client: What takes the App's jobs to the store.
        schedule: The periodic entries of its code.
        sources: Where other periodic entries come from.
        namespace: What keeps them apart from those of other Apps on the same store.
        hooks: What is called round the clock's rounds and ticks.
    """

    client: Client
    schedule: Catalog
    namespace: str
    hooks: Hooks
    sources: list[Source]
    time: TimeSource

    @property
    def store(self) -> Store:
        """The store; the App's."""
        raise NotImplementedError

    @property
    def jobs(self) -> Mapping[str, Job[Any, Any]]:
        """The jobs by name; the App's."""
        raise NotImplementedError

    def job_named(self, name: str) -> Job[Any, Any]:
        """Return the job *name*; the App does."""
        raise NotImplementedError

    def _named(
        self, name: str, *, queue: str | None, retry: int | bool | None, at: datetime | float | None
    ) -> tuple[Job[Any, Any] | None, Options]:
        """Return the job *name*, None if its code lives elsewhere, and how it wants to be run; the App does."""
        raise NotImplementedError

    def _made_job(self, function: Callable[P, R]) -> Job[P, R]:
        """Make *function* a job; the App does."""
        raise NotImplementedError

    @overload
    def every(
        self,
        period: Duration,
        job: Job[..., Any] | str,
        *,
        at: str | Sequence[str] | None = None,
        tz: str | None = None,
        **options: Unpack[EntryOptions],
    ) -> Entry: ...

    @overload
    def every(
        self,
        period: Duration,
        job: None = None,
        *,
        at: str | Sequence[str] | None = None,
        tz: str | None = None,
        **options: Unpack[EntryOptions],
    ) -> Callable[[Callable[P, R]], Job[P, R]]: ...

    def every(
        self,
        period: Duration,
        job: Job[..., Any] | str | None = None,
        *,
        at: str | Sequence[str] | None = None,
        tz: str | None = None,
        **options: Unpack[EntryOptions],
    ) -> Any:
        """Enqueue *job* each *period*; with *at*, at times of day. Without a job, a decorator.

        Example:
            ``app.every("1d", report, at="00:00", tz="Europe/London")``

        Args:
            period: At least 0.1 s; with *at*, the least distance of two runs.
            job: A job, or the name of one; a name may be short where that is unambiguous.
            at: ``"12:00"``, ``"**:15"``, ``"Monday 12:30"``, or several of these.
            tz: The IANA zone of *at*; the App's if None.
            options: See `EntryOptions`.

        Returns:
            The entry; as a decorator, the function made a job.

        Raises:
            InvalidSchedule: If the period, the time or the zone is none.
            InvalidName: If the entry's name or queue is none.
            WrongArguments: If the entry's arguments do not fit the job.
            UnknownJob: If *job* is a name that no job has.
        """

        def add(job: Job[..., Any], options: EntryOptions) -> Entry:
            return self.schedule.every(period, job.name, at=at, tz=tz, **options)

        return self._entry(job, add, options)

    @overload
    def cron(
        self, expression: str, job: Job[..., Any] | str, *, tz: str | None = None, **options: Unpack[EntryOptions]
    ) -> Entry: ...

    @overload
    def cron(
        self, expression: str, job: None = None, *, tz: str | None = None, **options: Unpack[EntryOptions]
    ) -> Callable[[Callable[P, R]], Job[P, R]]: ...

    def cron(
        self,
        expression: str,
        job: Job[..., Any] | str | None = None,
        *,
        tz: str | None = None,
        **options: Unpack[EntryOptions],
    ) -> Any:
        """Enqueue *job* by a cron *expression*, or a phrase. Without a job, a decorator.

        Example:
            ``app.cron("0 */4 * * *", charge, args=["retry"])``, ``app.cron("every weekday at 9:30", report)``

        Returns:
            The entry; as a decorator, the function made a job.

        Raises:
            InvalidSchedule: If the expression or the zone is none.
            InvalidName: If the entry's name or queue is none.
            WrongArguments: If the entry's arguments do not fit the job.
            UnknownJob: If *job* is a name that no job has.
        """

        def add(job: Job[..., Any], options: EntryOptions) -> Entry:
            return self.schedule.cron(expression, job.name, tz=tz, **options)

        return self._entry(job, add, options)

    def _entry(
        self,
        job: Job[..., Any] | str | None,
        add: Callable[[Job[..., Any], EntryOptions], Entry],
        options: EntryOptions,
    ) -> object:
        def checked(find: Callable[[], Job[..., Any]]) -> Entry:
            try:
                known = find()
                made = add(known, _bound(known, options))
            except MainspringError as error:
                if not catalog.note(_caller(), error):
                    raise
                return catalog.broken()
            self.schedule.places[made.name] = _caller()
            return made

        if job is not None:
            return checked(lambda: job if isinstance(job, Job) else self.job_named(job))

        def decorate(function: Callable[..., Any]) -> Job[..., Any]:
            made = function if isinstance(function, Job) else self._made_job(function)
            checked(lambda: made)
            return made

        return decorate

    @property
    def periodic(self) -> Periodic:
        """The periodic entries, by name: those of the code, and those that come from elsewhere."""
        from mainspring.api.periodic import Periodic

        return Periodic(self)

    # --- hooks -------------------------------------------------------------------------

    def on_tick(self, *, before: Hook | None = None, after: Hook | None = None, around: Hook | None = None) -> None:
        """Have hooks called round each round of the clock in which something is due.

        Each is called with the round's time, in the App's zone. Every clock calls them, also one
        that comes second to a tick.

        Args:
            before: If it returns False, what is due is skipped.
            after: Called when the round is done.
            around: A generator function that yields once.

        Raises:
            InvalidOption: If one cannot be called so.
        """
        _add(self.hooks.tick, ("time",), before=before, after=after, around=around)

    def on_run(self, *, before: Hook | None = None, after: Hook | None = None, around: Hook | None = None) -> None:
        """Have hooks called round the job of each tick, with the entry and the nominal local time.

        Every clock calls those before, also one that comes second to the tick.

        Args:
            before: If it returns False, the tick is skipped.
            after: Called when this clock has enqueued the job.
            around: A generator function that yields once; the yield gives whether this clock has.

        Raises:
            InvalidOption: If one cannot be called so.
        """
        _add(self.hooks.run, ("entry", "time"), before=before, after=after, around=around)

    # --- for the clock -----------------------------------------------------------------

    def definition(self, entry: Entry) -> Definition:
        """Return *entry* as data for the store."""
        from mainspring.schedule import record
        from mainspring.store.entries import Definition

        data = record.record(entry)
        return Definition(entry.name, record.stamp(data), record.when(data), codec.encode(data), entry.paused)

    def tick_payload(
        self,
        entry: Entry,
        tick: float,
        now: float,
        *,
        kind: str = "scheduled",
        late: float = 0.0,
        jid: str | None = None,
    ) -> TickJob:
        """Return the job of one tick, by the code path of every enqueue.

        Args:
            entry: The entry that is due.
            tick: Its nominal time, in unix seconds.
            now: The server's time, for the job's own time stamps.
            kind: Why it runs: ``"scheduled"``, ``"caught_up"``, ``"manual"`` or ``"backfilled"``.
            late: Seconds since it was due.
            jid: The job's id, if it is not that of the tick.

        Returns:
            The job; its payload is empty if a middleware stopped it.

        Raises:
            WrongArguments: If the entry comes from elsewhere than the code, and its arguments do not fit the job.
        """
        from mainspring.schedule.ticks import jid as tick_jid
        from mainspring.store.periodic import TickJob

        job, options = self._named(entry.job, queue=entry.queue, retry=None, at=None)
        if job is not None and self.schedule.get(entry.name) is not entry:
            job.arguments.restore(entry.args, entry.kwargs)
        push = self.client.record(entry.job, list(entry.args), dict(entry.kwargs), options)
        push.jid = push.fields["jid"] = tick_jid(entry.name, tick, self.namespace) if jid is None else jid
        push.fields["created_at"] = now
        if job is not None and job.tie is not None:
            job.tie(Draft(push.fields, now, *job.arguments.restore(entry.args, entry.kwargs), job))
            # A tick is enqueued once by its claim; the store takes neither a lock nor a place in a batch with it.
            push.fields.get("flow", {}).pop("lock", None)
        # So that its runs are told to the entry; a plain job has no flow, and is not asked.
        push.fields.setdefault("flow", {})["entry"] = f"{self.namespace}:{entry.name}"
        push.fields["periodic"] = {"name": entry.name, "tick": tick, "tz": entry.tz, "kind": kind, "late": late}
        if not self.client.prepare(push):
            return TickJob(push.queue, b"")
        payload = push.encoded(now, self.client.limit)
        return TickJob(push.queue, payload, push.at)


def _bound(job: Job[..., Any], options: EntryOptions) -> EntryOptions:
    """Return *options* with JSON-ready arguments; refuses at definition what could only fail at the tick."""
    args, kwargs = job.arguments.bind(*check_shape(job.name, options.get("args", ()), options.get("kwargs")))
    job.arguments.refuse_hidden(args, kwargs, IN_PLAIN_TEXT)
    job.options.changed(queue=options.get("queue"))
    return {**options, "args": args, "kwargs": kwargs}


def _add(chain: Chain, takes: tuple[str, ...], **hooks: Hook | None) -> None:
    for name, hook in hooks.items():
        if hook is not None and name != "around":
            check_handler(hook, takes)
    chain.add(**hooks)


def _caller() -> str:
    """Return file and line of the code that defines an entry: the first outside of this package."""
    frame = sys._getframe()  # noqa: SLF001 - what `inspect` does, without reading the sources of all frames
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "mainspring":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
