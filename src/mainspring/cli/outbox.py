"""``mainspring outbox``: pushes what transactions have left in outboxes, and does nothing else."""

from __future__ import annotations

import time

import click

from mainspring.app import App
from mainspring.base.errors import InvalidOption
from mainspring.cli import banner, boot
from mainspring.cli.options import Session, app_option, begin_log, debug_option, examples, log_options
from mainspring.cli.output import counted
from mainspring.cli.presence import Presence, until_told
from mainspring.cli.worker import DurationType
from mainspring.worker import Relay
from mainspring.worker.signals import Signals


@click.command(
    epilog=examples(
        "mainspring outbox -A shop.jobs",
        "mainspring outbox -A shop.jobs --poll 0.2s",
        "mainspring outbox -A shop.jobs --once     # push what there is, and end",
    )
)
@app_option
@click.option(
    "--poll",
    type=DurationType(),
    default="1s",
    show_default=True,
    envvar="MAINSPRING_OUTBOX_POLL",
    show_envvar=True,
    help="How often to look for what other processes have committed.",
)
@click.option("--once", is_flag=True, help="Push what there is now, say how much it was, and end.")
@log_options
@debug_option
@click.pass_obj
def outbox(
    session: Session, *, app_name: str | None, poll: float, once: bool, log_format: str | None, log_level: str
) -> int:
    """Push the jobs that transactions have committed in outboxes, until TERM or Ctrl-C.

    Workers do so by themselves, where the App names a database with app.relay(). Run as many as you
    like: each job is pushed once, whoever comes first.
    """
    begin_log("outbox", log_format, log_level)
    app = boot.require(app_name)
    try:
        relay = Relay(app, poll=poll)
    except InvalidOption as error:
        raise click.UsageError(str(error)) from error
    if once:
        click.echo(f"{counted(relay.drain(), 'job')} pushed")
        return 0
    return _serve(app, relay, session)


def _serve(app: App, relay: Relay, session: Session) -> int:
    found = banner.look(app)
    banner.show("outbox", app, found, [("database", database.name) for database in app.relayed.databases])
    banner.guard(found)
    signals = Signals()
    signals.listen()
    app.handlers.fire("startup", may_raise=True)
    presence = Presence(app, "outbox", signals.send)
    presence.start()
    with relay:
        took = time.monotonic() - session.started
        click.echo(f"  ready in {took:.2f} s {banner.dot()} Ctrl-C: end", err=True)
        until_told(signals)
        app.handlers.fire("shutdown")
    presence.stop()
    app.handlers.fire("exit")
    return 0
