"""Verbs of gates: limits that jobs pass before they run, and the lanes in which they wait for it.

A gate's name is its kind, a colon, its base, and for one of many that differ only in
a key, a colon and the key: ``q:reports`` (a queue's concurrency), ``c:shop.sync:acme``
(a job's, for one key), ``t:default:acme`` (the turns of a key in a queue), and
``window:partner`` or another kind of `limiters`. All are of printable characters, and
no part but the base holds a colon; `part` makes a text fit for it.

What a gate allows is stored apart from its name, under the name or the base. So whoever
is the last to define it is right, for jobs that wait already, too. A gate that nobody
has defined is open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, blob, blobs, integer, integers, pairs, plain, scored
from mainspring.store.limiters import CONCURRENT, Limit
from mainspring.store.ties import What

QUEUE: Final = "q"
JOB: Final = "c"
TURN: Final = "t"

#: The most jobs that one call may let start, or put aside.
MOST: Final = 500
#: The most gates that one call may open, each for a hundred jobs.
MOST_GATES: Final = 10
#: For how long a process counts that serves jobs which take turns, in milliseconds.
SLOTS_MS: Final = 30_000

#: Longer keys stand as their digest: a name is part of several keys, and of each job that has the gate.
_LONGEST: Final = 64
_HELD: Final = tuple(f"{kind}:" for kind in (QUEUE, JOB, TURN, CONCURRENT))
#: What `enter` answers of a job.
GONE, GRANTED, ASIDE = range(3)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One job in a lane.

    Attributes:
        queue: The queue that it goes to.
        jid: Its id.
        gates: All its gates, parted by commas.
        payload: The job, encoded.
        entry: The whole element, as it is stored.
    """

    queue: str
    jid: str
    gates: str
    payload: bytes
    entry: bytes


@dataclass(frozen=True, slots=True)
class Holder:
    """One job that holds a gate.

    Attributes:
        queue: The queue that it was let into.
        jid: Its id.
        since: When it was let in, or last seen by those who look after old holders, in unix seconds.
    """

    queue: str
    jid: str
    since: float


# --- names -------------------------------------------------------------------------


def part(value: object) -> str:
    """Return *value* as one part of a gate's name; what is long stands there as its digest."""
    text = quote(str(value), safe=" @+-_.~/", errors="replace")
    if not text or len(text) > _LONGEST:
        return hashlib.blake2b(str(value).encode("utf-8", "replace"), digest_size=12).hexdigest()
    return text


def of_queue(queue: str) -> str:
    """Return the gate of all jobs of *queue*."""
    return f"{QUEUE}:{part(queue)}"


def of_job(name: str) -> str:
    """Return the gate of all jobs named *name*; with `keyed`, of those of one key."""
    return f"{JOB}:{part(name)}"


def of_turns(queue: str) -> str:
    """Return the base of the gates of those whose jobs take turns in *queue*."""
    return f"{TURN}:{part(queue)}"


def of_limit(limit: Limit) -> str:
    """Return the gate of a limit."""
    return f"{limit.kind}:{limit.name}"


def keyed(base: str, key: object) -> str:
    """Return the gate of one *key* of those that have *base* in common."""
    return f"{base}:{part(key)}"


def is_held(gate: str) -> bool:
    """Return True if a job holds *gate* to its end, rather than until it starts."""
    return gate.startswith(_HELD)


def allows(limit: Limit) -> str:
    """Return what is stored of a limit as what its gate allows."""
    return f"{limit.n}:{limit.us}"


# --- what workers do -----------------------------------------------------------------


def enter(queue: str, identity: str, groups: Mapping[str, Sequence[tuple[int, str]]]) -> Command[list[int]]:
    """Let at most 500 fetched jobs start that pass their gates, and put the others into lanes, in one step.

    Args:
        queue: The queue that they came from.
        identity: The process that holds them.
        groups: Gates, parted by commas and in the order of their names, to the delivery and id of each job that has
            them.

    Returns:
        For each job, group by group, `GRANTED`; or `ASIDE` if it is in a lane and not this process's any more; or
        `GONE` if it was not.
    """
    flat: list[str | int] = []
    for names, jobs in groups.items():
        flat += (names, len(jobs))
        for job in jobs:
            flat += job
    return Command("gate_enter", (keys.inflight(queue, identity), keys.slot(queue), keys.ROOT), tuple(flat), integers)


def open_due(names: Sequence[str]) -> Command[int]:
    """Let in what waits by at most 10 gates that are due; how many jobs those were."""
    return Command("gate_open", (keys.GATES_DUE, keys.ROOT), tuple(names), integer)


def define(gates: Mapping[str, str], *, is_newest: bool = True) -> Command[int]:
    """Say what gates allow; what waits by one that changes is let in at once, as far as that goes.

    Args:
        gates: Gate, or base of gates, to what it allows; empty text for whatever comes.
        is_newest: False to define only those that nobody has defined.

    Returns:
        How many have changed.
    """
    flat = tuple(item for pair in gates.items() for item in pair)
    return Command(
        "gate_define", (keys.GATES, keys.GATES_DUE, keys.BELL), ("set" if is_newest else "keep", *flat), integer
    )


