"""``mainspring cron``: look at periodic entries, check them, and steer them."""

from __future__ import annotations

import click

from mainspring.cli.importing import import_
from mainspring.cli.options import examples


@click.group(epilog=examples("mainspring cron import crontab > clock.py"))
def cron() -> None:
    """List, check and steer periodic entries."""


cron.add_command(import_)
