"""A program that pushes without end, through whatever happens to the store, and keeps account."""

from __future__ import annotations

import threading
from typing import Self

from mainspring.base.errors import PushAmbiguous, PushFailed
from scenarios.harness import Office


class Producer:
    """Pushes jobs of 0 to 5 ms from a thread of its own.

    Attributes:
        ambiguous: The jobs of which nobody can tell whether they were stored.
        refusals: What each push that failed for certain said.
    """

    def __init__(self, office: Office, *, burst: int = 10, period: float = 0.02) -> None:
        """Begin to push.

        Args:
            office: Where the jobs go, and are noted once their push has returned.
            burst: Jobs in one push.
            period: Seconds between two pushes.
        """
        self._office = office
        self._burst = burst
        self._period = period
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.ambiguous: list[str] = []
        self.refusals: list[str] = []
        self._thread.start()

    def __enter__(self) -> Self:
        """Push on."""
        return self

    def __exit__(self, *_: object) -> None:
        """Push no more."""
        self.stop()

    def _run(self) -> None:
        while not self._told.wait(self._period):
            try:
                self._office.push_many("work", [(self._office.rng.uniform(0, 5),) for _ in range(self._burst)])
            except PushAmbiguous as error:
                self.ambiguous += error.jids
            except PushFailed as error:
                self.refusals.append(str(error))

    def stop(self) -> None:
        """Push no more."""
        self._told.set()
        self._thread.join()

    def settle(self) -> None:
        """Count each doubtful job that has run as pushed: it may have run, and must not have run twice."""
        self._office.pushed |= {jid: "work" for jid in self.ambiguous if jid in self._office.done()}
