"""How processes that run no jobs, clocks and relays, appear among the others, and are told to end."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress

from mainspring import config
from mainspring.__about__ import __version__
from mainspring.app import App
from mainspring.base.errors import StoreError
from mainspring.worker.display import Display
from mainspring.worker.heartbeat import Heartbeat
from mainspring.worker.lease import Lease
from mainspring.worker.signals import Signals, dump_stacks

#: Seconds for the last word to the store.
FAREWELL = 5.0


class Presence:
    """Shows a process that runs no jobs among the others, and brings it the signals that are sent through the store."""

    def __init__(self, app: App, role: str, signalled: Callable[[str], None]) -> None:
        """Prepare to show this process as *app*'s *role*; nothing is sent yet."""
        timing = config.timing()
        lease = Lease(app.time, timing.lease)
        self._heartbeat = Heartbeat(
            store=app.store,
            lease=lease,
            holdings=(),
            display=Display(
                lease=lease,
                capsules=(),
                role=role,
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


def until_told(signals: Signals) -> None:
    """Wait for TERM or INT; TSTP means nothing to a process that runs no jobs."""
    while (name := signals.next()) not in {"TERM", "INT"}:
        if name == "TTIN":
            dump_stacks()
