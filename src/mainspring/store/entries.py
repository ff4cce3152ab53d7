"""Verbs of periodic entries as the store keeps them: define, remove, pause, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, integer, integers, maybe_blob, plain, texts

#: The most entries that one call may define, remove or read: a script blocks all other callers.
MOST: Final = 500

#: No instant of an entry is later, in unix seconds: with numbers that are far larger, ticks cannot be counted.
LATEST: Final = 1e11

#: The origin of entries that stand in code.
CODE: Final = "code"
#: For `remove`: of whatever origin but the code.
ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class Definition:
    """One entry to be stored.

    Attributes:
        name: The entry's name.
        stamp: A digest of the whole record: as long as it is the same, nothing is written.
        when: A digest of what decides when the entry is due: if it is another, ticks count from now on.
        record: The entry, as JSON.
        paused: True if it shall begin paused; of no effect on an entry that is known.
    """

    name: str
    stamp: str
    when: str
    record: bytes
    paused: bool = False


class Outcome(IntEnum):
    """What became of a definition."""

    SAME = 0
    """It was stored already."""
    NEW = 1
    """It is stored, and counts from now on."""
    CHANGED = 2
    """It is stored in the place of an older one."""
    STALE = -1
    """Another code's schedule counts than the caller's."""
    OF_CODE = -2
    """The code has an entry of this name, which only the code can change."""
    TOO_MANY = -3
    """There would be more entries than the limit."""


@dataclass(frozen=True, slots=True)
class Defined:
    """What became of some definitions.

    Attributes:
        now: The server's time, unix seconds.
        results: One for each, in the order given.
    """

    now: float
    results: tuple[Outcome, ...]


class Pause(IntEnum):
    """What became of a wish to pause an entry, or to resume it."""

    CHANGED = 1
    SAME = 0
    UNKNOWN = -1
    """There is no such entry."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One entry as the store has it.

    Attributes:
        name: The entry's name.
        definition: Its record, as JSON.
        stamp: A digest of the record.
        when: A digest of what decides when it is due.
        origin: Who defined it: `CODE`, or another.
        gen: The number of the code that defined it; 0 if no code did.
        anchor: When it was first defined, unix seconds.
        since: The instant after which its ticks count, unix seconds.
        last: The newest tick that was claimed; None if none was.
        paused: Since when it is paused, unix seconds; None if it is not.
        runs: The jids of its runs that may be unfinished.
    """

    name: str
    definition: bytes
    stamp: str
    when: str
    origin: str
    gen: int
    anchor: float
    since: float
    last: float | None
    paused: float | None
    runs: tuple[str, ...]


#: All keys of one entry.
_OF_ONE = (keys.periodic_entry, keys.periodic_history, keys.periodic_outcomes)
_FIELDS = ("stamp", "def", "when", "origin", "gen", "anchor", "since", "last", "paused", "runs")


def define(
    ns: str, entries: Sequence[Definition], *, origin: str, digest: str = "", limit: int = 0
) -> Command[Defined]:
    """Store those of at most 500 *entries* that are new or have changed, in one step. It is safe to send again.

    An entry that is known keeps its anchor, its newest tick and its pause.

    Args:
        ns: The namespace.
        entries: The definitions.
        origin: Who defines them. An entry of `CODE` is changed by no other origin; the code takes over every other's.
        digest: For `CODE`: of the caller's schedule, which must be the one that counts.
        limit: How many entries there may be in all, if new ones are among these; 0 for any number.
    """
    flat: list[str | bytes | int] = []
    for each in entries:
        flat += (each.name, each.stamp, each.when, each.record, int(each.paused))
    return Command(
        "periodic_define",
        (
            keys.periodic_code(ns),
            keys.periodic_names(ns),
            keys.periodic_version(ns),
            *(keys.periodic_entry(ns, each.name) for each in entries),
        ),
        (digest, origin, limit, *flat),
        _defined,
    )


def remove(
    ns: str, names: Sequence[str], *, origin: str, digest: str = "", number: int = 0
) -> Command[tuple[bool, ...]]:
    """Delete at most 500 entries and their histories, in one step.

    Args:
        ns: The namespace.
        names: The entries' names.
        origin: Whose entries may be deleted; `ANY` for those of any origin but `CODE`.
        digest: For `CODE`: of the caller's schedule, which must be the one that counts.
        number: For `CODE`: as `periodic.enter` gave it; what later code has defined stays.

    Returns:
        For each, whether this call deleted it.
    """
    return Command(
        "periodic_remove",
        (
            keys.periodic_code(ns),
            keys.periodic_names(ns),
            keys.periodic_version(ns),
            *(key(ns, name) for name in names for key in _OF_ONE),
        ),
        (digest, origin, number, *names),
        lambda reply: tuple(map(bool, integers(reply))),
    )


def pause(ns: str, name: str) -> Command[Pause]:
    """Stop an entry; a full server does it, too."""
    return _pause(ns, name, on=True)


def resume(ns: str, name: str) -> Command[Pause]:
    """Let a paused entry go on; its ticks count from now on."""
    return _pause(ns, name, on=False)


def read(ns: str, names: Sequence[str]) -> Command[tuple[float, tuple[Stored | None, ...]]]:
    """Read at most 500 entries, and the server's time in unix seconds; None for what there is not."""

    def decode(reply: Reply) -> tuple[float, tuple[Stored | None, ...]]:
        now_ms, *found = array(reply)
        return integer(now_ms) / 1000, tuple(map(_stored, names, found))

    return Command("periodic_read", tuple(keys.periodic_entry(ns, name) for name in names), _FIELDS, decode)


