"""Faults of one line or two in how the store is called; see `mutants`."""

from __future__ import annotations

from typing import Any

from mainspring.base import service
from mainspring.store import connection, keys, queues
from mainspring.store.command import Command, maybe_blob, plain
from mainspring.worker import capsule, looker

#: It pauses as ours does, and says of nothing that a full server may run it.
_LMOVE = "return redis.call('SISMEMBER', 'paused', 'default') == 0 and redis.call('LMOVE', KEYS[1], KEYS[2], 'RIGHT', 'LEFT')"


def lmove() -> None:
    """Take one job after the other into a list of our own, as workers do that know no better: a full server refuses it."""

    def fetch(queue: str, identity: str, n: int, reqid: str, field: str) -> Command[Any]:
        def read(reply: Any) -> queues.Fetched:
            raw = maybe_blob(reply)
            return queues.Fetched([] if raw is None else [(1, raw)])

        own = f"{keys.queue(queue)}:{identity}"
        return plain("EVAL", _LMOVE, "2", keys.queue(queue), own, decode=read)

    queues.fetch = fetch


def hurried() -> None:
    """Call again at once after an error."""
    failed = service.Service._failed

    def fail(self: service.Service, error: Exception) -> float:
        failed(self, error)
        return 0.01

    service.Service._failed = fail  # type: ignore[method-assign]


def chatty() -> None:
    """Say with each error anew that there is one."""
    failed = service.Service._failed

    def fail(self: service.Service, error: Exception) -> float:
        wait = failed(self, error)
        self.troubled(error)
        return wait

    service.Service._failed = fail  # type: ignore[method-assign]


def eager() -> None:
    """Come at once, however many others do."""
    patient()
    looker.FEW = 10**9  # type: ignore[misc]


def patient() -> None:
    """Ask nothing while nobody rings. It is no fault: what is asked then, a ring has caused."""
    capsule._IDLE = 3600.0  # type: ignore[misc]


def one_pool() -> None:
    """Use in a forked child the connections of its parent."""
    connection.os = _Ageless()  # type: ignore[assignment]


class _Ageless:
    """An operating system in which each process has one number for ever, its children included."""

    def getpid(self) -> int:
        return 1
