"""The last that a worker says to the store: what it still holds goes back, and it is shown no more."""

from __future__ import annotations

from collections.abc import Sequence
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
    calls = [processes.leave(queue, lease.holder(capsule)) for capsule, queue in holdings]
    try:
        left = store.pipeline([*calls, *processes.hide(lease.identity)])
    except StoreError as error:
        # What this process holds is given back by others when its lease has run out.
        _log.warning("could not say farewell: %s", error, extra={"event": "store.gone", "facts": {}})
        return
    count = sum(answer for answer in left[: len(calls)] if isinstance(answer, int))
    if count:
        _log.info("gave back %d jobs", count, extra={"event": "process.gave_back", "facts": {"jobs": count}})
