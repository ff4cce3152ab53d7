"""``mainspring unlock``: takes the lock of a unique job away."""

from __future__ import annotations

from collections.abc import Sequence

import click

from mainspring.cli import boot
from mainspring.cli.enqueue import restored
from mainspring.cli.options import app_option, debug_option, examples, json_option
from mainspring.cli.output import print_json


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog=examples(
        "mainspring unlock -A shop.jobs sync_customer 42",
        "mainspring unlock -A shop.jobs sync_customer 42 --queue low",
    ),
)
@app_option
@click.option("--kw", "named", multiple=True, metavar="NAME=VALUE", help="A keyword argument.")
@click.option("--queue", help="The queue that it was enqueued to.  [default: the job's]")
@json_option
@debug_option
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="[ARG]...")
def unlock(
    *,
    app_name: str | None,
    named: Sequence[str],
    queue: str | None,
    as_json: bool,
    name: str,
    arguments: Sequence[str],
) -> int:
    """Take the lock of the unique job NAME away, so that it may be enqueued again at once.

    The job that held it stays, and runs. Arguments are read as by mainspring enqueue.
    """
    app = boot.require(app_name)
    job = app.job_named(name)
    args, kwargs = restored(job, arguments, named)
    was_held = app.unlock(job.using(queue=queue), *args, **kwargs)
    if as_json:
        print_json({"job": job.name, "unlocked": was_held})
    else:
        click.echo("unlocked" if was_held else "no job held that lock", err=not was_held)
    return 0 if was_held else 1
