"""Runs of periodic entries out of turn: now, or for ticks that have passed.

The schedule goes on as if there were none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import islice
from typing import Any, Final

from mainspring.api.outside import Host, bound
from mainspring.base import codec
from mainspring.base.errors import InvalidOption, PushAmbiguous, PushFailed, StoreError, UnknownEntry, UnknownJob
from mainspring.job import Enqueued, Job
from mainspring.push import new_jid
from mainspring.schedule import options, ticks
from mainspring.schedule.entry import Entry
from mainspring.schedule.ticks import MILLISECOND, Rule
from mainspring.schedule.zones import zone
from mainspring.store import periodic, queues, sets
from mainspring.store.command import Command
from mainspring.store.periodic import TickJob

#: The most ticks that one backfill runs.
MOST: Final = 1_000
#: Seconds to wait before pushes whose answers were lost are made again, which their tokens make harmless.
_AGAIN: Final = (0.05, 0.2, 1.0)


@dataclass(frozen=True, slots=True)
class Run:
    """One run to be pushed.

    Attributes:
        jid: Its id.
        job: Its job; with an empty payload if a middleware stopped it.
        command: The call that pushes it.
    """

    jid: str
    job: TickJob
    command: Command[bool] | Command[int]

    def enqueued(self) -> Enqueued:
        """Return what the caller gets."""
        return Enqueued(self.jid if self.job.payload else "", self.job.queue, self.job.at)


def manual(app: Host, entry: Entry, now: float, args: Sequence[object] | None, *, is_stored: bool) -> Run:
    """Return a run of *entry* now.

    Args:
        app: The App.
        entry: The entry.
        now: The server's time.
        args: In place of the entry's own positional arguments.
        is_stored: Whether the store has the entry; one that no clock has registered has no history.

    Raises:
        WrongArguments: If *args* do not fit the job.
    """
    if args is not None:
        wire, _ = bound(_known(app, entry.job), entry.job, args, entry.kwargs)
        entry = replace(entry, args=tuple(wire))
    jid = new_jid()
    job = app.tick_payload(entry, round(now, 3), now, kind="manual", late=0.0, jid=jid)
    # A run that no tick asked for is one that the next tick must not overlap, too.
    run = jid if entry.overlap != "allow" else ""
    return _run(app, entry.name, round(now, 3), jid, job, kind="manual", run=run, is_stored=is_stored)


def past(
    app: Host, entry: Entry, now: float, found: Sequence[float], spread: float, *, is_stored: bool
) -> Iterator[Run]:
    """Yield a run of *entry* for each of the ticks *found*.

    Args:
        app: The App.
        entry: The entry.
        now: The server's time.
        found: The ticks, oldest first.
        spread: Seconds over which the runs are spread, evenly.
        is_stored: Whether the store has the entry.
    """
    for number, tick in enumerate(found):
        # Not that of the tick, whose own job may be there still; but the same if the tick is filled in again.
        jid = ticks.jid(f"{entry.name}\0backfilled", tick, app.namespace)
        job = app.tick_payload(entry, tick, now, kind="backfilled", late=round(now - tick, 3), jid=jid)
        if spread and job.at is None:
            job = job._replace(at=now + spread * number / len(found))
        yield _run(app, entry.name, tick, jid, job, kind="backfilled", run="", is_stored=is_stored)


def ticks_between(
    entry: Entry, anchor: float, start: datetime | str | float, end: datetime | str | float, now: float
) -> tuple[float, ...]:
    """Return the nominal ticks of *entry* from *start* to *end*, exclusive, in unix seconds, oldest first.

    A period without `at` is counted back from its anchor, so that also what lies before has ticks.

    Args:
        entry: The entry.
        anchor: When it was first registered.
        start: A time; without a zone it is meant in the entry's.
        end: Likewise; not in the future.
        now: The server's time.

    Raises:
        InvalidSchedule: If *start* or *end* is no time.
        InvalidOption: If *end* lies in the future, or there are more than 1,000 ticks.
    """
    begin, stop = (_moment(name, value, zone(entry.tz)) for name, value in (("start", start), ("end", end)))
    # What is given is rounded to milliseconds, perhaps up.
    if stop > now + MILLISECOND:
        raise InvalidOption(f"end={end!r} lies in the future; what comes then is enqueued by a clock")
    found = tuple(islice(_between(_from(entry, anchor, begin), begin, stop), MOST + 1))
    if len(found) > MOST:
        raise InvalidOption(f"{entry.name!r} has more than {MOST:,} ticks in this time; backfill it in parts")
    return found


def send(app: Host, name: str, runs: Sequence[Run]) -> list[Enqueued]:
    """Push *runs* of the entry *name* in one round trip; again, if an answer is lost.

    Raises:
        PushFailed: If some are certainly not stored.
        PushAmbiguous: If nobody can tell whether some are.
        UnknownEntry: If the entry was deleted meanwhile; none of the runs after that is stored.
    """
    left = [run for run in runs if run.job.payload]
    for wait in (*_AGAIN, None):
        answers = _answers(app, left)
        if any(answer is False for answer in answers):
            raise UnknownEntry(name)
        failed = [(run, answer) for run, answer in zip(left, answers, strict=True) if isinstance(answer, StoreError)]
        if not failed:
            break
        left = [run for run, _ in failed]
        errors = [error for _, error in failed]
        if wait is None or any(error.applied is False for error in errors):
            raise _failure(left, errors)
        app.time.sleep(wait)
    return [run.enqueued() for run in runs]


def _run(app: Host, name: str, tick: float, jid: str, job: TickJob, *, kind: str, run: str, is_stored: bool) -> Run:
    if is_stored:
        record = codec.encode({"tick": tick, "jid": jid, "kind": kind})
        return Run(jid, job, periodic.push_run(app.namespace, name, job, record=record, run=run, token=jid))
    if job.at is None:
        return Run(jid, job, queues.push(job.queue, [job.payload], token=jid))
    return Run(jid, job, sets.add([(job.at, job.payload)], queue=job.queue, token=jid))


def _answers(app: Host, runs: Sequence[Run]) -> list[object]:
    try:
        return app.store.pipeline([run.command for run in runs])
    except StoreError as error:
        return [error] * len(runs)


def _failure(runs: Sequence[Run], errors: Sequence[StoreError]) -> PushFailed | PushAmbiguous:
    jids = [run.jid for run in runs]
    which = f"job {jids[0]} is" if len(jids) == 1 else f"{len(jids)} jobs are"
    if all(error.applied is False for error in errors):
        return PushFailed(f"{which} not stored: {errors[0]}", jids)
    return PushAmbiguous(f"{which} perhaps stored, perhaps not: {errors[0]}", jids)


def _known(app: Host, name: str) -> Job[Any, Any] | None:
    try:
        return app.job_named(name)
    except UnknownJob:
        return None


def _moment(name: str, value: datetime | str | float, within: tzinfo) -> float:
    found = options.moment(name, value, within)
    if found is None:
        raise InvalidOption(f"{name}: write a time")
    return found


def _between(rule: Rule, begin: float, stop: float) -> Iterator[float]:
    tick = rule.after(begin - MILLISECOND)
    while tick is not None and tick < stop:
        yield tick
        tick = rule.after(tick)


def _from(entry: Entry, anchor: float, begin: float) -> Rule:
    """Return the entry's rule, anchored at an instant of the same phase that does not lie after *begin*."""
    first = anchor if entry.start is None else max(anchor, entry.start)
    since = begin if entry.start is None else max(begin, entry.start)
    if entry.every is None or entry.at or first <= since:
        return entry.rule.anchored(anchor)
    periods = (first - since) // entry.every
    return entry.rule.anchored(round(first - periods * entry.every, 3))
