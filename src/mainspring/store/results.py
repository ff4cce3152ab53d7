"""Verbs of results: read one, or wait for it.

A result is a list of one. Waiting for it is moving the list's end onto itself, which takes nothing: all
who wait are woken by the script that settles the job, and get the result with it.
"""

from __future__ import annotations

from mainspring.store import keys
from mainspring.store.command import Command, maybe_blob, plain


def read(jid: str) -> Command[bytes | None]:
    """Read what the job *jid* gave; None if nothing is kept."""
    return plain("LINDEX", keys.result(jid), args=(0,), decode=maybe_blob)


def wait(jid: str, seconds: float) -> Command[bytes | None]:
    """Wait until the job *jid* has given something, at most *seconds*, more than 0; None if it has not."""
    key = keys.result(jid)
    return Command("BLMOVE", (key, key), ("RIGHT", "RIGHT", seconds), maybe_blob, plain=True, blocks=seconds)
