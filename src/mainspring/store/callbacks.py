"""Verbs of the callbacks of batches, for people: which there are, and which have run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.store import keys
from mainspring.store.batches import EVENTS
from mainspring.store.command import Command, Reply, array, maybe_blob, plain


@dataclass(frozen=True, slots=True)
class Calls:
    """The callbacks of one event of a batch.

    Attributes:
        event: One of `EVENTS`.
        count: How many there are.
        is_fired: True once the event has come, and they were pushed.
        ready: Those that still lie ready, encoded, by their places; of the first ten.
        ended: The places of those that have run to their end, of the first ten.
    """

    event: str
    count: int
    is_fired: bool
    ready: Mapping[int, bytes]
    ended: frozenset[int]


#: How many callbacks of an event are looked at; a batch may have a hundred.
CALLS: Final = 10


def calls(bid: str) -> Command[list[Calls]]:
    """Read the callbacks of a batch, by event; those of an event without any are left out."""
    fields: list[str] = []
    for number, event in enumerate(EVENTS):
        fields += (f"{event}_calls", f"{event}_at", *(f"{event}_job:{place}" for place in range(CALLS)))
        fields += (f"called:{1000 * number + place}" for place in range(CALLS))
    width = 2 + 2 * CALLS

    def decode(reply: Reply) -> list[Calls]:
        values = [maybe_blob(item) for item in array(reply)]
        parts = [values[start : start + width] for start in range(0, len(values), width)]
        return [_calls(event, part) for event, part in zip(EVENTS, parts, strict=True) if part[0]]

    return plain("HMGET", keys.batch(bid), args=tuple(fields), decode=decode)


def _calls(event: str, values: Sequence[bytes | None]) -> Calls:
    count, at, *rest = values
    ready = {place: job for place, job in enumerate(rest[:CALLS]) if job}
    return Calls(
        event, int(count or 0), at is not None, ready, frozenset(n for n, done in enumerate(rest[CALLS:]) if done)
    )


def callback_jid(bid: str, event: str, place: int) -> str:
    """Return the id of a callback job, which is the same however often it is made."""
    return hashlib.sha256(f"{bid}:{event}:{place}".encode()).hexdigest()[:24]
