"""``mainspring clock``: enqueues periodic jobs at their times, and does nothing else."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress

import click

from mainspring import config
from mainspring.__about__ import __version__
from mainspring.app import App
from mainspring.base import logs
from mainspring.base.errors import StoreError
from mainspring.cli import banner, boot
from mainspring.cli.options import Session, app_option, debug_option, examples, log_options
from mainspring.clock import Clock, Sync
from mainspring.worker.display import Display
from mainspring.worker.heartbeat import Heartbeat
from mainspring.worker.lease import Lease
from mainspring.worker.signals import Signals, dump_stacks

#: Seconds for the last word to the store.
FAREWELL = 5.0


class Presence:
    """Shows the clock among the processes, and brings it the signals that are sent through the store."""

    def __init__(self, app: App, signalled: Callable[[str], None]) -> None:
        """Prepare to show *app*'s clock; nothing is sent yet."""
        timing = config.timing()
        lease = Lease(app.time, timing.lease)
        self._heartbeat = Heartbeat(
            store=app.store,
            lease=lease,
            holdings=(),
            display=Display(
                lease=lease,
                capsules=(),
                role="clock",
                tag=app.name,
                labels=(),
                version=__version__,
                is_quiet=lambda: False,
                is_embedded=False,
                time=app.time,
            ),
            every=timing.beat,
            signalled=signalled,
            beaten=lambda: app.handlers.fire("beat"),
            time=app.time,
            rng=random.Random(),
        )

    def start(self) -> None:
        """Appear."""
        self._heartbeat.start()

    def stop(self) -> None:
        """Disappear."""
        self._heartbeat.stop()
        self._heartbeat.join(FAREWELL)
        # The description fades by itself within a minute.
        with suppress(StoreError):
            self._heartbeat.hide()


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
    logs.configure(
        service="clock",
        instance=config.instance(),
        release=config.release(),
        fmt=log_format,
        level=log_level,
        env=os.environ,
    )
    app = boot.require(app_name)
    found = banner.look(app)
    banner.show("clock", app, found, ())
    banner.guard(found)
    signals = Signals()
    signals.listen()
    app.handlers.fire("startup", may_raise=True)
    made = Clock(app, companions=(Presence(app, signals.send), Sync(app)))
    made.start()
    took = time.monotonic() - session.started
    click.echo(f"  ready in {took:.2f} s {banner.dot()} Ctrl-C: end", err=True)
    _until_told(signals)
    app.handlers.fire("shutdown")
    made.stop()
    app.handlers.fire("exit")
    return 0


def _until_told(signals: Signals) -> None:
    """Wait for TERM or INT; TSTP means nothing to a clock, which runs no jobs."""
    while (name := signals.next()) not in {"TERM", "INT"}:
        if name == "TTIN":
            dump_stacks()
