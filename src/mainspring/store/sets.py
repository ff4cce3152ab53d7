"""Verbs of the three sets of jobs that are in no queue: scheduled, retries, dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, blobs, integer, plain, scored, texts
from mainspring.store.queues import REMEMBERED_MS, SWEPT, SWEPT_BYTES


@dataclass(frozen=True, slots=True)
class Due:
    """What is due, by the server's clock.

    Attributes:
        now: The server's unix seconds.
        upcoming: Unix seconds of the next that is not due yet; None if there is none.
        scheduled: Payloads of the scheduled set.
        retries: Payloads of the retry set.
        gates: Names of gates by which jobs wait.
        operations: True if there is a bulk operation to be done.
    """

    now: float
    upcoming: float | None
    scheduled: Sequence[bytes]
    retries: Sequence[bytes]
    gates: Sequence[str] = ()
    operations: bool = False


def _due(reply: Reply) -> Due:
    now_ms, next_ms, scheduled, retries, gates, operations = array(reply)
    upcoming = integer(next_ms)
    at = None if upcoming < 0 else upcoming / 1000
    return Due(integer(now_ms) / 1000, at, blobs(scheduled), blobs(retries), texts(gates), operations == 1)


def add(pairs: Sequence[tuple[float, bytes]], *, queue: str = "", token: str = "") -> Command[int]:
    """Keep at most 1,000 jobs, pairs of due time and payload, in the scheduled set, all or none.

    Args:
        pairs: When each is due, in unix seconds, and the job, encoded.
        queue: The queue of the first, beside which the token is kept.
        token: Names this push, so that it can be sent again if its answer was lost; empty if it will not be.

    Returns:
        How many were new; 0 if the push had been made before.
    """
    flat = tuple(item for pair in pairs for item in pair)
    return Command(
        "set_add",
        (keys.SCHEDULE, keys.BELL, keys.pushed(queue, token)),
        (REMEMBERED_MS if token else 0, *flat),
        integer,
    )


def due(limit: int = 100) -> Command[Due]:
    """Read up to *limit* due jobs of both sets, and gates; when the next is due; and whether operations are open."""
    return Command("set_due", (keys.SCHEDULE, keys.RETRY, keys.GATES_DUE, keys.OPERATIONS_OPEN), (limit,), _due)


def listen(seconds: float) -> Command[bool]:
    """Wait up to *seconds* until a job is pushed that is due before all others."""
    return Command("BLPOP", (keys.BELL,), (seconds,), lambda reply: reply is not None, plain=True, blocks=seconds)


def forward(key: str, queue: str, jobs: Sequence[tuple[bytes, bytes]]) -> Command[int]:
    """Move jobs from the set *key* into *queue*, each once, whoever else tries.

    What was dead takes its unique lock again, if nobody holds it.

    Args:
        key: The key of the set.
        queue: The queue's name.
        jobs: Pairs of the payload as stored and as it shall be pushed, at most 100.

    Returns:
        How many were moved by this call.
    """
    flat = tuple(item for pair in jobs for item in pair)
    manner = "again" if key == keys.DEAD else ""
    return Command("set_forward", (key, keys.queue(queue), keys.QUEUES, keys.ROOT), (queue, manner, *flat), integer)


def move(source: str, target: str, old: bytes, new: bytes, score: float) -> Command[int]:
    """Move one job between sets, or to another time in the same; 0 if it was not there.

    Its lock is held until then, and for as long again; or let go with all else that hangs on it, if it is buried. What
    was dead takes its lock again, if nobody holds it.
    """
    what = "dead" if target == keys.DEAD else "again" if source == keys.DEAD else "later"
    return Command("set_move", (source, target, keys.BELL, keys.ROOT), (old, new, score, what), integer)


def size(key: str) -> Command[int]:
    """Count the jobs of a set."""
    return plain("ZCARD", key, decode=integer)


def since(key: str, at: float) -> Command[int]:
    """Count what has a score of *at* or more, unix seconds."""
    return plain("ZCOUNT", key, args=(at, "+inf"), decode=integer)


def page(key: str, skip: int, count: int, *, newest_first: bool = False) -> Command[list[tuple[bytes, float]]]:
    """Read *count* jobs of a set with their scores, in order, *skip* of them left out."""
    args = (skip, skip + count - 1, *(("REV",) if newest_first else ()), "WITHSCORES")
    return plain("ZRANGE", key, args=args, decode=scored)


def scan(key: str, cursor: int, match: str, count: int = 1000) -> Command[tuple[int, list[tuple[bytes, float]]]]:
    """Look through a part of a set for members that match a pattern of the server's.

    Returns:
        The cursor for the next part, 0 at the end, and what was found.
    """

    def read(reply: Reply) -> tuple[int, list[tuple[bytes, float]]]:
        following, found = array(reply)
        return integer(following), scored(found)

    return plain("ZSCAN", key, args=(cursor, "MATCH", match, "COUNT", count), decode=read)


def remove(key: str, payloads: Sequence[bytes]) -> Command[int]:
    """Drop at most 1,000 jobs of a set by their stored bytes, with what hangs on them; return how many were there."""
    return Command("set_remove", (key, keys.ROOT), tuple(payloads), integer)


def clear(key: str) -> Command[int]:
    """Empty a set in one step; what was in it is put aside, and is to be dropped by `sweep`.

    Returns:
        How much that was; -1 if nothing was done, since jobs of an earlier call are to be dropped first.
    """
    return Command("set_clear", (key, keys.cleared_set(key)), (), integer)


def sweep(key: str) -> Command[int]:
    """Drop a part of the jobs that `clear` put aside, and settle what hangs on each; as `queues.sweep`."""
    return Command("set_sweep", (keys.cleared_set(key), keys.ROOT), (SWEPT, SWEPT_BYTES), integer)


def rank(key: str, payload: bytes, *, newest_first: bool = False) -> Command[int | None]:
    """Count the jobs of a set that come before one; None if it is not there."""

    def read(reply: Reply) -> int | None:
        return None if reply is None else integer(reply)

    return plain("ZREVRANK" if newest_first else "ZRANK", key, args=(payload,), decode=read)


def trim_dead(before: float, most: int) -> list[Command[int]]:
    """Drop from the dead set what died before a time, and what is beyond the newest *most*."""
    return [
        plain("ZREMRANGEBYSCORE", keys.DEAD, args=("-inf", f"({before}"), decode=integer),
        plain("ZREMRANGEBYRANK", keys.DEAD, args=(0, -most - 1), decode=integer),
    ]
