"""Compares now and then what the store holds for a capsule with what the capsule knows of, and mends the difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mainspring.base.timesource import TimeSource
from mainspring.store import queues, stats
from mainspring.store.connection import Store
from mainspring.worker.completer import Completer
from mainspring.worker.delivery import Delivery
from mainspring.worker.inflight import InFlight


class Reconciliation:
    """The comparison of one capsule; used by whoever does its turn.

    Attributes:
        is_wanted: True if something may differ: it is due at once.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        store: Store,
        inflight: InFlight,
        completer: Completer,
        every: float,
        time: TimeSource,
    ) -> None:
        """Begin as if all had just been compared.

        Args:
            names: The capsule's queues.
            store: The store.
            inflight: What the capsule knows of.
            completer: What it has acknowledged lately.
            every: Seconds between two comparisons, unless one is wanted.
            time: The clocks.
        """
        self._names = names
        self._store = store
        self._inflight = inflight
        self._completer = completer
        self._every = every
        self._time = time
        self._compared = time.monotonic()
        self.is_wanted = False

    @property
    def is_due(self) -> bool:
        """True if it should be made now."""
        return self.is_wanted or self._time.monotonic() - self._compared > self._every

    def run(self, holder: str) -> None:
        """Compare what the store holds for *holder*.

        Acknowledged lately: the store has lost its last second, so acknowledge again. Never
        seen: the answer that brought it was lost, so give it back. Ours, and not in the store:
        it was given to another.

        Raises:
            StoreError: If the store does not answer; it stays due.
        """
        for queue in self._names:
            held = {int(seq) for seq in self._store.run(queues.inflight_seqs(queue, holder)) if seq.isdecimal()}
            known = self._inflight.of(queue)
            strange = held - known.keys()
            again = sorted(strange & self._completer.acknowledged(queue))
            unseen = sorted(strange - set(again))
            if again:
                self._store.run(queues.done(queue, holder, again[: queues.MOST], stats.day(self._time.now())))
            if unseen:
                self._store.run(queues.give_back(queue, holder, unseen[: queues.MOST]))
            self._give_up((delivery for seq, delivery in known.items() if seq not in held), holder)
        self._completer.reconciled()
        self.is_wanted = False
        self._compared = self._time.monotonic()

    def _give_up(self, missing: Iterable[Delivery], holder: str) -> None:
        """Acknowledge no more what the store does not hold for us.

        It was given to another; or the store lost its history, and will give the number to another job.
        """
        for delivery in missing:
            if delivery.holder == holder and not delivery.was_sent and not delivery.is_given_up:
                delivery.is_given_up = True
                if delivery.started:
                    self._completer.refused(delivery)
