"""Which batches were cancelled, as far as this process has heard: none of their jobs is started here."""

from __future__ import annotations

from typing import Final

from mainspring.base.errors import StoreError
from mainspring.base.flow import Flow
from mainspring.base.loggers import Log
from mainspring.context import JobContext
from mainspring.store import batches
from mainspring.store.connection import Store
from mainspring.worker.delivery import Delivery
from mainspring.worker.outcome import Discarded

_log: Final = Log("mainspring.worker")


class CancelledBatches:
    """The batches of which no job shall start.

    They are read with the heartbeat, and only by a process that has seen jobs of batches: to ask
    at the start of each job would cost a round trip for all, for the sake of few.
    """

    def __init__(self, store: Store) -> None:
        """Know of none yet.

        Args:
            store: The store.
        """
        self._store = store
        # The heartbeat's thread replaces it, and slots read it.
        self._bids: frozenset[str] = frozenset()
        self._has_seen_one = False

    def guard(self, _delivery: Delivery, flow: Flow, _context: JobContext) -> Discarded | None:
        """Drop a job of a cancelled batch; its callbacks, which tell of its end, run."""
        if not flow.batch:
            return None
        self._has_seen_one = True
        if flow.batch in self._bids and flow.number < batches.CALLBACKS:
            return Discarded("its batch was cancelled")
        return None

    def look(self) -> None:
        """Read which were cancelled, if that matters here; called with each heartbeat."""
        if not self._has_seen_one:
            return
        try:
            found: list[str] = self._store.run(batches.cancelled())
            self._bids = frozenset(found)
        except StoreError as error:
            _log.debug("whether batches were cancelled cannot be read: %s", error)
