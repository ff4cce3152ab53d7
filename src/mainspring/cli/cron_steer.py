"""``mainspring cron run``, ``pause``, ``resume`` and ``backfill``: what changes or enqueues something."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from mainspring.api.entries import PeriodicEntry
from mainspring.base.errors import InvalidOption, UnknownEntry
from mainspring.cli import boot
from mainspring.cli.failure import FAILED, Failure
from mainspring.cli.moments import local
from mainspring.cli.options import app_option, confirm, debug_option, examples, store_options, yes_option
from mainspring.cli.output import clean, counted, print_json
from mainspring.job import Enqueued


@click.command(epilog=examples("mainspring cron run report", "mainspring cron run report --json | jq -r .jid"))
@store_options
@click.argument("name")
def run(*, app_name: str | None, as_json: bool, name: str) -> None:
    """Enqueue the job of NAME now.

    Prints the job's id. The ticks of NAME stay as they are, also if it is paused.
    """
    made = boot.any_app(app_name).periodic.trigger(name)
    if as_json:
        print_json(made._asdict())
    else:
        click.echo(_said(made, name))


def _said(made: Enqueued, name: str) -> str:
    if not made.jid:
        raise Failure(f"{name} was not enqueued: a middleware of the App stopped it")
    return made.jid if made.duplicate_of is None else f"{made.duplicate_of}  stands in its place"


@click.command(epilog=examples("mainspring cron pause report sweep"))
@app_option
@debug_option
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def pause(app_name: str | None, names: Sequence[str]) -> int:
    """Pass over the ticks of these entries.

    From now on, on all clocks, and until they are resumed.
    """
    return _steer(app_name, names, PeriodicEntry.pause, "is paused", "was paused")


@click.command(epilog=examples("mainspring cron resume report sweep"))
@app_option
@debug_option
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def resume(app_name: str | None, names: Sequence[str]) -> int:
    """Let the ticks of these entries count again.

    From now on: what was passed over meanwhile is not caught up; see backfill.
    """
    return _steer(app_name, names, PeriodicEntry.resume, "is resumed", "was not paused")


def _steer(
    app_name: str | None, names: Sequence[str], verb: Callable[[PeriodicEntry], bool], done: str, was: str
) -> int:
    """Do it to each entry; one that cannot be steered does not hinder the others."""
    periodic = boot.any_app(app_name).periodic
    failed = 0
    for name in names:
        try:
            click.echo(f"{clean(name)} {done if verb(periodic[name]) else was}")
        except (UnknownEntry, InvalidOption) as error:
            failed += 1
            click.echo(f"mainspring: {clean(str(error))}", err=True)
    return FAILED if failed else 0


@click.command(
    epilog=examples(
        "mainspring cron backfill report --from 2026-11-01 --to 2026-11-08 --dry-run",
        "mainspring cron backfill report --from '2026-11-01 09:00' --to 2026-11-08 --spread 1h --yes",
    )
)
@click.option("--from", "start", required=True, metavar="TIME", help="The first time; in the entry's zone, or +01:00.")
@click.option("--to", "end", required=True, metavar="TIME", help="The end, exclusive; not in the future.")
@click.option("--spread", metavar="DURATION", help="Let the jobs be due evenly within it, not all at once.")
@click.option("--dry-run", is_flag=True, help="Show the ticks, and enqueue nothing.")
@yes_option
@store_options
@click.argument("name")
def backfill(
    *,
    app_name: str | None,
    as_json: bool,
    name: str,
    start: str,
    end: str,
    spread: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Enqueue jobs for ticks that have passed.

    One for each tick of NAME in a stretch of time, oldest first. It does not matter whether a tick has run.
    Filled in twice, a tick has the same job id both times.
    """
    entry = boot.any_app(app_name).periodic[name]
    ticks = entry.backfill_ticks(start, end)
    if dry_run:
        for tick in ticks:
            print_json({"tick": tick.timestamp()}) if as_json else click.echo(local(tick))
        click.echo(f"{clean(name)}: {counted(len(ticks), 'tick')}, nothing was enqueued", err=True)
        return
    if ticks:
        confirm(f"Enqueue {counted(len(ticks), 'job')} of {clean(name)}?", yes=yes)
    made = entry.backfill(start, end, spread=spread)
    if as_json:
        for job in made:
            print_json(job._asdict())
    else:
        click.echo(f"{clean(name)}: {counted(sum(bool(job.jid) for job in made), 'job')} enqueued")
