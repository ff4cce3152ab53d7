"""Faults of one line or two, for what happens to servers, networks and machines; see `mutants`."""

from __future__ import annotations

from mainspring.base import service
from mainspring.store import keys, processes
from mainspring.store.command import Command, plain
from mainspring.worker import lease, recoverer


def no_recovery() -> None:
    """Look for no dead process."""
    recoverer.Recoverer.turn = lambda self: 60.0  # type: ignore[method-assign]


def mortal() -> None:
    """Let each service end at its first error."""

    def fail(self: service.Service, error: Exception) -> float:
        raise error

    service.Service._failed = fail  # type: ignore[method-assign]


def forgotten() -> None:
    """Lengthen leases and say nothing else with a beat, as one does who never thought of a store that forgets."""

    def beat(queue: str, identity: str, ttl_ms: int) -> Command[int]:
        return plain("PEXPIRE", keys.lease(queue, identity), args=(ttl_ms,), decode=lambda reply: 1)

    processes.beat = beat


def short_lease() -> None:
    """Ask for leases that are shorter than the time between two beats."""
    lease.Lease.ttl_ms = property(lambda self: 300)  # type: ignore[assignment, method-assign]


def trusting() -> None:
    """Believe for ever that what was fetched is still ours."""
    renewed = lease.Lease.renewed
    lease.Lease.renewed = lambda self, sent_at: renewed(self, sent_at + 1e9)  # type: ignore[method-assign]
