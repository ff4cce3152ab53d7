"""``mainspring cron``: look at periodic entries, check them, and steer them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click

from mainspring.api.entries import PeriodicEntry
from mainspring.api.past_ticks import PastTick
from mainspring.app import App
from mainspring.base.durations import in_words
from mainspring.cli import boot
from mainspring.cli.cron_check import check
from mainspring.cli.cron_steer import backfill, pause, resume, run
from mainspring.cli.importing import import_
from mainspring.cli.moments import local
from mainspring.cli.options import examples, store_options
from mainspring.cli.output import ago, clean, counted, print_json, print_rows
from mainspring.schedule import oddities

_LOOKING = ("list", "next", "history", "check", "run", "pause", "resume", "backfill")


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "mainspring cron",
        "mainspring cron next report -n 5",
        "mainspring cron check -A shop.clock --strict     # in CI, before a deploy",
        "mainspring cron pause report",
        "crontab -l | mainspring cron import - > clock.py",
    ),
)
@store_options
@click.pass_context
def cron(context: click.Context, *, app_name: str | None, as_json: bool) -> None:
    """List the periodic entries; or check, run, pause, resume or backfill some."""
    if context.invoked_subcommand is None:
        _list(boot.any_app(app_name), as_json=as_json)
    # What was said before the subcommand counts for it too.
    context.default_map = {name: {"app_name": app_name, "as_json": as_json} for name in _LOOKING}


for command in (check, run, pause, resume, backfill, import_):
    cron.add_command(command)


@cron.command("list")
@store_options
def show(*, app_name: str | None, as_json: bool) -> None:
    """List the periodic entries.

    Shows when each is due next, when it ran last, and where it is defined.
    """
    _list(boot.any_app(app_name), as_json=as_json)


def _list(app: App, *, as_json: bool) -> None:
    found = list(app.periodic.values())
    if as_json:
        for entry in found:
            print_json(_record(entry))
        return
    now = app.time.now()
    rows = [_row(entry, now) for entry in found]
    nothing = "no periodic entries: app.every(...) and app.cron(...) make some"
    print_rows(("NAME", "SCHEDULE", "NEXT", "", "LAST", "FROM", ""), rows, nothing)


def _row(entry: PeriodicEntry, now: float) -> tuple[str, ...]:
    due = entry.next
    return (
        entry.name,
        entry.schedule,
        "never" if due is None else local(due),
        "" if due is None else ago(due.timestamp(), now),
        "" if entry.last is None else ago(entry.last.timestamp(), now),
        entry.origin,
        _state(entry),
    )


def _state(entry: PeriodicEntry) -> str:
    states = (
        ("paused", entry.is_paused),
        ("no clock has it yet", not entry.is_registered),
        ("cannot be read here", entry.problem is not None),
    )
    return ", ".join(state for state, holds in states if holds)


def _record(entry: PeriodicEntry) -> dict[str, object]:
    """Return an entry as JSON shows it; times are unix seconds."""
    due = entry.next
    return {
        "name": entry.name,
        "job": entry.job,
        "schedule": entry.schedule,
        "tz": entry.tz,
        "description": entry.description,
        "next": None if due is None else due.timestamp(),
        "last": None if entry.last is None else entry.last.timestamp(),
        "is_paused": entry.is_paused,
        "is_registered": entry.is_registered,
        "origin": entry.origin,
        "problem": entry.problem,
    }


# --- next ------------------------------------------------------------------------------


@cron.command("next", epilog=examples("mainspring cron next report", "mainspring cron next report -n 50 --json"))
@click.option("-n", "count", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many.")
@store_options
@click.argument("name")
def upcoming(*, app_name: str | None, as_json: bool, count: int, name: str) -> None:
    """Show when NAME is due next.

    Shows its own zone and UTC, and what becomes of times that a change of the clocks passes over.
    """
    app = boot.any_app(app_name)
    entry = app.periodic[name]
    now = app.time.now()
    rows = list(_due(entry, entry.upcoming(count)))
    if as_json:
        for tick, note in rows:
            print_json({"tick": None if tick is None else tick.timestamp(), "local": str(tick), "note": note or None})
        return
    shown = [
        ("", "", "", note) if tick is None else (local(tick), _utc(tick), ago(tick.timestamp(), now), note)
        for tick, note in rows
    ]
    print_rows(("LOCAL", "UTC", "", ""), shown, f"{clean(name)} is never due again")


def _due(entry: PeriodicEntry, ticks: Sequence[datetime]) -> Iterator[tuple[datetime | None, str]]:
    """Yield each tick and what is to be said of it; without a tick, a time that is left out."""
    if not ticks:
        return
    found = oddities.gaps(entry.definition, ticks[0].timestamp() - 1, ticks[-1].timestamp() + 1)
    moved = {gap.runs: oddities.sentence(gap, entry.definition) for gap in found if gap.runs is not None}
    left_out = [gap for gap in found if gap.runs is None]
    for tick in ticks:
        while left_out and left_out[0].wall < tick.replace(tzinfo=None):
            yield None, oddities.sentence(left_out.pop(0), entry.definition)
        yield tick, moved.get(tick.timestamp(), "")


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


# --- history ---------------------------------------------------------------------------


@cron.command()
@click.option("-n", "count", type=click.IntRange(1, 100), default=25, show_default=True, help="How many.")
@store_options
@click.argument("name")
def history(*, app_name: str | None, as_json: bool, count: int, name: str) -> None:
    """Show what became of the ticks of NAME.

    Shows the newest first; 100 are kept.
    """
    past = boot.any_app(app_name).periodic[name].history(count)
    if as_json:
        for line in past:
            print_json(_past(line))
        return
    rows = [
        (
            *(local(line.when), "" if line.tick is None else local(line.tick), line.kind, line.jid or ""),
            *(line.outcome or "", _story(line)),
        )
        for line in past
    ]
    print_rows(("WHEN", "TICK", "", "JOB", "RESULT", ""), rows, f"{clean(name)} has no history yet")


def _story(line: PastTick) -> str:
    said = []
    if line.why:
        said.append(f"by {line.why}")
    if line.late >= 1:
        said.append(f"{in_words(line.late)} late")
    if line.folded:
        said.append(f"{counted(line.folded, 'tick')} left out")
    return ", ".join(said)


def _past(line: PastTick) -> dict[str, object]:
    return {
        "when": line.when.timestamp(),
        "tick": None if line.tick is None else line.tick.timestamp(),
        "kind": line.kind,
        "jid": line.jid,
        "why": line.why,
        "folded": line.folded,
        "late": line.late,
        "outcome": line.outcome,
    }
