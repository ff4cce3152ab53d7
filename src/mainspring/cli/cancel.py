"""``mainspring cancel``: drops jobs that wait, and ends those that run."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

import click

from mainspring.cli import boot
from mainspring.cli.options import examples, store_options
from mainspring.cli.output import clean, print_json

_DONE: Final = MappingProxyType(
    {"dropped": "dropped", "told": "runs; its process was told to end it", "": "is not there: done, dead, or never was"}
)


@click.command(
    "cancel",
    epilog=examples(
        "mainspring cancel 50e0c1d2a3b4c5d6e7f80910",
        "mainspring jobs --state running   # lists what runs",
    ),
)
@click.argument("jids", nargs=-1, required=True, metavar="JID...")
@store_options
def cancel(*, app_name: str | None, as_json: bool, jids: Sequence[str]) -> int:
    """Cancel jobs: drop those that wait, and end those that run.

    An async def is cancelled and a process killed at once; a job in a thread ends where it calls
    current_job().check(). A cancelled job is not tried again, and counts as no failure.
    """
    app = boot.any_app(app_name)
    code = 0
    for jid in jids:
        done = app.cancel(jid)
        code = code if done else 1
        if as_json:
            print_json({"jid": jid, "done": done or None})
        else:
            click.echo(f"{clean(jid)} {_DONE[done]}", err=not done)
    return code