def lasts(ns: str, names: Sequence[str]) -> Command[list[float | None]]:
    """Read the newest claimed tick of at most 500 entries, in unix seconds; None where there is none."""

    def decode(reply: Reply) -> list[float | None]:
        _, *found = array(reply)
        return [None if values is None else _seconds(maybe_blob(array(values)[0])) for values in found]

    return Command("periodic_read", tuple(keys.periodic_entry(ns, name) for name in names), ("last",), decode)


def names(ns: str) -> Command[list[str]]:
    """Read the names of all entries, those changed last at the end."""
    return plain("ZRANGE", keys.periodic_names(ns), args=(0, -1), decode=texts)


def changed(ns: str, version: int) -> Command[list[str]]:
    """Read the names of those entries, of the ones there are, that have changed since *version*."""
    return plain("ZRANGEBYSCORE", keys.periodic_names(ns), args=(f"({version}", "+inf"), decode=texts)


def count(ns: str) -> Command[int]:
    """Count the entries."""
    return plain("ZCARD", keys.periodic_names(ns), decode=integer)


def _pause(ns: str, name: str, *, on: bool) -> Command[Pause]:
    return Command(
        "periodic_pause",
        (keys.periodic_names(ns), keys.periodic_version(ns), keys.periodic_entry(ns, name)),
        (name, int(on)),
        lambda reply: Pause(integer(reply)),
    )


def _defined(reply: Reply) -> Defined:
    now_ms, *results = integers(reply)
    return Defined(now_ms / 1000, tuple(map(Outcome, results)))


def _stored(name: str, reply: Reply) -> Stored | None:
    if reply is None:
        return None
    stamp, definition, when, origin, gen, anchor, since, last, paused, runs = map(maybe_blob, array(reply))
    return Stored(
        name=name,
        definition=definition or b"",
        stamp=_text(stamp),
        when=_text(when),
        origin=_text(origin),
        gen=int(_seconds(gen) or 0),
        anchor=_seconds(anchor) or 0.0,
        since=_seconds(since) or 0.0,
        last=_seconds(last),
        # Whatever stands there, the scripts take it for a pause.
        paused=None if paused is None else _seconds(paused) or 0.0,
        # Exactly what `periodic_claim` compares with, also if a stranger has written other blanks.
        runs=tuple(_text(runs).split(" ")) if runs else (),
    )


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")


def _seconds(value: bytes | None) -> float | None:
    """Read unix seconds; what a stranger wrote there counts as nothing, and so does what no clock will ever show."""
    try:
        found = -1.0 if value is None else float(value)
    except ValueError:
        return None
    return found if 0 <= found < LATEST else None
