"""Proves that this process lives, describes it to people, and takes the signals sent through the store."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from mainspring import config
from mainspring.base.errors import StoreError
from mainspring.base.loggers import Log
from mainspring.base.service import Service
from mainspring.base.timesource import TimeSource
from mainspring.metrics.sampler import Sampler
from mainspring.store import processes
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.worker.display import Display
from mainspring.worker.history import History
from mainspring.worker.lease import Lease

_log: Final = Log("mainspring.worker")

#: How much a beat may come earlier or later, so that processes started together do not beat together.
_SPREAD: Final = 0.2


class Heartbeat(Service):
    """Renews the leases of one process, on all queues of all its capsules."""

    def __init__(
        self,
        *,
        store: Store,
        lease: Lease,
        holdings: Sequence[tuple[str, str]],
        display: Display,
        every: float,
        signalled: Callable[[str], None],
        beaten: Callable[[], None],
        time: TimeSource,
        rng: random.Random,
    ) -> None:
        """Make a heartbeat that does not beat yet.

        Args:
            store: The store.
            lease: What the beats renew.
            holdings: Capsule and queue, for each queue of each capsule; none for a clock.
            display: Describes the process.
            every: Seconds between two beats.
            signalled: Called with each signal that came through the store.
            beaten: Called after each beat.
            time: The clocks.
            rng: The source of jitter.
        """
        super().__init__("heartbeat", rng=rng)
        self._store = store
        self._lease = lease
        self._holdings = holdings
        self._history = History(sorted({queue for _, queue in holdings}))
        self._display = display
        self._every = every
        self._signalled = signalled
        self._beaten = beaten
        self._time = time
        self._sampler = Sampler(store, time, release=config.release())
        self._rtt = 0.0
        self.advanced = time.monotonic()

    def register(self) -> None:
        """Take ownership of jobs of each queue, before the first is fetched.

        Raises:
            StoreError: If the store does not answer.
        """
        sent = self._time.monotonic()
        lease = self._lease
        for answer in self._store.pipeline(
            [processes.register(queue, lease.holder(capsule), lease.ttl_ms) for capsule, queue in self._holdings]
        ):
            if isinstance(answer, StoreError):
                raise answer
        lease.renewed(sent)
        self._show()

    def turn(self) -> float:
        """Beat once."""
        sent = self._time.monotonic()
        beats = self._beats()
        answers = self._store.pipeline([*beats, *self._history.calls()])
        self._rtt = self._time.monotonic() - sent
        beaten, counts = answers[: len(beats)], answers[len(beats) :]
        if -1 in beaten:
            self._begin_anew()
        else:
            self._confirm(beaten, sent)
        self._history.compare(counts)
        self._show()
        self._beaten()
        self._sampler.look()
        self.advanced = self._time.monotonic()
        return self._every * self._rng.uniform(1 - _SPREAD, 1 + _SPREAD)

    def _beats(self) -> list[Command[int]]:
        lease = self._lease
        return [processes.beat(queue, lease.holder(capsule), lease.ttl_ms) for capsule, queue in self._holdings]

    def _confirm(self, answers: Sequence[Any], sent: float) -> None:
        for answer in answers:
            if isinstance(answer, StoreError):
                raise answer
        self._lease.renewed(sent)
        if 2 in answers:
            _log.warning("the lease had run out, and is renewed", extra={"event": "process.late", "facts": {}})

    def _begin_anew(self) -> None:
        old = self._lease.identity
        self._lease.begin_anew()
        _log.error(
            "%s was declared dead and its jobs were given to others; going on as %s",
            old,
            self._lease.identity,
            extra={"event": "process.fenced", "facts": {"was": old, "now": self._lease.identity}},
        )
        self.register()

    def _show(self) -> None:
        """Describe the process. For people only: what fails here is no trouble of the lease's."""
        try:
            call = processes.show(self._lease.identity, self._display.description(self._rtt), self._display.work())
            for name in self._store.run(call):
                self._signalled(name)
        except StoreError as error:
            _log.debug("the process cannot be shown: %s", error)

    def hide(self) -> None:
        """Take the process off the display.

        Raises:
            StoreError: If the store does not answer.
        """
        self._store.pipeline(processes.hide(self._lease.identity))
