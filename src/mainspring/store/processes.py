"""Verbs of processes: leases that keep jobs safe, and descriptions that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, ignore, integer, maybe_blob, pairs, plain, texts

#: Seconds for which an order waits for its process.
ORDER_SECONDS: Final = 60
#: The first word of the order to cancel a job; the other is its id.
CANCEL: Final = "cancel"

# --- ownership -------------------------------------------------------------------


def register(queue: str, identity: str, ttl_ms: int) -> Command[int]:
    """Let *identity* own jobs of *queue*, with a lease of *ttl_ms*.

    The store refuses it (``NOPERM``) if the user's ACL forbids anything that a worker does with them.
    """
    return Command(
        "process_register",
        (
            keys.suspect(queue),
            keys.owners(queue),
            keys.lease(queue, identity),
            keys.tomb(queue, identity),
            keys.inflight(queue, identity),
            keys.fence(queue),
            keys.queue(queue),
            keys.QUEUES,
            keys.PAUSED,
            keys.SCHEDULE,
            keys.RETRY,
            keys.DEAD,
            keys.BELL,
            keys.STAT_PROCESSED,
            keys.STAT_FAILED,
            keys.ROOT,
        ),
        (identity, ttl_ms),
        integer,
    )


def beat(queue: str, identity: str, ttl_ms: int) -> Command[int]:
    """Renew a lease: 1 renewed, 2 it had run out unnoticed, -1 the process was declared dead."""
    return Command(
        "process_beat",
        (keys.suspect(queue), keys.tomb(queue, identity), keys.lease(queue, identity), keys.owners(queue)),
        (identity, ttl_ms),
        integer,
    )


def deliveries(queue: str) -> Command[int]:
    """Read how many deliveries of *queue* were made; the count never goes back, unless the store loses history."""
    return plain("GET", keys.fence(queue), decode=integer)


def owners(queue: str) -> Command[list[str]]:
    """Read the identities that may hold jobs of *queue*."""
    return plain("SMEMBERS", keys.owners(queue), decode=texts)


def crowd(queue: str) -> Command[int]:
    """Count the processes that may hold jobs of *queue*."""
    return plain("SCARD", keys.owners(queue), decode=integer)


def without_lease(queue: str, identities: Sequence[str]) -> Command[list[str]]:
    """Read which of 1 to 1,000 *identities* have shown no sign of life lately."""

    def read(reply: Reply) -> list[str]:
        return [identity for identity, lease in zip(identities, array(reply), strict=True) if lease is None]

    return plain("MGET", *(keys.lease(queue, identity) for identity in identities), decode=read)


def suspect(queue: str, identity: str) -> Command[int]:
    """Note when *identity* was first seen without a lease: 0 it is alive or holds nothing, 1 it is suspected."""
    return Command(
        "process_suspect",
        (keys.lease(queue, identity), keys.suspect(queue), keys.owners(queue)),
        (identity,),
        integer,
    )


def reclaim(
    queue: str,
    identity: str,
    *,
    grace_ms: int,
    now: float,
    changes: Sequence[tuple[bytes, str, bytes]] = (),
    certain: bool = False,
) -> Command[int]:
    """Declare *identity* dead, fence it for ever, and give its jobs of *queue* back, in one step.

    Args:
        queue: The queue's name.
        identity: The process that is held for dead.
        grace_ms: How long it must have been suspected, by the server's clock.
        now: Unix seconds, the time of death of jobs that are buried.
        changes: Delivery, fate (``"queue"`` or ``"dead"``) and new payload of jobs that change on their way.
        certain: True if its death was seen; then neither lease nor grace counts.

    Returns:
        How many jobs it held; -1 if it is alive, -2 if it was not suspected, -3 if it is too early.
    """
    flat = tuple(item for change in changes for item in change)
    return Command(
        "process_reclaim",
        (
            keys.lease(queue, identity),
            keys.suspect(queue),
            keys.inflight(queue, identity),
            keys.queue(queue),
            keys.tomb(queue, identity),
            keys.owners(queue),
            keys.DEAD,
            keys.QUEUES,
            keys.slot(queue),
            keys.ROOT,
        ),
        (identity, grace_ms, int(certain), now, queue, *flat),
        integer,
    )


def leave(queue: str, identity: str) -> Command[int]:
    """End the ownership of *identity*, giving back what it still holds, and return how much that was."""
    return Command(
        "process_leave",
        (
            keys.inflight(queue, identity),
            keys.queue(queue),
            keys.lease(queue, identity),
            keys.owners(queue),
            keys.suspect(queue),
            keys.QUEUES,
        ),
        (identity, queue),
        integer,
    )


# --- display ---------------------------------------------------------------------


def show(identity: str, description: Mapping[str, str | int | float], work: Mapping[str, bytes]) -> Command[list[str]]:
    """Describe a process to whoever watches, for a minute, and take the signals sent to it.

    Args:
        identity: The process.
        description: Fields of its hash, as Sidekiq names them.
        work: Slot -> what it runs, as JSON.

    Returns:
        Names of signals, the oldest first.
    """
    fields = [item for pair in description.items() for item in pair]
    slots = [item for pair in work.items() for item in pair]
    return Command(
        "process_show",
        (
            keys.work(identity),
            keys.workers(identity),
            keys.PROCESSES,
            keys.process(identity),
            keys.signals(identity),
        ),
        (identity, len(fields), *fields, *slots),
        texts,
    )


def hide(identity: str) -> list[Command[None]]:
    """Take a process that ends off the display; its description fades by itself."""
    return [
        plain("SREM", keys.PROCESSES, args=(identity,), decode=ignore),
        plain("UNLINK", keys.work(identity), keys.workers(identity), decode=ignore),
    ]


def identities() -> Command[list[str]]:
    """Read the identities of all processes that have shown themselves."""
    return plain("SMEMBERS", keys.PROCESSES, decode=lambda reply: sorted(texts(reply)))


def description(identity: str) -> Command[dict[bytes, bytes]]:
    """Read how a process describes itself; empty if it has been silent for a minute."""
    return plain("HGETALL", keys.process(identity), decode=pairs)


def work(identity: str) -> Command[dict[bytes, bytes]]:
    """Read what a process runs: slot -> JSON."""
    return plain("HGETALL", keys.work(identity), decode=pairs)


def workers(identity: str) -> Command[dict[bytes, bytes]]:
    """Read the same of a Sidekiq before 6.5, which writes it nowhere else."""
    return plain("HGETALL", keys.workers(identity), decode=pairs)


def send_signal(identity: str, name: str) -> list[Command[None]]:
    """Send TSTP, TERM or TTIN to a process through the store; it is taken at its next beat."""
    key = keys.signals(identity)
    return [
        plain("LPUSH", key, args=(name,), decode=ignore),
        plain("EXPIRE", key, args=(60,), decode=ignore),
    ]


def tell(identity: str, order: str) -> Command[int]:
    """Give a process an order, which it hears at once if it lives, and nobody hears after a minute."""
    return Command("process_tell", (keys.control(identity),), (order, ORDER_SECONDS), integer)


def listen(identity: str, seconds: float) -> Command[str | None]:
    """Wait up to *seconds* for an order to the process *identity*."""

    def read(reply: Reply) -> str | None:
        found = texts(reply)
        return found[1] if found else None

    return plain("BLPOP", keys.control(identity), args=(seconds,), decode=read, blocks=seconds)


def cleanup_turn() -> Command[bool]:
    """Return whether it is this caller's turn to prune dead identities; once a minute, Sidekiq's included."""

    def read(reply: Reply) -> bool:
        return maybe_blob(reply) is not None

    return plain("SET", keys.PROCESS_CLEANUP, args=("1", "EX", 60, "NX"), decode=read)


def forget(silent: Sequence[str]) -> Command[None]:
    """Take identities that have been silent off the list of processes."""
    return plain("SREM", keys.PROCESSES, args=tuple(silent), decode=ignore)