def serve(queue: str, identity: str, slots: int) -> Command[int]:
    """Note for half a minute that *slots* of a process serve *queue*, and let as many take turns as all do together."""
    base = of_turns(queue)
    return Command("gate_slots", (keys.slots(queue), keys.GATES), (identity, slots, SLOTS_MS, base), integer)


# --- for people ----------------------------------------------------------------------


def allowed(names: Sequence[str]) -> Command[list[str]]:
    """Read what some gates, or bases of gates, allow; empty text where nobody has defined it."""

    def read(reply: Reply) -> list[str]:
        return ["" if value is None else blob(value).decode() for value in array(reply)]

    return plain("HMGET", keys.GATES, args=tuple(names), decode=read)


def defined() -> Command[dict[str, str]]:
    """Read what is defined of gates and of bases of gates."""

    def read(reply: Reply) -> dict[str, str]:
        return {name.decode("utf-8", "replace"): value.decode() for name, value in pairs(reply).items()}

    return plain("HGETALL", keys.GATES, decode=read)


def crowded(count: int) -> Command[list[tuple[str, float]]]:
    """Read the names of at most *count* gates by which jobs wait, and when each is looked at next, in unix seconds."""

    def read(reply: Reply) -> list[tuple[str, float]]:
        return [(name.decode("utf-8", "replace"), at) for name, at in scored(reply)]

    return plain("ZRANGE", keys.GATES_DUE, args=(0, count - 1, "WITHSCORES"), decode=read)


def count_waiting(gate: str) -> Command[int]:
    """Count the jobs that wait by *gate*."""
    return plain("LLEN", keys.lane(gate), decode=integer)


def count_holders(gate: str) -> Command[int]:
    """Count the jobs that hold *gate*; of a limit those that were let in and have not started."""
    return plain("ZCARD", keys.gate(gate), decode=integer)


def holders(gate: str, skip: int, count: int) -> Command[list[Holder]]:
    """Read *count* jobs that hold *gate*, the oldest first, *skip* of them left out."""

    def read(reply: Reply) -> list[Holder]:
        return [_holder(member.decode("utf-8", "replace"), at) for member, at in scored(reply)]

    return plain("ZRANGE", keys.gate(gate), args=(skip, skip + count - 1, "WITHSCORES"), decode=read)


def _holder(member: str, ms: float) -> Holder:
    queue, _, jid = member.partition("\n")
    return Holder(queue, jid, ms / 1000)


def page(gate: str, skip: int, count: int) -> Command[list[Waiting]]:
    """Read *count* jobs that wait by *gate*, the one that waits longest first, *skip* of them left out."""

    def read(reply: Reply) -> list[Waiting]:
        return [_waiting(entry) for entry in blobs(reply)[::-1]]

    return plain("LRANGE", keys.lane(gate), args=(-skip - count, -skip - 1), decode=read)


def _waiting(entry: bytes) -> Waiting:
    parts = entry.split(b"\n", 3)
    if len(parts) < 4:
        return Waiting("", "", "", entry, entry)
    queue, jid, gates = (one.decode("utf-8", "replace") for one in parts[:3])
    return Waiting(queue, jid, gates, parts[3], entry)


def lanes(queue: str) -> Command[dict[str, int]]:
    """Read by which gates jobs of *queue* wait, and how many by each."""

    def read(reply: Reply) -> dict[str, int]:
        return {name.decode("utf-8", "replace"): int(count) for name, count in pairs(reply).items()}

    return plain("HGETALL", keys.lanes(queue), decode=read)


def take(gate: str, entry: bytes, what: What, *, target: str = keys.DEAD, score: float = 0.0) -> Command[int]:
    """Take one waiting job out of the lane of *gate*, in one step; 0 if it is not there any more.

    Args:
        gate: The gate by which it waits.
        entry: Its element, as `page` read it.
        what: ``"dropped"`` for good; ``"dead"`` or ``"later"`` into the set *target*.
        target: The key of the set.
        score: Unix seconds: when it is due, or when it died.
    """
    return Command("lane_take", (keys.lane(gate), target, keys.BELL, keys.ROOT), (gate, entry, what, score), integer)


def clear(gate: str, queue: str, skip: int) -> Command[tuple[int, int]]:
    """Drop for good the jobs of *queue* among 500 that wait by *gate*, those *skip* left out that wait longest.

    Returns:
        How many were dropped, of how many that were there.
    """

    def read(reply: Reply) -> tuple[int, int]:
        dropped, looked = integers(reply)
        return dropped, looked

    return Command("lane_clear", (keys.lane(gate), keys.ROOT), (gate, queue, skip, MOST), read)
