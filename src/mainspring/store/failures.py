"""Verbs of failures: how often each error came, by its signature, with samples; bounded in number and time."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.store import keys
from mainspring.store.command import (
    Argument,
    Command,
    Reply,
    array,
    blob,
    integer,
    maybe_blob,
    plain,
)

#: How many signatures are kept; the one that was not seen for longest goes first.
MOST: Final = 1_000
#: How many one call may note.
MANY: Final = 100
#: How long one is kept after it was seen last, and the counts of its hours, in seconds.
KEPT: Final = 30 * 86400
HOURS_KEPT: Final = 7 * 86400
#: How many ids of jobs are kept of each, the newest.
SAMPLES: Final = 10

MINUTES: Final = 60
HOURS: Final = 168

_FIELDS: Final = ("job", "error", "message", "frame", "queue", "count", "first", "last", "minute", "jids", "backtrace")


@dataclass(frozen=True, slots=True)
class Noted:
    """What came of one error since the last call.

    Attributes:
        signature: Which error.
        facts: Job, class, text without what varies, frame, queue and packed backtrace of the newest.
        count: How many.
        first: When the first came, in unix seconds.
        last: When the last came.
        jids: The ids of the newest jobs, the newest first.
    """

    signature: str
    facts: tuple[str, str, str, str, str, str]
    count: int
    first: float
    last: float
    jids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Group:
    """The errors of one signature, as they are stored.

    Attributes:
        signature: Which.
        texts: The fields of its hash, by name.
        runs: Counts of 60 minutes and 168 hours, each at its number modulo that.
    """

    signature: str
    texts: dict[str, str]
    runs: bytes

    def number(self, field: str) -> float:
        """Return a field that is a number; 0 if it is none."""
        try:
            return float(self.texts.get(field, 0))
        except ValueError:
            return 0.0

    def minutes(self, now: float) -> tuple[int, ...]:
        """Return how many came in each of the 60 minutes up to *now*, unix seconds, the oldest first."""
        return self._series(int(self.number("minute")), int(now // 60), 0, MINUTES)

    def hours(self, now: float) -> tuple[int, ...]:
        """Return how many came in each of the 168 hours up to *now*, the oldest first."""
        return self._series(int(self.number("minute")) // 60, int(now // 3600), MINUTES, HOURS)

    def _series(self, newest: int, now: int, start: int, width: int) -> tuple[int, ...]:
        whole = self.runs.ljust(4 * (MINUTES + HOURS), b"\0")
        counts = struct.unpack_from(f">{width}I", whole, 4 * start)
        # A number is of its last time round only.
        return tuple(
            counts[at % width] if newest - width < at <= newest else 0 for at in range(now - width + 1, now + 1)
        )


def note(noted: Sequence[Noted], *, now: float) -> Command[int]:
    """Add what came of at most 100 errors to what is known of them, in one step.

    Returns:
        How many signatures were dropped for it, as too many are kept.
    """
    rows: list[Argument] = []
    for each in noted:
        rows += [each.signature, *each.facts, each.count, each.first, each.last, "\n".join(each.jids)]
    return Command("failures_note", (keys.FAILURES, keys.ROOT), (now, MOST, KEPT, HOURS_KEPT, *rows), integer)


def page(skip: int, count: int) -> Command[list[Group]]:
    """Read *count* errors after *skip* others, the one that was seen last first."""
    return Command("failures_read", (keys.FAILURES, keys.ROOT), (skip, count), _groups)


def find(signature: str) -> list[Command[Group | None]]:
    """Read one error, in two calls of which the first tells whether it is known, and the second its counts."""
    key = keys.failure(signature)

    def known(reply: Reply) -> Group | None:
        values = array(reply)
        return None if values[0] is None else Group(signature, _texts(values), b"")

    def counts(reply: Reply) -> Group | None:
        return Group(signature, {}, maybe_blob(reply) or b"")

    return [
        plain("HMGET", key, args=_FIELDS, decode=known),
        plain("GET", keys.failure_runs(signature), decode=counts),
    ]


def count() -> Command[int]:
    """Count the errors that are known."""
    return plain("ZCARD", keys.FAILURES, decode=integer)


def forget(signature: str) -> list[Command[int]]:
    """Forget one error; should it come again, it is new. The last of the calls says 1 if it was known."""
    return [
        plain("UNLINK", keys.failure(signature), keys.failure_runs(signature), decode=integer),
        plain("ZREM", keys.FAILURES, args=(signature,), decode=integer),
    ]


def _groups(reply: Reply) -> list[Group]:
    return [_group(array(row)) for row in array(reply)]


def _group(row: Sequence[Reply]) -> Group:
    signature, values, runs = row
    return Group(blob(signature).decode("utf-8", "replace"), _texts(array(values)), maybe_blob(runs) or b"")


def _texts(values: Sequence[Reply]) -> dict[str, str]:
    known = zip(_FIELDS, values, strict=True)
    return {name: blob(value).decode("utf-8", "replace") for name, value in known if value is not None}
