"""``mainspring batches``: list, show and cancel batches and workflows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from typing import Final

import click

from mainspring.api.batches import Batches, BatchStep
from mainspring.app import App
from mainspring.cli import boot
from mainspring.cli.failure import Failure
from mainspring.cli.options import app_option, confirm, debug_option, examples, store_options, yes_option
from mainspring.cli.output import ago, call, clean, counted, listing, print_json, print_rows, stamp, table
from mainspring.store.batches import BatchStatus

#: How many failed jobs of a batch are shown.
_FAILURES: Final = 20

_HEADER: Final = ("BID", "STATE", "DONE", "OF", "FAILED", "DEAD", "MADE", "DESCRIPTION")


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "mainspring batches", "mainspring batches show 5f2e41c09a7b3d68", "mainspring batches --json | jq .pending"
    ),
)
@store_options
@click.option("--count", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many to list.")
@click.pass_context
def batches(context: click.Context, *, app_name: str | None, as_json: bool, count: int) -> None:
    """List batches: those that are not over first, newest first; or show or cancel some."""
    if context.invoked_subcommand is None:
        _list(boot.any_app(app_name), as_json=as_json, count=count)
    # What was said before the subcommand counts for it too.
    context.default_map = {
        "show": {"app_name": app_name, "as_json": as_json},
        "cancel": {"app_name": app_name},
    }


def _list(app: App, *, as_json: bool, count: int) -> None:
    found = app.batches.page(count=count)
    if as_json:
        for status in found:
            print_json(_document(status))
        return
    rows = [_row(app, status) for status in found]
    print_rows(_HEADER, rows, "there are no batches, and none was over of late", right={2, 3, 4, 5})


def _row(app: App, status: BatchStatus) -> Sequence[object]:
    numbers = (f"{number:,}" for number in (status.succeeded, status.total, status.failures, status.dead))
    made = ago(status.created_at, app.time.now())
    return (status.bid, state(status), *numbers, made, " ".join([status.description, *status.tags]))


def state(status: BatchStatus) -> str:
    """Return in a word or two where a batch is."""
    if status.is_success:
        return "success"
    if status.is_cancelled:
        return "cancelled" if status.is_over else "being cancelled"
    if not status.is_sealed:
        return "being filled"
    return "complete" if status.is_complete else "running"


def _document(status: BatchStatus) -> dict[str, object]:
    return asdict(status) | {"state": state(status), "succeeded": status.succeeded}


@batches.command()
@store_options
@click.argument("bid")
def show(*, app_name: str | None, as_json: bool, bid: str) -> None:
    """Show one batch: how far it is, what is in it, and what failed."""
    app = boot.any_app(app_name)
    status = _found(app.batches, bid)
    children, steps = app.batches.children(bid), app.batches.steps(bid)
    if as_json:
        lists = {"children": [each.bid for each in children], "steps": [asdict(step) for step in steps]}
        print_json(_document(status) | lists)
        return
    click.echo(listing(_facts(app, status)))
    if children:
        click.echo("\n" + table(_HEADER, [_row(app, each) for each in children], right={2, 3, 4, 5}))
    if steps:
        click.echo("\n" + table(("STEP", "STATE", "AFTER", "JOB"), map(_step, steps), right={0}))
    _show_failures(app, status)


def _found(known: Batches, bid: str) -> BatchStatus:
    status = known.find(bid)
    if status is None:
        raise Failure(f"there is no batch {clean(bid)}, or it was over so long ago that it is forgotten")
    return status


def _facts(app: App, status: BatchStatus) -> list[tuple[str, object]]:
    now = app.time.now()
    return [
        ("batch", status.bid),
        ("description", status.description or None),
        ("tags", ", ".join(status.tags) or None),
        ("state", state(status)),
        ("in batch", status.parent or None),
        ("done", f"{status.succeeded:,} of {counted(status.total, 'job')}"),
        ("dropped", f"{status.dropped:,} of those done" if status.dropped else None),
        ("failed", f"{status.failures:,}, of which {status.dead:,} are dead" if status.failures else None),
        ("made", f"{stamp(status.created_at)}, {ago(status.created_at, now)}"),
        ("complete", stamp(status.completed_at)),
        ("success", stamp(status.succeeded_at)),
        ("first death", stamp(status.died_at)),
        ("cancelled", stamp(status.cancelled_at)),
    ]


def _step(step: BatchStep) -> Sequence[object]:
    return (step.number, step.state, ", ".join(map(str, step.after)), f"{step.job}  {step.jid}")


def _show_failures(app: App, status: BatchStatus) -> None:
    if not status.failures:
        return
    found = list(islice(app.batches.failures(status.bid), _FAILURES))
    rows = [(job.jid, str(job.where), call(job.display_name, job.args, job.kwargs), job.error_message) for job in found]
    click.echo("\n" + table(("JID", "IN", "JOB", "ERROR"), rows))
    if len(found) < status.failures:
        click.echo(f"{counted(len(found), 'failed job')} of {status.failures:,} shown")


@batches.command()
@app_option
@yes_option
@debug_option
@click.argument("bids", nargs=-1, required=True, metavar="BID...")
def cancel(*, app_name: str | None, yes: bool, bids: Sequence[str]) -> None:
    """Let no job of these batches start any more, nor of those in them; what runs goes on to its end."""
    app = boot.any_app(app_name)
    for bid in bids:
        status = _found(app.batches, bid)
        if status.is_success or status.is_cancelled:
            click.echo(f"{clean(bid)} is over already: {state(status)}", err=True)
            continue
        confirm(f"Cancel {clean(bid)}, of which {status.pending:,} jobs are pending?", yes=yes)
        click.echo(f"{counted(app.batches.cancel(bid), 'batch', 'batches')} cancelled")
