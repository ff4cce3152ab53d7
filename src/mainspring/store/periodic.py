"""Verbs of the clock: take part, look for changes, claim ticks, run an entry out of turn, read what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from mainspring.base import codec
from mainspring.base.errors import InvalidPayload
from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, blobs, integer, maybe_blob, plain
from mainspring.store.queues import REMEMBERED_MS

#: For how long after its last sign a clock is taken for alive, in milliseconds.
ALIVE_MS: Final = 45_000
#: How many records the history of an entry holds, and how many ends of its runs are kept.
HISTORY: Final = 100
#: For how long these are kept after the last, in seconds.
ENDS_KEPT: Final = 180 * 86400


class Standing(IntEnum):
    """What the schedule in a clock's code is worth."""

    COUNTS = 1
    """It is the one that counts: this clock may define and remove entries of the code."""
    FOLLOWS = 0
    """Newer code counts, and a clock that has it lives."""
    AGAIN = 2
    """Another code has become current meanwhile: ask again, with it as the one seen."""


class Entered(NamedTuple):
    """How a clock takes part.

    Attributes:
        status: What the schedule in its code is worth.
        number: How often another code has begun to count, so far.
        current: The digest of the code that counts.
    """

    status: Standing
    number: int
    current: str


class Poll(NamedTuple):
    """What a clock must know each second.

    Attributes:
        now: The server's time, unix seconds.
        version: Of the last change of any entry; 0, or less than before, if the store has lost its data.
        is_current: True if the caller's code is the one that counts.
        current: The digest of the code that counts; empty if there is none.
    """

    now: float
    version: int
    is_current: bool
    current: str


class Claim(IntEnum):
    """What became of a claim."""

    WON = 1
    """This call claimed the tick, and enqueued its job if there is one."""
    TAKEN = 0
    """This tick, or a later one of the entry, had been claimed."""
    EARLY = -1
    """It is not due yet by the server's clock."""
    CHANGED = -2
    """There is no such entry any more, or it is another than the claimant knows: read it again."""
    PAUSED = -3
    """The entry is paused."""


class TickJob(NamedTuple):
    """The job of one tick.

    Attributes:
        queue: The queue's name.
        payload: The job, encoded; empty if there shall be none.
        at: When it is due, in unix seconds; None for now.
    """

    queue: str
    payload: bytes
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A claim to make.

    Attributes:
        name: The entry's name.
        stamp: The digest of its record, as the claimant knows it.
        tick: The nominal time: unix seconds with three decimals, as `schedule.ticks.text` writes them.
        due: Unix seconds from which on it may run.
        job: Its job; with an empty payload the tick is claimed, and nothing enqueued.
        record: JSON for the entry's history; empty for none.
        expected: The jids of unfinished runs, as the claimant knows them.
        runs: The same as they shall be from now on.
    """

    name: str
    stamp: str
    tick: str
    due: float
    job: TickJob
    record: bytes = b""
    expected: Sequence[str] = ()
    runs: Sequence[str] = ()


class Past(NamedTuple):
    """One line of an entry's history.

    Attributes:
        at: When it was written, unix seconds by the server's clock.
        record: What happened.
    """

    at: float
    record: Mapping[str, object]


class Ended(NamedTuple):
    """How one run of an entry's job ended.

    Attributes:
        at: When, in unix seconds by the worker's clock.
        outcome: ``"ok"``, ``"retry"``, ``"dead"``, ``"dropped"`` or ``"snoozed"``.
        jid: The job's id.
    """

    at: float
    outcome: str
    jid: str


def current_code(ns: str) -> Command[str]:
    """Ask for the digest of the code whose schedule counts in the namespace *ns*; empty if there is none."""
    return plain("HGET", keys.periodic_code(ns), args=("current",), decode=_digest)


def is_alive(ns: str, digest: str) -> Command[bool]:
    """Return whether a clock lives that has the schedule of *digest* in its code."""
    return plain("EXISTS", keys.periodic_alive(ns, digest), decode=lambda reply: bool(integer(reply)))


def enter(ns: str, digest: str, seen_current: str, *, ttl_ms: int = ALIVE_MS) -> Command[Entered]:
    """Let a clock take part, and decide whether the schedule in its code counts. It is safe to send again.

    Args:
        ns: The namespace.
        digest: Of the schedule in the clock's code.
        seen_current: What `current_code`, or an earlier answer, has told.
        ttl_ms: For how long the clock is taken for alive.
    """
    return Command(
        "periodic_enter",
        (keys.periodic_code(ns), keys.periodic_alive(ns, digest), keys.periodic_alive(ns, seen_current)),
        (digest, seen_current, ttl_ms),
        _entered,
    )


def poll(ns: str, digest: str, *, ttl_ms: int = ALIVE_MS) -> Command[Poll]:
    """Show that a clock lives, and ask whether anything is new; on a full server, too."""

    def decode(reply: Reply) -> Poll:
        now_ms, version, current = array(reply)
        found = _digest(current)
        return Poll(integer(now_ms) / 1000, integer(version), found == digest, found)

    return Command(
        "periodic_poll",
        (keys.periodic_code(ns), keys.periodic_alive(ns, digest), keys.periodic_version(ns)),
        (ttl_ms,),
        decode,
    )


def claim_tick(ns: str, attempt: Attempt) -> Command[Claim]:
    """Enqueue the job of one tick of an entry, once in the whole cluster.

    Claim, record and push are one script, so no crash can leave a tick claimed but never
    enqueued, and no second clock can enqueue it again. It is safe to send again.
    """
    queue, payload, at = attempt.job
    return Command(
        "periodic_claim",
        (
            keys.periodic_entry(ns, attempt.name),
            keys.periodic_history(ns, attempt.name),
            keys.queue(queue),
            keys.QUEUES,
            keys.SCHEDULE,
            keys.BELL,
        ),
        (
            attempt.stamp,
            attempt.tick,
            attempt.due,
            " ".join(attempt.expected),
            " ".join(attempt.runs),
            attempt.record,
            queue,
            payload,
            "" if at is None else at,
        ),
        _claim,
    )


def push_run(ns: str, name: str, job: TickJob, *, record: bytes = b"", run: str = "", token: str = "") -> Command[bool]:
    """Enqueue a run of the entry *name* beside its schedule, of which nothing changes.

    Args:
        ns: The namespace.
        name: The entry's name.
        job: The job.
        record: JSON for the entry's history; empty for none.
        run: The jid, if the entry must know of its unfinished runs.
        token: Names this push, so that it can be sent again if its answer was lost; empty if it will not be.

    Returns:
        False if there is no such entry.
    """
    queue, payload, at = job
    return Command(
        "periodic_push",
        (
            keys.periodic_entry(ns, name),
            keys.periodic_history(ns, name),
            keys.queue(queue),
            keys.QUEUES,
            keys.SCHEDULE,
            keys.BELL,
            keys.pushed(queue, token),
        ),
        (run, record, queue, payload, "" if at is None else at, REMEMBERED_MS if token else 0),
        lambda reply: bool(integer(reply)),
    )


def history(ns: str, name: str, count: int = HISTORY) -> Command[list[Past]]:
    """Read the newest *count* lines of an entry's history, the newest first."""
    return plain("LRANGE", keys.periodic_history(ns, name), args=(0, count - 1), decode=_history)


