"""Keeps the worker's pacemaker informed of what it holds and how long it may take to end."""

from __future__ import annotations

import os
from collections.abc import Sequence

from mainspring.config import Timing
from mainspring.store.connection import Store
from mainspring.worker.lease import Lease
from mainspring.worker.pacemaker import Orders, Pacemaker


class Pace:
    """One worker's pacemaker, and what it was told last.

    Attributes:
        alarm: Where the number of each signal that the worker gets can be read; -1 if nowhere.
        patience: Seconds after a TERM or INT until the worker is ended by force.
    """

    def __init__(
        self, store: Store, *, lease: Lease, holdings: Sequence[tuple[str, str]], timing: Timing, patience: float
    ) -> None:
        """Begin without a process.

        Args:
            store: The store.
            lease: The worker's identity and proof of life.
            holdings: Capsule and queue, for each queue of each capsule.
            timing: How often leases are renewed, and how long they last.
            patience: Seconds after a TERM or INT until the worker is ended by force.
        """
        self._store = store
        self._lease = lease
        self._holdings = holdings
        self._timing = timing
        self._pacemaker = Pacemaker()
        self._orders: Orders | None = None
        # Until there is an alarm, nobody ends this process but itself.
        self.alarm, self.patience = -1, patience

    def keep(self) -> None:
        """Tell the pacemaker what has changed, and start it if it does not run."""
        lease, store = self._lease, self._store
        orders = Orders(
            url=store.url,
            prefix=store.prefix,
            holdings=[(queue, lease.holder(capsule)) for capsule, queue in self._holdings],
            ttl_ms=lease.ttl_ms,
            # The heartbeat renews as well: this is for when it cannot.
            every=min(2 * self._timing.beat, self._timing.lease / 3),
            worker=os.getpid(),
            alarm=self.alarm,
            patience=self.patience,
        )
        if orders != self._orders or not self._pacemaker.is_running:
            self._orders = orders
            self._pacemaker.tell(orders)

    def assure(self) -> None:
        """Tell that the worker goes on: if an alarm was rung, it was not for the worker."""
        self._pacemaker.assure()

    def stop(self) -> None:
        """End the process: the worker goes in peace."""
        self._pacemaker.stop()
