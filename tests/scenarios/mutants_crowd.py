"""Requests that are sent before the last answer was read: made the rule, and known faults of theirs.

Writing into the oracle takes so long that no crowd comes by itself.
"""

from __future__ import annotations

from mainspring.store.command import Command
from mainspring.store.queues import Fetched
from mainspring.worker import capsule, fetcher


def eager() -> None:
    """Take one job for a crowd; no fault."""
    capsule._CROWD = 1  # type: ignore[misc]


def stranded() -> None:
    """Ask anew where an answer was lost, and never compare with what the store holds."""
    eager()
    ask = fetcher.Fetcher.ask

    def anew(self: fetcher.Fetcher, queue: str, holder: str, n: int) -> Command[Fetched]:
        self._requests[queue] += 1
        return ask(self, queue, holder, n)

    fetcher.Fetcher.ask = anew  # type: ignore[method-assign]
    capsule.Capsule._was_cut_off = lambda self: self._completer.sent()  # type: ignore[method-assign]
