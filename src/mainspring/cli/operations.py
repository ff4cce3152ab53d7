"""``mainspring operations``: do something to all jobs that a filter means, and see how far that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

import click

from mainspring.api.operations import Operation
from mainspring.api.query import parse
from mainspring.api.search import Budget
from mainspring.api.slices import ACTIONS
from mainspring.app import App
from mainspring.base import durations
from mainspring.base.errors import InvalidOption
from mainspring.cli import boot
from mainspring.cli.failure import Failure
from mainspring.cli.options import app_option, confirm, debug_option, examples, store_options, yes_option
from mainspring.cli.output import ago, clean, counted, print_json, print_rows

_HEADER: Final = ("ID", "STATUS", "ACTION", "STATE", "FILTER", "DONE", "LOOKED", "OF", "STARTED", "BY")
_ACTIONS: Final = tuple(dict.fromkeys(action for actions in ACTIONS.values() for action in actions))
#: Seconds between two looks at what a worker does.
_EVERY: Final = 0.2
#: For a count before the act, which is to be right.
_UNBOUNDED: Final = Budget(10**12, 1e9)


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "mainspring operations start retry 'error:Timeout' --state retrying --spread 10m",
        "mainspring operations start delete class:Sync --state dead --dry-run",
        "mainspring operations cancel 5f2e41c09a7b3d68",
    ),
)
@store_options
@click.option("--count", default=20, show_default=True, type=click.IntRange(1, 200), help="How many to list.")
@click.pass_context
def operations(context: click.Context, *, app_name: str | None, as_json: bool, count: int) -> None:
    """List bulk operations, newest first; or start or cancel one."""
    context.default_map = {
        "list": {"app_name": app_name, "as_json": as_json, "count": count},
        "start": {"app_name": app_name, "as_json": as_json},
        "cancel": {"app_name": app_name},
    }
    if context.invoked_subcommand is None:
        _list(boot.any_app(app_name), as_json=as_json, count=count)


@operations.command("list")
@store_options
@click.option("--count", default=20, show_default=True, type=click.IntRange(1, 200), help="How many to list.")
def listed(*, app_name: str | None, as_json: bool, count: int) -> None:
    """List bulk operations, newest first."""
    _list(boot.any_app(app_name), as_json=as_json, count=count)


def _list(app: App, *, as_json: bool, count: int) -> None:
    found = app.operations.page(count=count)
    if as_json:
        for each in found:
            print_json(asdict(each))
        return
    print_rows(_HEADER, [_row(app, each) for each in found], "there were no bulk operations of late", right={5, 6, 7})


def _row(app: App, each: Operation) -> Sequence[object]:
    numbers = (f"{number:,}" for number in (each.done, each.looked, each.total))
    started = ago(each.started_at, app.time.now())
    return (each.id, each.status, each.action, each.state, each.query or "(all)", *numbers, started, each.by)


@operations.command(
    epilog=examples(
        "mainspring operations start retry --state dead",
        "mainspring operations start reschedule queue:low --state scheduled --in 2h",
        "mainspring operations start kill 'class:Sync* age:>1d' --state retrying --dry-run",
    )
)
@click.argument("action", type=click.Choice(_ACTIONS))
@click.argument("query", nargs=-1, metavar="[FILTER]...")
@click.option("--state", required=True, type=click.Choice(tuple(ACTIONS)), help="Where the jobs are.")
@click.option("--spread", metavar="DURATION", help="With retry: spread the retries over this time.")
@click.option("--in", "delay", metavar="DURATION", help="With reschedule: in how long the jobs shall be due.")
@click.option("--by", default="", help="Who does so, for the audit log.")
@click.option("--dry-run", is_flag=True, help="Say how many jobs that would be, and do nothing.")
@click.option("--detach", is_flag=True, help="Leave it to the workers, and do not wait.")
@yes_option
@store_options
def start(
    *,
    app_name: str | None,
    as_json: bool,
    action: str,
    query: Sequence[str],
    state: str,
    spread: str | None,
    delay: str | None,
    by: str,
    dry_run: bool,
    detach: bool,
    yes: bool,
) -> int:
    """Do something to all jobs of a state that a filter means.

    Jobs to which anything happens from now on are left alone. This command does its part, and waits for the end.
    """
    asked = parse(" ".join(query))
    app = boot.any_app(app_name)
    if dry_run:
        count, _ = app.operations.count(asked, state=state, budget=_UNBOUNDED)
        _say({"count": count}, f"{action} would be done to {counted(count, 'job')} ({state})", as_json=as_json)
        return 0
    if action != "retry":
        confirm(f"{action.capitalize()} all jobs that fit ({state})?", yes=yes)
    at = None if delay is None else app.time.now() + durations.seconds(delay)
    try:
        begun = app.operations.start(action, asked, state=state, by=by, spread=spread, at=at)
    except InvalidOption as error:
        raise click.UsageError(str(error)) from error
    ended = begun if detach else _ended(app, begun)
    skipped = f", {ended.skipped:,} left as they are" if ended.skipped else ""
    _say(asdict(ended), f"{ended.id} {ended.status}: {counted(ended.done, 'job')}{skipped}", as_json=as_json)
    if ended.reason:
        raise Failure(ended.reason)
    return 0 if ended.status in {"running", "done"} else 1


def _say(record: dict[str, object], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(record)
    else:
        click.echo(text)


def _ended(app: App, begun: Operation) -> Operation:
    """Do what nobody else does of an operation, or wait for those who do; return it when it is over."""
    found: Operation | None = begun
    while found and found.status == "running":
        if not app.operations.turn():
            app.time.sleep(_EVERY)
        found = app.operations.find(begun.id)
    if found is None:
        raise Failure(f"the operation {begun.id} was forgotten meanwhile")
    return found


@operations.command()
@app_option
@yes_option
@debug_option
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--by", default="", help="Who does so, for the audit log.")
def cancel(*, app_name: str | None, ids: Sequence[str], by: str, yes: bool) -> int:
    """End operations after the part that is being done; what is done stays done."""
    app = boot.any_app(app_name)
    confirm(f"Cancel {counted(len(ids), 'operation')}?", yes=yes)
    code = 0
    for name in ids:
        was_open = app.operations.cancel(name, by=by)
        code = code if was_open else 1
        click.echo(f"{clean(name)} {'cancelled' if was_open else 'is over, or was never there'}", err=not was_open)
    return code
