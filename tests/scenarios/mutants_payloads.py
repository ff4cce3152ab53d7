"""Faults of reading payloads."""

from __future__ import annotations

import sys

import msgspec

from mainspring.base import payload
from mainspring.store import queues
from mainspring.worker import outcome


def deaf() -> None:
    """Drop what cannot be read, as if it had never been there."""
    outcome.unreadable = lambda raw, problem, now: queues.Settlement(fails=True)


def strict() -> None:
    """Read as if only this package wrote payloads: what is no job ends the loop that reads."""

    def read(data: bytes, limit: int = 0) -> payload.Payload:
        return msgspec.json.decode(data, type=payload.Payload)

    payload.read = read


def greedy() -> None:
    """Read whatever its length, and note an error in it the usual way."""
    payload.MARGIN = sys.maxsize  # type: ignore[misc]


def wordy() -> None:
    """Keep errors' texts as long as they are."""
    payload.ERROR_TEXT = sys.maxsize  # type: ignore[misc]
