"""The verb of leadership: one of all workers has it for a while."""

from __future__ import annotations

from mainspring.store import keys
from mainspring.store.command import Command, integer


def claim(identity: str, ttl_ms: int) -> Command[int]:
    """Take the lead for *identity* for *ttl_ms* milliseconds, or keep it for so long, unless another has it.

    Args:
        identity: The process.
        ttl_ms: For how long, by the server's clock; 0 to give it back.

    Returns:
        1 if it has it from now; 2 if it has it still; 0 if it has not, or not any more.
    """
    return Command("leader_claim", (keys.LEADER,), (identity, ttl_ms), integer)
