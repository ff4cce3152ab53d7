"""How an App takes its periodic entries, and what the clock asks it for.

A part of `App`, in a file of its own because it is a subject of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Self, TypeVar, Unpack, overload

from mainspring.base.durations import Duration
from mainspring.client import Client
from mainspring.job import Job
from mainspring.push import check_shape
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.entry import Entry, EntryOptions
from mainspring.schedule.ticks import jid
from mainspring.store.periodic import TickJob

P = ParamSpec("P")
R = TypeVar("R")


class Scheduling:
    """The periodic part of an App.

    Attributes:
        client: What takes the App's jobs to the store.
        schedule: Its periodic entries.
    """

    client: Client
    schedule: Catalog

    def job_named(self, name: str) -> Job[Any, Any]:
        """Return the job *name*; the App does."""
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
            period: At least 0.1 s; with *at*, whole days.
            job: A job, or the name of one; a name may be short where that is unambiguous.
            at: ``"HH:MM"``, or several of these.
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

        def add(job: Job[..., Any]) -> Entry:
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
        """Enqueue *job* by a cron *expression* of five fields. Without a job, a decorator.

        Example:
            ``app.cron("0 */4 * * *", charge, args=["retry"])``

        Returns:
            The entry; as a decorator, the function made a job.

        Raises:
            InvalidSchedule: If the expression or the zone is none.
            InvalidName: If the entry's name or queue is none.
            WrongArguments: If the entry's arguments do not fit the job.
            UnknownJob: If *job* is a name that no job has.
        """

        def add(job: Job[..., Any]) -> Entry:
            return self.schedule.cron(expression, job.name, tz=tz, **options)

        return self._entry(job, add, options)

    def _entry(
        self, job: Job[..., Any] | str | None, add: Callable[[Job[..., Any]], Entry], options: EntryOptions
    ) -> object:
        if job is not None:
            known = job if isinstance(job, Job) else self.job_named(job)
            _check(known, options)
            return add(known)

        def decorate(function: Callable[..., Any]) -> Job[..., Any]:
            made = function if isinstance(function, Job) else self._made_job(function)
            _check(made, options)
            add(made)
            return made

        return decorate

    # --- for the clock -----------------------------------------------------------------

    @property
    def payloads(self) -> Self:
        """What makes the jobs of ticks: the App itself."""
        return self

    def tick_payload(self, entry: Entry, tick: float, now: float) -> TickJob:
        """Return the job of one tick, by the code path of every enqueue.

        Args:
            entry: The entry that is due.
            tick: Its nominal time, in unix seconds.
            now: The server's time, for the job's own time stamps.

        Returns:
            The job; its payload is empty if a middleware stopped it.

        Raises:
            WrongArguments: If the entry's arguments do not fit the job.
        """
        job = self.job_named(entry.job)
        push = self.client.build(job, entry.args, dict(entry.kwargs), job.options.changed(queue=entry.queue))
        push.jid = push.fields["jid"] = jid(entry.name, tick)
        push.fields["created_at"] = now
        if not self.client.prepare(push):
            return TickJob(push.queue, b"")
        payload = push.encoded(now, self.client.limit)
        return TickJob(push.queue, payload, push.at)


def _check(job: Job[..., Any], options: EntryOptions) -> None:
    """Refuse at definition what could only fail at the tick, when nobody looks."""
    job.arguments.bind(*check_shape(job.name, options.get("args", ()), options.get("kwargs")))
    job.options.changed(queue=options.get("queue"))
