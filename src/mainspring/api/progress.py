"""How far a running job has come, as it says itself."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from mainspring.store import progress
from mainspring.store.connection import Store


@dataclass(frozen=True, slots=True)
class Progress:
    """What a running job said last of how far it has come.

    Attributes:
        fraction: From 0 to 1.
        note: What it does, for people.
        at: When it said so, in unix seconds.
    """

    fraction: float
    note: str
    at: float


def read(store: Store, jid: str) -> Progress | None:
    """Return how far *jid* has come; None if it does not say, or does not run."""
    return understood(store.run(progress.read(jid)))


def understood(data: bytes | None) -> Progress | None:
    """Return what a job has said, as it is stored; None if that is nothing, or makes no sense."""
    if data is None:
        return None
    try:
        fraction, note, at = msgspec.json.decode(data, type=tuple[float, str, float])
    except msgspec.DecodeError:
        return None
    return Progress(fraction, note, at)
