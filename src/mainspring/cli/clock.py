"""``mainspring clock``: enqueues periodic jobs at their times, and does nothing else."""

from __future__ import annotations

import time

import click

from mainspring.cli import banner, boot
from mainspring.cli.options import Session, app_option, begin_log, debug_option, examples, log_options
from mainspring.cli.presence import Presence, until_told
from mainspring.clock import Clock, Sync
from mainspring.worker.signals import Signals


@click.command(
    epilog=examples(
        "mainspring clock -A shop.clock",
        "mainspring clock -A shop.clock --log-format json",
        "mainspring worker -A shop.clock --clock     # both in one process",
    )
)
@app_option
@log_options
@debug_option
@click.pass_obj
def clock(session: Session, app_name: str | None, log_format: str | None, log_level: str) -> int:
    """Enqueue periodic jobs at their times, until TERM or Ctrl-C.

    Run as many as you like: each tick is enqueued once, whoever comes first.
    """
    begin_log("clock", log_format, log_level)
    app = boot.require(app_name)
    found = banner.look(app)
    banner.show("clock", app, found, ())
    banner.guard(found)
    signals = Signals()
    signals.listen()
    app.handlers.fire("startup", may_raise=True)
    made = Clock(app, companions=(Presence(app, "clock", signals.send), Sync(app)))
    made.start()
    took = time.monotonic() - session.started
    click.echo(f"  ready in {took:.2f} s {banner.dot()} Ctrl-C: end", err=True)
    until_told(signals)
    app.handlers.fire("shutdown")
    made.stop()
    app.handlers.fire("exit")
    return 0
