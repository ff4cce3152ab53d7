"""Verbs of the three sets of jobs that are in no queue: scheduled, retries, dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, blobs, integer, plain, scored
from mainspring.store.queues import REMEMBERED_MS


@dataclass(frozen=True, slots=True)
class Due:
    """What is due, by the server's clock.

    Attributes:
        now: The server's unix seconds.
        upcoming: Unix seconds of the next that is not due yet; None if there is none.
        scheduled: Payloads of the scheduled set.
        retries: Payloads of the retry set.
    """

    now: float
    upcoming: float | None
    scheduled: Sequence[bytes]
    retries: Sequence[bytes]


def _due(reply: Reply) -> Due:
    now_ms, next_ms, scheduled, retries = array(reply)
    upcoming = integer(next_ms)
    return Due(integer(now_ms) / 1000, None if upcoming < 0 else upcoming / 1000, blobs(scheduled), blobs(retries))


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
    """Read up to *limit* due jobs of the scheduled and of the retry set, and when the next will be due."""
    return Command("set_due", (keys.SCHEDULE, keys.RETRY), (limit,), _due)


def listen(seconds: float) -> Command[bool]:
    """Wait up to *seconds* until a job is pushed that is due before all others."""
    return Command("BLPOP", (keys.BELL,), (seconds,), lambda reply: reply is not None, plain=True, blocks=seconds)


def forward(key: str, queue: str, jobs: Sequence[tuple[bytes, bytes]]) -> Command[int]:
    """Move jobs from the set *key* into *queue*, each once, whoever else tries.

    Args:
        key: The key of the set.
        queue: The queue's name.
        jobs: Pairs of the payload as stored and as it shall be pushed, at most 100.

    Returns:
        How many were moved by this call.
    """
    flat = tuple(item for pair in jobs for item in pair)
    return Command("set_forward", (key, keys.queue(queue), keys.QUEUES), (queue, *flat), integer)


def move(source: str, target: str, old: bytes, new: bytes, score: float) -> Command[int]:
    """Move one job between sets, or to another time in the same; 0 if it was not there."""
    return Command("set_move", (source, target, keys.BELL), (old, new, score), integer)


def size(key: str) -> Command[int]:
    """Count the jobs of a set."""
    return plain("ZCARD", key, decode=integer)


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
    """Delete jobs from a set by their stored bytes, and return how many were there."""
    return plain("ZREM", key, args=tuple(payloads), decode=integer)


def clear(key: str) -> Command[int]:
    """Delete a whole set."""
    return plain("UNLINK", key, decode=integer)


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
