"""``mainspring limits``: list and reset limiters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from difflib import get_close_matches

import click

from mainspring.api.limiters import LimiterState
from mainspring.app import App
from mainspring.base.durations import in_words
from mainspring.cli import boot
from mainspring.cli.failure import Failure
from mainspring.cli.options import app_option, confirm, debug_option, examples, store_options, yes_option
from mainspring.cli.output import clean, print_json, print_rows


@click.group(
    invoke_without_command=True,
    epilog=examples("mainspring limits", "mainspring limits reset partner", "mainspring limits --json | jq .used"),
)
@store_options
@click.pass_context
def limits(context: click.Context, *, app_name: str | None, as_json: bool) -> None:
    """List the limiters that were used in the last week; or reset some."""
    if context.invoked_subcommand is None:
        _list(boot.any_app(app_name), as_json=as_json)
    # What was said before the subcommand counts for it too.
    context.default_map = {name: {"app_name": app_name, "as_json": as_json} for name in ("list", "reset")}


@limits.command("list")
@store_options
def show(*, app_name: str | None, as_json: bool) -> None:
    """List the limiters: how much of each is in use, how many wait, and whom it refused in the last hour."""
    _list(boot.any_app(app_name), as_json=as_json)


def _list(app: App, *, as_json: bool) -> None:
    states = app.limiters.states()
    if as_json:
        for state in states:
            print_json(_facts(state))
        return
    rows = [_row(state) for state in states]
    head = ("NAME", "KIND", "LIMIT", "USED", "WAITING", "TAKEN/H", "REFUSED/H", "OVER")
    print_rows(head, rows, "no limiters were used here of late", right=set(range(3, 8)))


def _row(state: LimiterState) -> tuple[str, ...]:
    used = f"{state.used:,.3f}".rstrip("0").rstrip(".")
    over = "-" if state.over_limit is None else f"{state.over_limit:.0%}"
    counts = (f"{state.waiting:,}", f"{state.taken:,}", f"{state.refused:,}", over)
    return state.name, state.kind, _limit(state), used, *counts


def _facts(state: LimiterState) -> dict[str, object]:
    facts = {name: value for name, value in asdict(state).items() if not name.endswith("_by_minute")}
    return {**facts, "taken": state.taken, "refused": state.refused, "over_limit": state.over_limit}


def _limit(state: LimiterState) -> str:
    span = in_words(state.span)
    match state.kind:
        case "concurrent":
            return f"{state.limit:,} at once, each for {span} at most"
        case "bucket":
            return f"{state.limit:,} each {span}"
        case "window":
            return f"{state.limit:,} in any {span}"
        case "leaky":
            return f"{state.limit:,}, drained in {span}"
        case _:
            return f"{state.limit:,}, {state.limit / state.span:,.6g} a second come back"


@limits.command()
@app_option
@yes_option
@debug_option
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def reset(*, app_name: str | None, yes: bool, names: Sequence[str]) -> None:
    """Forget what was taken of these limiters; slots that are held become free."""
    app = boot.any_app(app_name)
    known = {state.name: state for state in app.limiters}
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise Failure(f"no limiter {name!r} was used of late{hint}")
        confirm(f"Forget the {known[name].used:g} taken of {clean(name)}?", yes=yes)
        app.limiters.reset(name)
        click.echo(f"{clean(name)} is as if it had not been used")
