"""``mainspring cron import``: prints the Python clock file for a schedule of another system."""

from __future__ import annotations

from typing import BinaryIO, cast

import click

from mainspring.base.errors import InvalidSchedule
from mainspring.cli import clockfile
from mainspring.cli.failure import Failure
from mainspring.cli.options import debug_option, examples
from mainspring.cli.output import clean, counted
from mainspring.schedule.foreign.found import FORMATS, Format, Schedule
from mainspring.schedule.foreign.reading import read


@click.command(
    "import",
    epilog=examples(
        "crontab -l | mainspring cron import - > clock.py",
        "mainspring cron import /etc/crontab --tz Europe/London > clock.py",
        "mainspring cron import config/schedule.yml",
        "erb config/sidekiq.yml | mainspring cron import -",
    ),
)
@click.argument("file", type=click.File("rb"))
@click.option("--format", "of", type=click.Choice(FORMATS), help="What the file is.  [default: what it looks like]")
@click.option("--tz", metavar="ZONE", help="Where times are meant that name no zone, such as Europe/London.")
@debug_option
def import_(file: BinaryIO, of: str | None, tz: str | None) -> None:
    """Print a schedule from elsewhere as Python.

    FILE is a crontab, or a schedule of sidekiq-cron or sidekiq-scheduler; "-" is standard input. What has no
    equivalent stands in the Python as a comment, with the reason. No store is asked.
    """
    try:
        schedule = read(_text(file), tz=tz or "UTC", of=cast("Format | None", of))
    except InvalidSchedule as error:
        raise Failure(f"{clean(file.name)}: {error}") from error
    click.echo(clockfile.source(schedule, tz), nl=False)
    click.echo(_summary(schedule), err=True)


def _text(file: BinaryIO) -> str:
    try:
        return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"{clean(file.name)}: this is no text in UTF-8: {error.reason} at byte {error.start}") from error


def _summary(schedule: Schedule) -> str:
    refused = [found.line for found in schedule.entries if found.row is None]
    noted = [found.line for found in schedule.entries if found.row is not None and found.notes]
    taken = counted(len(schedule.entries) - len(refused), "entry", "entries")
    said = [f"{schedule.format}: {taken} taken over"]
    if noted:
        said.append(f"something was left out in {_lines(noted)}")
    if refused:
        said.append(f"{len(refused)} not taken over, see {_lines(refused)}")
    return "; ".join(said)


def _lines(numbers: list[int]) -> str:
    return f"{'line' if len(numbers) == 1 else 'lines'} {', '.join(map(str, numbers))}"
