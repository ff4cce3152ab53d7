"""``mainspring queues``: list, pause, resume and clear queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from difflib import get_close_matches

import click

from mainspring.api.queues import Queue, QueueState
from mainspring.app import App
from mainspring.base.durations import in_words
from mainspring.cli import boot
from mainspring.cli.failure import Failure
from mainspring.cli.options import app_option, confirm, debug_option, examples, store_options, yes_option
from mainspring.cli.output import clean, counted, print_json, print_rows


@click.group(
    invoke_without_command=True,
    epilog=examples("mainspring queues", "mainspring queues pause mailers", "mainspring queues --json | jq .size"),
)
@store_options
@click.pass_context
def queues(context: click.Context, *, app_name: str | None, as_json: bool) -> None:
    """List the queues; or pause, resume or clear some."""
    if context.invoked_subcommand is None:
        _list(boot.any_app(app_name), as_json=as_json)
    # What was said before the subcommand counts for it too.
    context.default_map = {
        name: {"app_name": app_name, "as_json": as_json} for name in ("list", "pause", "resume", "clear")
    }


@queues.command("list")
@store_options
def show(*, app_name: str | None, as_json: bool) -> None:
    """List the queues: jobs that wait, for how long the next has waited, whether it is paused."""
    _list(boot.any_app(app_name), as_json=as_json)


def _list(app: App, *, as_json: bool) -> None:
    states = app.queues.states()
    if as_json:
        for state in states:
            print_json(asdict(state))
        return
    rows = [(state.name, f"{state.size:,}", in_words(state.latency), _remarks(state)) for state in states]
    print_rows(("QUEUE", "JOBS", "LATENCY", ""), rows, "no queues: nothing was ever enqueued here", right={1, 2})


def _remarks(state: QueueState) -> str:
    waiting = [f"{state.in_lanes:,} in lanes"] if state.in_lanes else []
    return ", ".join([*(["paused"] if state.is_paused else []), *waiting])


@queues.command()
@app_option
@debug_option
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def pause(app_name: str | None, names: Sequence[str]) -> None:
    """Start no more jobs of these queues, anywhere; what is pushed waits."""
    app = boot.any_app(app_name)
    for queue in _named(app, names):
        queue.pause()
        click.echo(f"{clean(queue.name)} is paused with {counted(queue.size, 'job')} in it")


@queues.command()
@app_option
@debug_option
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def resume(app_name: str | None, names: Sequence[str]) -> None:
    """Let jobs of these queues start again."""
    app = boot.any_app(app_name)
    for queue in _named(app, names):
        queue.resume()
        click.echo(f"{clean(queue.name)} is open with {counted(queue.size, 'job')} in it")


@queues.command()
@app_option
@yes_option
@debug_option
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def clear(*, app_name: str | None, yes: bool, names: Sequence[str]) -> None:
    """Drop all jobs that wait in these queues, for good."""
    app = boot.any_app(app_name)
    for queue in _named(app, names, must_exist=True):
        confirm(f"Drop {counted(queue.size, 'job')} of {clean(queue.name)}?", yes=yes)
        click.echo(f"{clean(queue.name)}: {counted(queue.clear(), 'job')} dropped")


def _named(app: App, names: Sequence[str], *, must_exist: bool = False) -> list[Queue]:
    """Return the queues *names*; a name that no queue has yet may be meant for the future, or a slip."""
    found = app.queues
    known = [queue.name for queue in found]
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            if must_exist:
                raise Failure(f"there is no queue {name!r}{hint}")
            click.echo(f"mainspring: nothing was ever pushed to the queue {clean(name)}{hint}", err=True)
    return [found[name] for name in names]
