"""Verbs of limits: take of some of them together, give back, look.

A limit is known by its *spec*, one line of text that holds all there is to it:
``kind:n:us:name``, such as ``window:10:1000000:partner``. Whoever has the spec can take
of the limit, in Python or in a script (`lua/lib/limit.lua`: ``limit_read``, then
``limit_check`` of all, then ``limit_commit`` of all). *n* is how much there is; *us*,
in microseconds, is

============ ================================================================
concurrent   how long a slot is held at most, if nobody gives it back
bucket       the interval, counted from 1970-01-01 UTC, in which *n* may be taken
window       the span, before any instant, in which *n* may be taken
leaky        the time in which a full bucket drains
points       the time in which all points come back
============ ================================================================

The name is all that follows, so it may hold colons; it holds no blank and no comma. Two specs
of one kind and name are one limit, whose code has changed: they share what was taken.
The key of its state is `keys.limit` of its kind and name, ``limit_key`` in a script.

Who was given and who was refused is counted by the minute, for an hour, for people.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, blob, ignore, integer, integers, plain, scored

CONCURRENT: Final = "concurrent"
POINTS: Final = "points"
KINDS: Final = (CONCURRENT, "bucket", "window", "leaky", POINTS)

#: The largest *n*, and the most that can be taken at once.
MOST_COST: Final = 1_000_000_000
#: How many limits one call reads.
MOST: Final = 500
#: For how many minutes is counted who was given and who was refused.
MINUTES: Final = 60

_MICRO: Final = 1_000_000
_TALLY: Final = struct.Struct(f">{2 * MINUTES + 1}I")
_NEVER: Final = (0,) * MINUTES
_SPEC: Final = re.compile(r"([a-z]+):([1-9][0-9]{0,11}):([1-9][0-9]{0,14}):([^\s,]+)")


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit.

    Attributes:
        kind: One of `KINDS`.
        n: How much there is.
        us: A span, in microseconds; the module's head tells which.
        name: Its name.
    """

    kind: str
    n: int
    us: int
    name: str

    @property
    def spec(self) -> str:
        """All of it in one line of text."""
        return f"{self.kind}:{self.n}:{self.us}:{self.name}"

    @property
    def seconds(self) -> float:
        """The span, in seconds."""
        return self.us / _MICRO

    @property
    def keys(self) -> tuple[str, str]:
        """Where the store has what is taken of it, and who waits."""
        return keys.limit(self.kind, self.name), keys.limit_waiting(self.kind, self.name)


def read_spec(spec: str) -> Limit | None:
    """Return the limit that *spec* tells of; None if it tells of none that is known here."""
    found = _SPEC.fullmatch(spec)
    if found is None or found[1] not in KINDS:
        return None
    return Limit(found[1], int(found[2]), int(found[3]), found[4])


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit is in use.

    Attributes:
        used: What is taken of it now.
        waiting: How many wait for it.
        taken: How many were given, in each of the 60 minutes up to now, the oldest first.
        refused: How many were refused, likewise; of who waited and asked again the first time only.
    """

    used: float
    waiting: int
    taken: Sequence[int]
    refused: Sequence[int]


def take(asked: Sequence[tuple[Limit, float]], member: str, wait: float = 0.0) -> Command[tuple[float, ...]]:
    """Take of each limit what is asked of it, of all or of none.

    Sent again with the same *member*, it takes no second slot of a concurrent limit.

    Args:
        asked: Limits, each at most once, and how much; whole numbers but for leaky and points.
        member: Who takes: names its slots.
        wait: For how many seconds the caller will wait if it must. It is shown as waiting, and woken when a
            slot is given back; not if even then there would be nothing for it.

    Returns:
        For each limit 0, or after how many seconds it would give, if nobody else took. All are 0 if it was taken.
    """
    places = [key for limit, _ in asked for key in limit.keys]
    flat = [word for limit, cost in asked for word in (limit.spec, _number(cost))]
    return Command(
        "limiter_take",
        (keys.LIMITS, keys.ROOT, *places),
        (member, round(wait * _MICRO), *flat),
        lambda reply: tuple(us / _MICRO for us in integers(reply)),
    )


def release(limit: Limit, member: str, cost: int = 1) -> Command[int]:
    """Give the slots of a concurrent limit back.

    Returns:
        How many of them were still held: fewer than *cost* if their time was over.
    """
    return Command("limiter_release", (*limit.keys, keys.limit_freed(limit.name)), (member, cost), integer)


def renew(limit: Limit, member: str, cost: int = 1) -> Command[bool]:
    """Hold the slots of a concurrent limit for its whole time from now on; False if their time was over."""
    return Command("limiter_renew", (limit.keys[0],), (limit.spec, member, cost), lambda reply: reply == 1)


def adjust(limit: Limit, delta: float) -> Command[None]:
    """Take *delta* more of a points limit, whatever there is, or give back if it is negative."""
    return Command("limiter_adjust", (limit.keys[0],), (limit.spec, _number(delta)), ignore)


def freed(name: str, seconds: float) -> Command[bool]:
    """Wait until a slot of the concurrent limit *name* may have been given back, at most for *seconds*."""
    key = keys.limit_freed(name)
    return Command("BLPOP", (key,), (seconds,), lambda reply: reply is not None, plain=True, blocks=seconds)


def shown() -> Command[list[tuple[str, float]]]:
    """Read the specs of the limits that were in use of late, those used first in front: each with its score."""
    return plain("ZRANGE", keys.LIMITS, args=(0, -1, "WITHSCORES"), decode=_specs)


def usage(limits: Sequence[Limit]) -> Command[list[Usage]]:
    """Read how much of at most 500 limits is in use."""
    places = tuple(key for limit in limits for key in (*limit.keys, keys.limit_tally(limit.kind, limit.name)))
    return Command("limiter_read", places, tuple(limit.spec for limit in limits), _usage)


def reset(limit: Limit) -> Command[int]:
    """Forget what was taken of a limit, but not its counts; whoever holds a slot holds it no longer."""
    return plain("DEL", limit.keys[0], decode=integer)


def _number(value: float) -> str:
    """Write *value* as Lua reads it, with six decimals at most."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _specs(reply: Reply) -> list[tuple[str, float]]:
    return [(member.decode("utf-8", "replace"), score) for member, score in scored(reply)]


def _usage(reply: Reply) -> list[Usage]:
    minute, *found = array(reply)
    now = integer(minute)
    return [
        Usage(integer(used) / _MICRO, integer(waiting), *_counts(blob(counts), now))
        for used, waiting, counts in zip(found[::3], found[1::3], found[2::3], strict=True)
    ]


def _counts(counts: bytes, now: int) -> tuple[Sequence[int], Sequence[int]]:
    """Return takes and refusals of the minutes up to number *now*, the oldest first."""
    if not counts:
        return _NEVER, _NEVER
    *found, newest = _TALLY.unpack(counts[: _TALLY.size].ljust(_TALLY.size, b"\0"))
    # A count is of the newest minute with its number only.
    places = [at % MINUTES if newest - MINUTES < at <= newest else None for at in range(now - MINUTES + 1, now + 1)]
    taken, refused = (tuple(0 if place is None else found[first + place] for place in places) for first in (0, MINUTES))
    return taken, refused
