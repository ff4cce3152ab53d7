"""What reaches into running jobs from outside, and what they say of themselves: limits, cancellation, progress."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from mainspring.base.loggers import Log
from mainspring.base.timesource import TimeSource
from mainspring.context import Holding
from mainspring.store import processes
from mainspring.store.connection import Store
from mainspring.worker.cancellations import Cancellations
from mainspring.worker.control import Control
from mainspring.worker.deadlines import Deadlines
from mainspring.worker.delivery import Delivery
from mainspring.worker.lease import Lease
from mainspring.worker.progress import Progress
from mainspring.worker.slots import Slots
from mainspring.worker.watch import Limits

_log: Final = Log("mainspring.worker")


class Steered(Protocol):
    """A capsule, as far as its running jobs are concerned."""

    slots: Slots


class Steering:
    """The part of a worker that reaches into what runs.

    Attributes:
        cancellations: Which jobs somebody cancelled.
        limits: What ends runs that take too long.
    """

    def __init__(
        self,
        store: Store,
        *,
        lease: Lease,
        is_stopping: Callable[[], bool],
        is_quiet: Callable[[], bool],
        grace: float,
        time: TimeSource,
        rng: random.Random,
    ) -> None:
        """Prepare to steer; nothing runs yet.

        Args:
            store: The store.
            lease: This process's identity and proof of life.
            is_stopping: Whether the worker is shutting down.
            is_quiet: Whether it starts no more jobs.
            grace: Seconds that a run whose time is up gets to end.
            time: The clocks.
            rng: The source of jitter.
        """
        self._capsules: Sequence[Steered] = ()
        self._lease = lease
        self._is_stopping, self._is_quiet = is_stopping, is_quiet
        self._time = time
        self._deadlines = Deadlines(time=time, rng=rng)
        self._control = Control(store, lease=lease, told=self._told, rng=rng)
        self._progress = Progress(store, running=self._running, time=time, rng=rng)
        self.cancellations = Cancellations(time)
        self.limits = Limits(self._deadlines, grace, self._left)

    def holding(self, holder: str) -> Holding:
        """Return what all jobs that *holder* runs have in common."""
        return Holding(
            holder,
            partial(self._lease.is_lost, holder),
            self._is_stopping,
            self._is_quiet,
            self.cancellations.tell,
            self._progress.tell,
        )

    def start(self, capsules: Sequence[Steered]) -> None:
        """Begin to listen, for what runs in *capsules*."""
        self._capsules = capsules
        self._control.start()

    def stop(self) -> None:
        """Ask all that runs here to end; returns at once."""
        for service in (self._control, self._deadlines, self._progress):
            service.stop()

    def stuck(self) -> int:
        """Count the threads that have lost their slots and have not ended."""
        return sum(capsule.slots.stuck() for capsule in self._capsules)

    def cancel(self, jid: str) -> None:
        """End the run of the job *jid* if it can be ended; else it ends where it asks."""
        self.cancellations.add(jid)
        if any(capsule.slots.cancel(jid) for capsule in self._capsules):
            self.cancellations.told.add(jid)

    def _told(self, order: str) -> None:
        verb, _, jid = order.partition(" ")
        if verb == processes.CANCEL:
            _log.info("told to cancel %s", jid, extra={"event": "job.cancel", "facts": {"jid": jid}})
            self.cancel(jid)

    def _left(self, delivery: Delivery, settle: Callable[[], None]) -> None:
        """Let another have the slot of a run that does not end."""
        if not any(capsule.slots.leave(delivery, settle) for capsule in self._capsules):
            settle()

    def _running(self) -> set[str]:
        return {delivery.jid for capsule in self._capsules for _, delivery in capsule.slots.busy()}
