"""Writes down how far running jobs say that they have come: each at most once a second, all in one call."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from mainspring.base import codec
from mainspring.base.errors import StoreError
from mainspring.base.service import LONGEST_PAUSE, Service
from mainspring.base.timesource import TimeSource
from mainspring.store import progress
from mainspring.store.command import Command
from mainspring.store.connection import Store

#: Seconds between two writes of one job.
EVERY: Final = 1.0
#: Seconds after which what a job said last is written again, lest it be forgotten.
_AGAIN: Final = progress.SECONDS / 3


class Progress(Service):
    """What the jobs of one worker say; its thread starts with the first that says something."""

    def __init__(self, store: Store, *, running: Callable[[], set[str]], time: TimeSource, rng: random.Random) -> None:
        """Begin with nothing said.

        Args:
            store: The store.
            running: Tells the ids of the jobs that run.
            time: The clocks.
            rng: The source of jitter.
        """
        super().__init__("progress", rng=rng)
        self._store = store
        self._running = running
        self._time = time
        self._said: dict[str, bytes] = {}  # jobs write, the loop takes
        self._shown: dict[str, tuple[float, bytes]] = {}  # only the loop touches this: when, and what
        self._unknown: set[str] = set()  # likewise: who was not known to run at the last turn
        self._is_started = False

    def tell(self, jid: str, fraction: float, note: str) -> None:
        """Note how far *jid* has come; called by jobs, so it waits for nothing."""
        is_first = jid not in self._said and jid not in self._shown
        self._said[jid] = codec.encode([round(fraction, 4), note, round(self._time.now(), 3)])
        if not self._is_started:
            self._is_started = True
            self.start()
        elif is_first:
            self.wake()

    def turn(self) -> float:
        """Write what is new, and forget what has ended."""
        said = list(self._said)
        # Asked after that, so that whoever said something and runs no more has ended since.
        running, now = self._running(), self._time.monotonic()
        calls = [progress.drop(jid) for jid in self._shown if jid not in running]
        self._shown = {jid: shown for jid, shown in self._shown.items() if jid in running}
        for jid in [*said, *(jid for jid in self._shown if jid not in said)]:
            since, data = self._shown.get(jid, (-LONGEST_PAUSE, b""))
            if jid not in running:
                # Who has just begun is known to run a moment later; who is not known twice has ended.
                if jid in self._unknown:
                    self._said.pop(jid, None)
            elif now - since >= (EVERY if jid in self._said else _AGAIN):
                data = self._said.pop(jid, data)
                self._shown[jid] = now, data
                calls.append(progress.write(jid, data))
        self._unknown = {jid for jid in said if jid not in running} - self._unknown
        self._write(calls)
        return EVERY / 2 if self._shown or self._said else LONGEST_PAUSE

    def _write(self, calls: list[Command[None]]) -> None:
        try:
            self._store.pipeline(calls)
        except StoreError:
            # For people only; whoever needs the store more says that it is gone.
            return

    def end(self) -> None:
        """Take off what is shown."""
        self._write([progress.drop(jid) for jid in self._shown])