def note_ends(entry: str, ends: Sequence[Ended]) -> Command[int]:
    """Keep how runs of an entry's jobs ended, before those known before: the newest hundred, for half a year.

    It is for people, so that it may be lost, and is told twice if it is sent again.

    Args:
        entry: Its namespace, a colon, and its name.
        ends: The runs, at least one, the oldest first.
    """
    ns, _, name = entry.partition(":")
    lines = [f"{end.at:.3f} {end.outcome} {end.jid}" for end in ends[-HISTORY:]]
    return Command("ends_note", (keys.periodic_outcomes(ns, name),), (HISTORY, ENDS_KEPT, *lines), integer)


def ends(ns: str, name: str, count: int = HISTORY) -> Command[dict[str, Ended]]:
    """Read how of an entry's jobs those ended that are among the newest *count* ends, by id: of each its last run."""

    def read(reply: Reply) -> dict[str, Ended]:
        found: dict[str, Ended] = {}
        for end in filter(None, map(_end, blobs(reply))):
            if end.jid not in found or found[end.jid].at < end.at:
                found[end.jid] = end
        return found

    return plain("LRANGE", keys.periodic_outcomes(ns, name), args=(0, count - 1), decode=read)


def server_time() -> Command[float]:
    """Ask for the server's time, in unix seconds."""
    return plain("TIME", decode=_time)


def _digest(reply: Reply) -> str:
    return (maybe_blob(reply) or b"").decode("utf-8", "replace")


def _entered(reply: Reply) -> Entered:
    status, number, current = array(reply)
    return Entered(Standing(integer(status)), integer(number), _digest(current))


def _history(reply: Reply) -> list[Past]:
    return [past for line in blobs(reply) if (past := _past(line)) is not None]


def _past(line: bytes) -> Past | None:
    """Read one line; None for what a stranger wrote."""
    at, _, text = line.partition(b" ")
    try:
        record = codec.decode(text)
        return Past(float(at), record) if isinstance(record, dict) else None
    except (InvalidPayload, ValueError):
        return None


def _end(line: bytes) -> Ended | None:
    """Read one line; None for what a stranger wrote."""
    try:
        at, outcome, jid = line.decode().split(" ", 2)
        return Ended(float(at), outcome, jid)
    except ValueError:
        return None


def _claim(reply: Reply) -> Claim:
    return Claim(integer(reply))


def _time(reply: Reply) -> float:
    seconds, microseconds = map(integer, array(reply))
    return seconds + microseconds / 1e6
