"""``mainspring cron check``: says all that is wrong or odd with a schedule, without a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click

from mainspring.api.entries import PeriodicEntry
from mainspring.app import App
from mainspring.cli import boot
from mainspring.cli.boot import NoApp
from mainspring.cli.failure import FAILED, OK
from mainspring.cli.moments import local
from mainspring.cli.options import examples, store_options
from mainspring.cli.output import clean, counted, print_json, print_rows
from mainspring.schedule import oddities
from mainspring.schedule.catalog import Problem, collect

_YEAR: Final = 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong or odd.

    Attributes:
        where: File and line, or the entry's name.
        kind: ``"error"`` or ``"warning"``.
        text: What it is.
    """

    where: str
    kind: str
    text: str


@click.command(
    epilog=examples(
        "mainspring cron check -A shop.clock",
        "mainspring cron check -A shop.clock --strict     # in CI: odd is as bad as wrong",
    )
)
@click.option("--strict", is_flag=True, help="Fail for warnings too.")
@store_options
def check(*, app_name: str | None, as_json: bool, strict: bool) -> int:
    """Say all that is wrong with the schedule.

    Shows also when its entries are due, and warns of uneven steps and of times that a change of the clocks
    passes over within a year. Needs no server: what comes from a database while a clock runs is not asked for.
    """
    app, problems = _load(app_name)
    now = app.time.now()
    entries = [PeriodicEntry.unregistered(app, entry, now) for entry in app.schedule.values()]
    findings = [*map(_error, problems), *_warnings(app, now)]
    is_wrong = bool(problems) or (strict and bool(findings))
    if as_json:
        shown = [{"name": e.name, "schedule": e.schedule, "next": _stamps(e)} for e in entries]
        print_json({"ok": not is_wrong, "findings": list(map(asdict, findings)), "entries": shown})
    else:
        _print(app, findings, entries)
    return FAILED if is_wrong else OK


def _load(app_name: str | None) -> tuple[App, list[Problem]]:
    """Import the App and return it with all entries that could not be defined."""
    with collect() as problems:
        try:
            return boot.require(app_name), problems
        except NoApp:
            # What stopped the import may well follow from what was found before.
            for problem in problems:
                click.echo(_line(_error(problem)))
            raise


def _error(problem: Problem) -> Finding:
    return Finding(_short(problem.where), "error", str(problem.error))


def _warnings(app: App, now: float) -> Iterator[Finding]:
    for entry in app.schedule.values():
        for sentence in oddities.of(entry, now, now + _YEAR):
            yield Finding(entry.name, "warning", sentence)


def _short(where: str) -> str:
    here = f"{Path.cwd()}/"
    return where.removeprefix(here)


def _line(finding: Finding) -> str:
    return f"{clean(finding.where)}: {finding.kind}: {clean(finding.text)}"


def _stamps(entry: PeriodicEntry) -> list[float]:
    return [tick.timestamp() for tick in entry.upcoming(3)]


def _print(app: App, findings: list[Finding], entries: list[PeriodicEntry]) -> None:
    for finding in findings:
        click.echo(_line(finding))
    if findings and entries:
        click.echo()
    rows = [(entry.name, entry.schedule, *_next(entry, app.time.now())) for entry in entries]
    print_rows(("NAME", "SCHEDULE", "NEXT", "THEN"), rows, "no periodic entries in the code")
    errors = sum(finding.kind == "error" for finding in findings)
    said = [counted(len(entries), "entry", "entries"), counted(errors, "error")]
    said.append(counted(len(findings) - errors, "warning"))
    if app.sources:
        said.append(f"{counted(len(app.sources), 'source')} not asked")
    click.echo(", ".join(said), err=True)


def _next(entry: PeriodicEntry, now: float) -> tuple[str, str]:
    ticks = entry.upcoming(2)
    if not ticks:
        return "never", ""
    # A period begins when its entry is first registered.
    first = "at once" if ticks[0].timestamp() <= now + 1 else local(ticks[0])
    return first, local(ticks[1]) if ticks[1:] else ""
