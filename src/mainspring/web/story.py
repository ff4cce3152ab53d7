"""The story of one job, from when it was enqueued to what comes next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mainspring.api.attempts import Attempt, FinishedJob
from mainspring.api.jobs import StoredJob
from mainspring.base import payload


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to a job, or will.

    Attributes:
        at: When, in unix seconds; None if nobody knows.
        what: ``enqueued``, ``pushed``, ``recovered``, ``lost``, ``attempt``, ``waits``, ``runs``, ``due``, ``retry``,
            ``dead`` or ``gone``.
        kind: Its colour: ``ok``, ``warn``, ``bad``, ``run``, ``sched`` or ``idle``.
        seconds: How long it took, where it did.
        number: Which attempt it is, or how many.
        attempt: The attempt, if it is one.
    """

    at: float | None
    what: str
    kind: str
    seconds: float | None = None
    number: int = 0
    attempt: Attempt | None = field(default=None, repr=False)


def told(
    job: StoredJob | FinishedJob | None, state: str, attempts: Sequence[Attempt], started_at: float | None, now: float
) -> list[Moment]:
    """Return the story of a job, the oldest first.

    Args:
        job: What is stored of it.
        state: Where it is; ``done`` or ``gone`` if it is nowhere.
        attempts: Its runs that are over, the newest first.
        started_at: Since when it runs, if it does.
        now: Unix seconds.
    """
    past = [*_beginning(job), *_recoveries(job), *_runs(attempts)]
    past.sort(key=lambda moment: moment.at or 0.0)
    known = bool(past) and past[0].what == "enqueued"
    lost = (attempts[-1].number - 1) if attempts else 0
    if lost > 0:
        past.insert(1 if known else 0, Moment(None, "lost", "idle", number=lost))
    return [*past, *_present(job, state, attempts, started_at, now)]


def _beginning(job: StoredJob | FinishedJob | None) -> Iterator[Moment]:
    if job is not None and job.created_at is not None:
        yield Moment(job.created_at, "enqueued", "ok")


def _recoveries(job: StoredJob | FinishedJob | None) -> Iterator[Moment]:
    found = job.fields.get("recovered") if job is not None else None
    for each in found if isinstance(found, list) else ():
        yield Moment(payload.unix(each), "recovered", "warn")


def _runs(attempts: Sequence[Attempt]) -> Iterator[Moment]:
    for attempt in attempts:
        kind = {"ok": "ok", "retry": "bad", "dead": "bad", "snoozed": "sched"}.get(attempt.outcome, "idle")
        yield Moment(attempt.started_at, "attempt", kind, attempt.seconds, attempt.number, attempt)


def _present(
    job: StoredJob | FinishedJob | None, state: str, attempts: Sequence[Attempt], started_at: float | None, now: float
) -> Iterator[Moment]:
    number = next_attempt(job.fields if job is not None else {}, attempts)
    at = job.at if isinstance(job, StoredJob) else None
    since = job.enqueued_at or job.created_at if job is not None else None
    waited = (started_at if state == "running" and started_at else now) - since if since is not None else None
    if state in {"queued", "waiting"}:
        yield Moment(since, "waits", "warn" if state == "waiting" else "idle", waited)
    elif state == "running":
        if started_at is not None and waited is not None and waited >= 0:
            yield Moment(since, "waited", "idle", waited)
        yield Moment(started_at, "runs", "run", now - started_at if started_at is not None else None, number)
    elif state == "retrying":
        yield Moment(at, "retry", "idle", number=number)
    elif state == "scheduled":
        yield Moment(at, "due", "sched")
    elif state == "dead":
        yield Moment(at, "dead", "bad")
    elif state == "gone":
        yield Moment(None, "gone", "idle")


def next_attempt(fields: Mapping[str, object], attempts: Sequence[Attempt]) -> int:
    """Return which run of the job the one is that runs or comes next, counted from 1."""
    count = fields.get("retry_count")
    told = count + 2 if isinstance(count, int) and not isinstance(count, bool) else 1
    return max(told, attempts[0].number + 1 if attempts else 1)
