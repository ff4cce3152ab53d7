"""What commands print of runs that are over, and of jobs that are done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from mainspring.api.attempts import Attempt, FinishedJob
from mainspring.base.durations import in_words
from mainspring.cli.output import ago, call, listing, stamp, table


def print_attempts(attempts: Sequence[Attempt], now: float) -> None:
    """Print runs in a table, the newest first; nothing if there are none."""
    if attempts:
        click.echo("attempts")
        rows = [_row(attempt, now) for attempt in attempts]
        shown = table(("ATTEMPT", "BEGAN", "TOOK", "OUTCOME", "PROCESS", "SLOT", "ERROR"), rows, right={0})
        click.echo("\n".join(f"  {line}" for line in shown.splitlines()))


def _row(attempt: Attempt, now: float) -> tuple[object, ...]:
    error = f"{attempt.error_class}: {attempt.error_message}" if attempt.error_class else ""
    began, took = ago(attempt.started_at, now), in_words(attempt.seconds)
    return (attempt.number, began, took, attempt.outcome, attempt.process, attempt.slot, error)


def attempt_record(attempt: Attempt) -> dict[str, object]:
    """Return a run as JSON shows it; times are unix seconds."""
    return {
        "number": attempt.number,
        "process": attempt.process,
        "slot": attempt.slot,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "outcome": attempt.outcome,
        "error_class": attempt.error_class,
        "error_message": attempt.error_message,
        "signature": attempt.signature,
        "backtrace": attempt.backtrace,
    }


def done_listing(jid: str, job: FinishedJob | None, attempts: Sequence[Attempt], now: float) -> str:
    """Return what is known of a job that is done, for people; *job* is None if only its runs were kept."""
    return listing([("jid", jid), ("state", _state(attempts)), *(_facts(job, now) if job is not None else ())])


def _state(attempts: Sequence[Attempt]) -> str:
    return "done" if attempts and attempts[0].outcome == "ok" else "gone"


def _facts(job: FinishedJob, now: float) -> Iterator[tuple[str, object]]:
    yield "job", f"{job.name}(..)" if job.is_cut else call(job.name, job.args, job.kwargs)
    yield "queue", job.queue
    yield "tags", ", ".join(job.tags) or None
    for name, moment in (("created", job.created_at), ("enqueued", job.enqueued_at), ("ended", job.last.ended_at)):
        yield name, None if moment is None else f"{stamp(moment)}  {ago(moment, now)}"


def done_record(jid: str, job: FinishedJob | None, attempts: Sequence[Attempt]) -> dict[str, object]:
    """Return what is known of a job that is done, as JSON shows it; times are unix seconds."""
    record: dict[str, object] = {"jid": jid, "state": _state(attempts)}
    if job is not None:
        record |= {
            "class": job.name,
            "queue": job.queue,
            "args": job.args,
            "kwargs": job.kwargs,
            "tags": job.tags,
            "created_at": job.created_at,
            "enqueued_at": job.enqueued_at,
        }
    return record
