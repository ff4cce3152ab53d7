"""``mainspring failures``: list the errors that jobs fail with, show or forget one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import islice
from typing import Final

import click

from mainspring.api.failures import Failure
from mainspring.app import App
from mainspring.cli import boot, failure
from mainspring.cli.options import app_option, debug_option, examples, store_options
from mainspring.cli.output import ago, clean, listing, print_json, print_rows, stamp

_HEADER: Final = ("SIGNATURE", "COUNT", "HOUR", "JOB", "ERROR", "MESSAGE", "FRAME", "LAST SEEN")


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "mainspring failures",
        "mainspring failures show 9f2c41e09a7b3d68",
        "mainspring failures --json | jq -r .signature",
    ),
)
@store_options
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="How many at most; 0 for all.")
@click.pass_context
def failures(context: click.Context, *, app_name: str | None, as_json: bool, limit: int) -> None:
    """List the errors that jobs fail with, those alike as one: the one that was seen last first."""
    if context.invoked_subcommand is None:
        _list(boot.any_app(app_name), as_json=as_json, limit=limit)
    # What was said before the subcommand counts for it too.
    context.default_map = {"show": {"app_name": app_name, "as_json": as_json}, "forget": {"app_name": app_name}}


def _list(app: App, *, as_json: bool, limit: int) -> None:
    known = iter(app.failures)
    shown = list(known if limit == 0 else islice(known, limit))
    if as_json:
        for each in shown:
            print_json(as_record(each))
        return
    now = app.time.now()
    print_rows(_HEADER, [_row(each, now) for each in shown], "no job has failed of late", right={1, 2})
    if limit and next(known, None) is not None:
        click.echo(f"there are more than {limit}: --limit 0 lists all", err=True)


def _row(each: Failure, now: float) -> tuple[str, ...]:
    return (
        each.signature,
        f"{each.count:,}",
        f"{sum(each.series):,}",
        each.job,
        each.error_class,
        each.message if len(each.message) <= 60 else f"{each.message[:58]}..",
        each.frame,
        ago(each.last_seen, now),
    )


@failures.command()
@click.argument("signature")
@store_options
def show(*, app_name: str | None, as_json: bool, signature: str) -> None:
    """Show all that is known of one error."""
    app = boot.any_app(app_name)
    each = app.failures.find(signature)
    if each is None:
        raise failure.Failure(f"no such error: {clean(signature)}; mainspring failures lists those that came of late")
    if as_json:
        print_json(as_record(each))
        return
    click.echo(listing(_facts(each, app.time.now())))
    if each.backtrace:
        click.echo("backtrace")
        click.echo("\n".join(f"  {clean(line)}" for line in each.backtrace))


def _facts(each: Failure, now: float) -> Iterator[tuple[str, object]]:
    yield "signature", each.signature
    yield "job", each.job
    yield "error", each.error_class
    yield "message", each.message
    yield "frame", each.frame or None
    yield "queue", each.queue
    yield (
        "count",
        f"{each.count:,}, of them {sum(each.series):,} in the last hour, {sum(each.hours):,} in the last week",
    )
    for name, moment in (("first seen", each.first_seen), ("last seen", each.last_seen)):
        yield name, f"{stamp(moment)}  {ago(moment, now)}"
    yield "jobs", " ".join(each.samples) or None


@failures.command()
@click.argument("signature")
@app_option
@debug_option
def forget(*, app_name: str | None, signature: str) -> None:
    """Forget an error, so that it is new should it come again; its jobs stay where they are."""
    if not boot.any_app(app_name).failures.forget(signature):
        raise failure.Failure(f"no such error: {clean(signature)}")


def as_record(each: Failure) -> dict[str, object]:
    """Return *each* as JSON shows it; times are unix seconds."""
    facts = {field.name: getattr(each, field.name) for field in fields(each) if not field.name.startswith("_")}
    return facts | {"backtrace": each.backtrace}
