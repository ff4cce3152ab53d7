"""Known faults of unique locks."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from mainspring.base.errors import StoreError
from mainspring.base.flow import Flow
from mainspring.store import flows, keys
from mainspring.store.command import ignore, plain
from mainspring.store.connection import Store
from mainspring.store.ties import Ties
from mainspring.worker import completer, executor
from mainspring.worker.delivery import Delivery


def forget() -> None:
    """Settle jobs and leave their locks."""
    made = Ties.of

    def without_lock(jid: str, flow: Flow, **more: Any) -> Ties | None:
        found = made(jid, flow, **more)
        return None if found is None else Ties(found.jid, result=found.result, result_ms=found.result_ms)

    def without_locks(queue: str, identity: str, seqs: Any, jids: Any, _locks: Any, day: str) -> Any:
        return flows.finish(queue, identity, list(zip(seqs, map(Ties, jids), strict=True)), day)

    Ties.of = staticmethod(without_lock)  # type: ignore[assignment,method-assign]
    flows.unlock = without_locks


def let_go_early() -> None:
    """Let the lock go before the job has ended, in a call of its own."""
    admit = executor.Executor.admit

    def admitted(self: executor.Executor, delivery: Delivery) -> Any:
        found = admit(self, delivery)
        _let_go(delivery)
        return found

    executor.Executor.admit = admitted  # type: ignore[method-assign]


def let_go_late() -> None:
    """Let the lock go after the job has ended, in a call of its own, whoever holds it by then."""
    forget()
    confirm = completer.Completer.confirm

    def confirmed(self: completer.Completer, calls: Any, answers: Any) -> completer.Settled:
        settled = confirm(self, calls, answers)
        for delivery in settled.deliveries:
            _let_go(delivery)
        return settled

    completer.Completer.confirm = confirmed  # type: ignore[method-assign]


def _let_go(delivery: Delivery) -> None:
    if delivery.flow is not None and delivery.flow.lock:
        store = Store(os.environ["MAINSPRING_URL"])
        with suppress(StoreError):
            store.run(plain("DEL", keys.lock(delivery.flow.lock), decode=ignore))
        store.close()
