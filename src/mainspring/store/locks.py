"""Verbs of unique locks, beyond those that take and let go a lock in the step that moves its job."""

from __future__ import annotations

from mainspring.store import keys
from mainspring.store.command import Command, integer, plain


def release(queue: str, identity: str, seq: int, digest: str, jid: str) -> Command[int]:
    """Let go the lock of a job that is about to start, if it is that job's still.

    Returns:
        1; or 0 if the job was no longer this process's, and then nothing was done.
    """
    return Command("lock_release", (keys.inflight(queue, identity), keys.lock(digest)), (seq, jid), integer)


def remove(digest: str) -> Command[bool]:
    """Take a lock away, whoever holds it; True if somebody did."""
    return plain("DEL", keys.lock(digest), decode=lambda reply: integer(reply) > 0)
