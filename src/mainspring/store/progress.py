"""Verbs of progress: how far a running job has come, as it says itself. For people only."""

from __future__ import annotations

from typing import Final

from mainspring.store import keys
from mainspring.store.command import Command, Reply, ignore, maybe_blob, plain

#: Seconds after which it is forgotten, should the process have died that wrote it.
SECONDS: Final = 60


def write(jid: str, data: bytes) -> Command[None]:
    """Keep how far *jid* has come, for a minute."""
    return plain("SET", keys.progress(jid), args=(data, "EX", SECONDS), decode=ignore)


def read(jid: str) -> Command[bytes | None]:
    """Read how far *jid* has come; None if it does not say, or does not run."""

    def found(reply: Reply) -> bytes | None:
        return maybe_blob(reply)

    return plain("GET", keys.progress(jid), decode=found)


def drop(jid: str) -> Command[None]:
    """Forget how far *jid* has come: its run has ended."""
    return plain("UNLINK", keys.progress(jid), decode=ignore)
