"""``mainspring jobs``: list what waits, runs, failed and died, or show one job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import click

from mainspring.api.attempts import Attempt
from mainspring.api.filters import JobFilter
from mainspring.api.jobs import StoredJob
from mainspring.app import App
from mainspring.cli import boot
from mainspring.cli.attempts import attempt_record, done_listing, done_record, print_attempts
from mainspring.cli.options import examples, store_options
from mainspring.cli.output import ago, call, clean, compact, listing, print_json, print_rows, stamp
from mainspring.cli.selection import STATES, Selection, filter_options, found

#: Rows that a page of a table has: the widths of its columns must be known before the first is printed.
_PAGE = 1000


class _Jobs(click.Group):
    """Takes what is no subcommand for the id of a job to show."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand that is meant."""
        if args and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Jobs,
    invoke_without_command=True,
    epilog=examples(
        "mainspring jobs --state dead --class send_invoice",
        "mainspring jobs show 50e0c1d2a3b4c5d6e7f80910",
        "mainspring jobs --state waiting --queue low --limit 0 --json | jq -r .jid",
    ),
)
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(STATES),
    help="Only what is there; may be repeated.  [default: all]",
)
@filter_options
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="How many at most; 0 for all.")
@store_options
@click.pass_context
def jobs(
    context: click.Context,
    /,
    *,
    app_name: str | None,
    as_json: bool,
    states: Sequence[str],
    limit: int,
    **which: str | None,
) -> None:
    """List jobs; or show one: mainspring jobs JID."""
    if context.invoked_subcommand is not None:
        context.default_map = {"show": {"app_name": app_name, "as_json": as_json}}
        return
    app = boot.any_app(app_name)
    selection = iter(Selection(app, states or STATES, JobFilter(**which)))
    shown = selection if limit == 0 else islice(selection, limit)
    if as_json:
        for job in shown:
            print_json(as_record(job))
        return
    print_jobs(app, shown, state_of)
    if limit and next(selection, None) is not None:
        click.echo(f"there are more than {limit}: --limit 0 lists all", err=True)


def print_jobs(app: App, shown: Iterable[StoredJob], state: Callable[[StoredJob], str]) -> None:
    """Print a table of jobs, with where each is by the words of *state*."""
    rows = [(state(job), *_row(job, app.time.now())) for job in shown]
    header = ("STATE", "JID", "QUEUE", "WHEN", "JOB", "ERROR")
    if len(rows) > _PAGE or any(row[-1] for row in rows):
        print_rows(header, rows, "")
    else:
        print_rows(header[:-1], [row[:-1] for row in rows], "no such jobs")


def _row(job: StoredJob, now: float) -> tuple[str, ...]:
    what = call(job.display_name, job.args, job.kwargs) if job.is_readable else _raw(job)
    error = f"{job.error_class}: {job.error_message or ''}" if job.error_class else ""
    return (job.jid, job.queue, ago(job.at or job.enqueued_at, now), _short(what), _short(error))


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:78]}.."


def _raw(job: StoredJob) -> str:
    return f"(no job) {job.raw[:200].decode('utf-8', 'backslashreplace')}"


def state_of(job: StoredJob) -> str:
    """Return where *job* is, as one of `STATES`."""
    return job.place if job.place in STATES else "waiting"


@jobs.command()
@click.argument("jid")
@store_options
def show(*, app_name: str | None, as_json: bool, jid: str) -> None:
    """Show all that is known of one job."""
    app = boot.any_app(app_name)
    job, attempts, now = app.find(jid), app.attempts(jid), app.time.now()
    if job is None and attempts:
        _show_done(app, jid, attempts, as_json=as_json)
        return
    job = job or found(app, jid)
    if as_json:
        print_json(as_record(job) | {"attempts": [attempt_record(attempt) for attempt in attempts]})
        return
    click.echo(listing(_facts(job, now)))
    if job.backtrace:
        click.echo("backtrace")
        click.echo("\n".join(f"  {clean(line)}" for line in job.backtrace))
    print_attempts(attempts, now)


def _show_done(app: App, jid: str, attempts: Sequence[Attempt], *, as_json: bool) -> None:
    done, now = app.finished(jid), app.time.now()
    if as_json:
        record = done_record(jid, done, attempts)
        print_json(record | {"attempts": [attempt_record(attempt) for attempt in attempts]})
        return
    click.echo(done_listing(jid, done, attempts, now))
    print_attempts(attempts, now)


def _facts(job: StoredJob, now: float) -> Iterator[tuple[str, object]]:
    yield "jid", job.jid
    yield "state", state_of(job)
    yield "process", job.process
    progress = job.progress
    if progress is not None:
        yield "progress", f"{progress.fraction:.0%} {progress.note} ({ago(progress.at, now)})"
    if not job.is_readable:
        yield "raw", _raw(job)
        return
    yield "job", call(job.display_name, job.args, job.kwargs)
    yield "class", job.name
    yield "queue", job.queue
    yield "tags", ", ".join(job.tags) or None
    yield "retry", compact(job.fields.get("retry"))
    yield "retries", job.retry_count
    yield "error", f"{job.error_class}: {job.error_message or ''}" if job.error_class else None
    yield "signature", job.signature
    died = state_of(job) == "dead"
    for name, moment in (
        ("created", job.created_at),
        ("enqueued", job.enqueued_at),
        ("failed", job.failed_at),
        ("died" if died else "due", job.at),
    ):
        yield name, None if moment is None else f"{stamp(moment)}  {ago(moment, now)}"


def as_record(job: StoredJob) -> dict[str, object]:
    """Return *job* as JSON shows it; times are unix seconds."""
    progress = job.progress
    record: dict[str, object] = {
        "jid": job.jid,
        "state": state_of(job),
        "class": job.name,
        "queue": job.queue,
        "at": job.at,
        "args": job.args,
        "kwargs": job.kwargs,
        "tags": job.tags,
        "created_at": job.created_at,
        "enqueued_at": job.enqueued_at,
        "failed_at": job.failed_at,
        "retry_count": job.retry_count,
        "error_class": job.error_class,
        "error_message": job.error_message,
        "signature": job.signature,
        "backtrace": job.backtrace,
        "process": job.process,
        "progress": None if progress is None else {"fraction": progress.fraction, "note": progress.note},
    }
    return record if job.is_readable else record | {"raw": job.raw.decode("utf-8", "backslashreplace")}
