"""The last that a worker says to the store: what it still holds goes back, and it is shown no more."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from mainspring.base.errors import StoreError
from mainspring.base.loggers import Log
from mainspring.store import processes
from mainspring.store.connection import Store
from mainspring.worker.lease import Lease

_log: Final = Log("mainspring.worker")


def say_farewell(store: Store, lease: Lease, holdings: Sequence[tuple[str, str]]) -> None:
    """Give back what is left, and take this process off the store.

    Args:
        store: The store.
        lease: The process's identity.
        holdings: Capsule and queue, for each queue of each capsule.
    """
    try:
        count = _leave(store, lease, holdings)
    except StoreError as error:
        # What this process holds is given back by others when its lease has run out.
        _log.warning("could not say farewell: %s", error, extra={"event": "store.gone", "facts": {}})
        return
    if count:
        _log.info("gave back %d jobs", count, extra={"event": "process.gave_back", "facts": {"jobs": count}})


def give_back(store: Store, lease: Lease, holdings: Sequence[tuple[str, str]]) -> None:
    """Do the same for jobs whose threads cannot be ended, without a word: one of them may hold a lock of the log's."""
    with suppress(StoreError):
        _leave(store, lease, holdings)


def _leave(store: Store, lease: Lease, holdings: Sequence[tuple[str, str]]) -> int:
    calls = [processes.leave(queue, lease.holder(capsule)) for capsule, queue in holdings]
    left = store.pipeline([*calls, *processes.hide(lease.identity)])
    return sum(answer for answer in left[: len(calls)] if isinstance(answer, int))
