"""Verbs of bulk operations: records of what shall be done to many jobs, done part by part by whoever holds each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mainspring.store import keys, sets
from mainspring.store.command import Argument, Command, Reply, array, blob, integer, pairs, plain, texts
from mainspring.store.queues import DEAD_MOST, DEAD_SECONDS

#: How many operations are remembered, and for how long, in milliseconds.
MOST: Final = 200
KEPT_MS: Final = 30 * 86_400_000
#: How many may be under way at once.
CROWD: Final = 50
#: For how long a runner holds an operation, in milliseconds, counted anew with each part.
LEASE_MS: Final = 5_000

Status: TypeAlias = Literal["running", "done", "cancelled", "failed"]
Manner: TypeAlias = Literal["drop", "move", "push"]


@dataclass(frozen=True, slots=True)
class Held:
    """An operation, and who may run it.

    Attributes:
        name: Its id.
        now: The server's unix seconds.
        record: What is stored of it.
    """

    name: str
    now: float
    record: Mapping[str, str]

    @property
    def fence(self) -> str:
        """What changes whenever its runner does."""
        return self.record.get("fence", "")


@dataclass(frozen=True, slots=True)
class Part:
    """How a part of an operation is noted.

    Attributes:
        held: The operation.
        looked: How many jobs were looked at.
        skipped: How many of these were meant, and cannot be done.
        done: How many were done by other calls.
        is_last: True if nothing is left to be looked at.
    """

    held: Held
    looked: int
    skipped: int = 0
    done: int = 0
    is_last: bool = False


def start(
    name: str, fields: Mapping[str, str | int | float], *, cutoff: float | None, by: str, facts: bytes
) -> Command[int]:
    """Begin an operation; 0 if too many are under way.

    Args:
        name: Its id.
        fields: What shall be done, and to which jobs.
        cutoff: What happens to a job from then on, in unix seconds, lets it be none of its; None for now.
        by: Who starts it.
        facts: For the audit log, a JSON object.
    """
    flat: list[Argument] = [item for pair in fields.items() for item in pair]
    moment: Argument = "" if cutoff is None else cutoff
    return Command(
        "operation_start",
        (keys.operation(name), keys.OPERATIONS, keys.OPERATIONS_OPEN, keys.AUDIT, keys.ROOT),
        (name, MOST, KEPT_MS, CROWD, moment, by, facts, *flat),
        integer,
    )


def claim(runner: str, *, anew: bool = False) -> Command[Held | None]:
    """Hold an operation that nobody else holds, or go on holding one; None if there is none.

    Args:
        runner: Who asks.
        anew: True if it has nothing of what it held; then what it has sent before does nothing any more.
    """

    def read(reply: Reply) -> Held | None:
        found = array(reply)
        if not found:
            return None
        name, now_us, *flat = found
        return Held(blob(name).decode(), integer(now_us) / 1_000_000, _record(pairs(flat)))

    return Command("operation_claim", (keys.OPERATIONS_OPEN, keys.ROOT), (runner, LEASE_MS, int(anew)), read)


def do(
    part: Part, source: str, target: str, manner: Manner, what: str, rows: Sequence[tuple[bytes, bytes, str | float]]
) -> Command[int]:
    """Do a part to jobs of a set.

    Args:
        part: How it is noted.
        source: The key of the set they are in.
        target: The key of the set they go to, if they go to one.
        manner: ``"drop"`` for good, ``"move"`` into the other set, or ``"push"`` into their queues.
        what: What this is for that which hangs on them: ``"dropped"``, ``"dead"``, ``"later"``, ``"again"`` or nothing.
        rows: A job as it is stored, as it shall be stored, and its score or queue; at most 1,000.

    Returns:
        How many were done; -1 if the operation is over, or another runner's.
    """
    flat = tuple(item for row in rows for item in row)
    return Command(
        "operation_slice",
        (*_records(part.held), source, target, keys.BELL, keys.QUEUES, keys.ROOT),
        (
            part.held.name,
            part.held.fence,
            LEASE_MS,
            part.looked,
            part.skipped,
            part.done,
            int(part.is_last),
            manner,
            what,
            part.held.now - DEAD_SECONDS,
            DEAD_MOST,
            *flat,
        ),
        integer,
    )


def take(part: Part, queue: str, rows: Sequence[tuple[int, bytes]], *, died: float | None) -> Command[int]:
    """Take jobs out of a queue, for good or, with the time of their death, into the dead set; as `do`.

    Args:
        part: How it is noted.
        queue: The queue's name.
        rows: Places, 0 for the job that was pushed last, and jobs as they are stored; at most 1,000.
        died: Unix seconds; None to drop them for good.
    """
    flat = tuple(item for row in rows for item in row)
    return Command(
        "operation_take",
        (*_records(part.held), keys.queue(queue), keys.DEAD, keys.slot(queue), keys.ROOT),
        (
            part.held.name,
            part.held.fence,
            LEASE_MS,
            part.looked,
            part.skipped,
            int(part.is_last),
            "" if died is None else died,
            part.held.now - DEAD_SECONDS,
            DEAD_MOST,
            *flat,
        ),
        integer,
    )


def place_of(queue: str, payload: bytes) -> Command[int | None]:
    """Find a job in a queue, however long that is: its place, 0 for what was pushed last; None if it is not there."""

    def found(reply: Reply) -> int | None:
        return None if reply is None else integer(reply)

    return plain("LPOS", keys.queue(queue), args=(payload,), decode=found)


def note(part: Part) -> Command[int]:
    """Note how far an operation is whose jobs other calls have moved, and keep the dead set to its bounds; as `do`."""
    return do(part, keys.DEAD, keys.DEAD, "move", "dead", ())


def end(name: str, status: Status, *, by: str = "", reason: str = "") -> Command[int]:
    """End an operation before it is done; 0 if it was over, or there is none."""
    where = (keys.operation(name), keys.OPERATIONS_OPEN, keys.AUDIT)
    return Command("operation_end", where, (name, status, by, reason), integer)


def read(name: str) -> Command[dict[str, str]]:
    """Read what is stored of an operation; empty if there is none."""
    return plain("HGETALL", keys.operation(name), decode=lambda reply: _record(pairs(reply)))


def names(skip: int, count: int) -> Command[list[str]]:
    """Read the ids of *count* operations, the newest first, *skip* of them left out."""
    return plain("ZRANGE", keys.OPERATIONS, args=(skip, skip + count - 1, "REV"), decode=texts)


def count() -> Command[int]:
    """Count the operations that are remembered."""
    return sets.size(keys.OPERATIONS)


def _records(held: Held) -> tuple[str, str, str]:
    return keys.operation(held.name), keys.OPERATIONS_OPEN, keys.AUDIT


def _record(found: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in found.items()}
