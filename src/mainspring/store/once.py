"""Verbs of what is done once, or not too often: a key that the first caller sets, for a while."""

from __future__ import annotations

from mainspring.store import keys
from mainspring.store.command import Command, Reply, integer, maybe_blob, plain


def take(name: str, owner: str, ttl_ms: int) -> Command[bool]:
    """Take *name* for *owner* for *ttl_ms* milliseconds, unless it is taken: one command of the server.

    Asked again by the same owner, because an answer was lost, it gives the same answer; the time
    counts from the first.

    Returns:
        True if it is this owner's; False if it is another's.
    """
    return _set(keys.once(name), owner, ttl_ms)


def throttle(name: str, owner: str, every_ms: int) -> Command[bool]:
    """Take *name* as `take` does, among the names that are throttled."""
    return _set(keys.throttle(name), owner, every_ms)


def release(name: str, owner: str) -> Command[int]:
    """Give *name* back, if it is this owner's.

    Returns:
        1; or 0 if it was another's, or nobody's.
    """
    return Command("once_release", (keys.once(name),), (owner,), integer)


def _set(key: str, owner: str, ttl_ms: int) -> Command[bool]:
    def is_mine(reply: Reply) -> bool:
        # With GET it tells who had it before: nobody, this owner or another.
        before = maybe_blob(reply)
        return before is None or before == owner.encode()

    return plain("SET", key, args=(owner, "NX", "PX", ttl_ms, "GET"), decode=is_mine)
