"""Verbs of queues: push, fetch, acknowledge, give back, look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import msgspec

from mainspring.store import keys
from mainspring.store.command import (
    Command,
    Reply,
    array,
    blobs,
    ignore,
    integer,
    integers,
    maybe_blob,
    pairs,
    plain,
    texts,
)
from mainspring.store.ties import NONE, UNTRACED, Ties, Trace, What

#: The most jobs that one call may push, fetch or acknowledge: a script blocks all other callers.
MOST: Final = 1000

#: The most jobs whose places one call may ask for.
PAGE: Final = 1000

#: The most jobs, and about the most bytes of jobs, that one call drops of what was cleared: on each something may hang.
SWEPT: Final = 500
SWEPT_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch gave.

    Attributes:
        jobs: Pairs of delivery number and payload, the oldest first.
        paused: True if the queue is paused.
        fenced: True if this process was declared dead.
    """

    jobs: Sequence[tuple[int, bytes]] = ()
    paused: bool = False
    fenced: bool = False


_FETCHED_OTHERWISE = {0: Fetched(paused=True), -1: Fetched(fenced=True)}


def _fetched(reply: Reply) -> Fetched:
    if isinstance(reply, int):
        return _FETCHED_OTHERWISE[reply]
    flat = array(reply)
    # As they come, since there may be a thousand: the script gives numbers and payloads in turn.
    return Fetched(cast("list[tuple[int, bytes]]", list(zip(flat[::2], flat[1::2], strict=True))))


#: How long a push is remembered, in milliseconds: longer than a client goes on trying.
REMEMBERED_MS: Final = 60_000


def push(queue: str, payloads: Sequence[bytes], *, token: str = "") -> Command[int]:
    """Put at most 1,000 *payloads* into *queue*, all or none; the first runs first.

    Args:
        queue: The queue's name.
        payloads: The jobs, encoded.
        token: Names this push, so that it can be sent again if its answer was lost; empty if it will not be.

    Returns:
        How long the queue is then; 0 if the push had been made before.
    """
    return Command(
        "job_push",
        (keys.queue(queue), keys.QUEUES, keys.pushed(queue, token)),
        (queue, REMEMBERED_MS if token else 0, *payloads),
        integer,
    )


def fetch(queue: str, identity: str, n: int, reqid: str, field: str) -> Command[Fetched]:
    """Take up to *n* jobs of *queue* into the in-flight hash of *identity*, in one step.

    Asked again with the same *reqid*, because an answer was lost, it gives the same jobs.

    Args:
        queue: The queue's name.
        identity: The process that takes them.
        n: How many at most, up to 1,000.
        reqid: Names this request; renewed only after an answer was read.
        field: Names the requester within the process: one request under way for each.
    """
    return Command("jobs_fetch", _fetch_keys(queue, identity), (n, reqid, field, queue, identity), _fetched)


@lru_cache(maxsize=128)
def _fetch_keys(queue: str, identity: str) -> tuple[str, ...]:
    # A worker asks with the same ones all its life, and a job waits for each microsecond.
    return (
        keys.queue(queue),
        keys.inflight(queue, identity),
        keys.fence(queue),
        keys.tomb(queue, identity),
        keys.PAUSED,
        keys.owners(queue),
    )


def done(queue: str, identity: str, seqs: Sequence[int], day: str) -> Command[list[int]]:
    """Acknowledge at most 1,000 successes and count them, in one step.

    Returns:
        For each delivery 1, or 0 if it was no longer this process's.
    """
    return Command(
        "jobs_done",
        (keys.inflight(queue, identity), keys.STAT_PROCESSED, keys.stat_processed_day(day)),
        tuple(seqs),
        integers,
    )


class Settlement(msgspec.Struct, frozen=True, gc=False):
    """What became of one job, for `settle`.

    Attributes:
        place: The key of the set it goes to; None if it goes nowhere.
        score: Unix seconds: when it is due, or when it died.
        payload: The job as it shall be stored.
        runs: True if it counts as a run.
        fails: True if it counts as a failed run.
        tally: The counter that it goes into beside those of runs, such as ``expired``; empty for none.
        what: What it is for that which hangs on the job.
        ties: What hangs on it; None if nothing does.
        trace: What is kept of the run; None for nothing.
    """

    place: str | None = None
    score: float = 0.0
    payload: bytes = b""
    runs: bool = True
    fails: bool = False
    tally: str = ""
    what: What = "ok"
    ties: Ties | None = None
    trace: Trace | None = None


#: What the dead set may hold, as Sidekiq has it: half a year and ten thousand jobs.
DEAD_SECONDS: Final = 180 * 86400.0
DEAD_MOST: Final = 10_000


def settle(queue: str, identity: str, seq: int, what: Settlement, *, now: float, day: str) -> Command[int]:
    """Take one job off the process, and record what became of it, in one step.

    Returns:
        1; or 0 if the job was no longer this process's, and then nothing was recorded.
    """
    manner = {None: "none", keys.DEAD: "bury"}.get(what.place, "later")
    ties, trace = what.ties or NONE, what.trace or UNTRACED
    return Command(
        "job_settle",
        (
            *(keys.inflight(queue, identity), what.place or keys.DEAD, keys.BELL),
            *(keys.STAT_PROCESSED, keys.stat_processed_day(day), keys.STAT_FAILED, keys.stat_failed_day(day)),
            *(keys.slot(queue), keys.ROOT, keys.stat(what.tally)),
        ),
        (
            seq,
            manner,
            what.score,
            what.payload,
            int(what.runs),
            int(what.fails),
            now - DEAD_SECONDS,
            DEAD_MOST,
            "" if what.ties is None else what.what,
            ties.jid,
            ties.lock,
            ties.unique_ms,
            ties.batch,
            ties.number,
            ties.gates,
            ties.result,
            ties.result_ms,
            int(bool(what.tally)),
            trace.jid if trace.attempt else "",
            trace.attempt,
            trace.attempt_ms,
            int(now * 1000) + trace.attempt_ms,
        ),
        integer,
    )


def mark(queue: str, identity: str, seq: int) -> Command[int]:
    """Note that a job which was recovered before is about to run; 0 if it is no longer ours."""
    return Command("job_mark", (keys.inflight(queue, identity),), (seq,), integer)


def give_back(queue: str, identity: str, seqs: Sequence[int]) -> Command[list[int]]:
    """Put deliveries back at the head of their queue; *seqs* are sorted newest first here.

    Returns:
        For each, in the order newest first, 1; or 0 if it was no longer this process's.
    """
    return Command(
        "jobs_return",
        (keys.inflight(queue, identity), keys.queue(queue), keys.QUEUES),
        (queue, *sorted(seqs, reverse=True)),
        integers,
    )


def look(queue: str, seconds: float) -> Command[bool]:
    """Wait until *queue* holds a job, at most *seconds*; takes nothing.

    Moving a list's tail onto itself changes nothing, so a lost answer costs nothing.
    """
    key = keys.queue(queue)
    return Command(
        "BLMOVE", (key, key), ("RIGHT", "RIGHT", seconds), lambda reply: reply is not None, plain=True, blocks=seconds
    )


def inflight(queue: str, identity: str) -> Command[dict[bytes, bytes]]:
    """Read all that *identity* holds of *queue*: delivery -> payload, and fields that begin with ``_``."""
    return plain("HGETALL", keys.inflight(queue, identity), decode=pairs)


def inflight_seqs(queue: str, identity: str) -> Command[list[str]]:
    """Read the deliveries that *identity* holds of *queue*, and fields that begin with ``_``."""
    return plain("HKEYS", keys.inflight(queue, identity), decode=texts)


# --- for people ------------------------------------------------------------------


def names() -> Command[list[str]]:
    """Read the names of all queues."""
    return plain("SMEMBERS", keys.QUEUES, decode=lambda reply: sorted(texts(reply)))


def paused() -> Command[list[str]]:
    """Read the names of the paused queues."""
    return plain("SMEMBERS", keys.PAUSED, decode=lambda reply: sorted(texts(reply)))


def size(queue: str) -> Command[int]:
    """Count the jobs that wait in *queue*."""
    return plain("LLEN", keys.queue(queue), decode=integer)


def oldest(queue: str) -> Command[bytes | None]:
    """Read the job of *queue* that runs next; None if it is empty."""
    return plain("LINDEX", keys.queue(queue), args=(-1,), decode=maybe_blob)


def page(queue: str, newest_first: int, count: int) -> Command[list[bytes]]:
    """Read *count* jobs of *queue*, beginning *newest_first* places from its newest."""
    return plain("LRANGE", keys.queue(queue), args=(newest_first, newest_first + count - 1), decode=blobs)


def page_from_tail(queue: str, skip: int, count: int) -> Command[list[bytes]]:
    """Read *count* jobs of *queue* in the order in which they will run, *skip* of them left out."""

    def oldest_first(reply: Reply) -> list[bytes]:
        return blobs(reply)[::-1]

    return plain("LRANGE", keys.queue(queue), args=(-skip - count, -skip - 1), decode=oldest_first)


def remove(queue: str, payload: bytes) -> Command[int]:
    """Drop one waiting job by its stored bytes, with what hangs on it, in one step; 0 if it is not there any more."""
    return Command("queue_remove", (keys.queue(queue), keys.slot(queue), keys.ROOT), (payload,), integer)


def clear(queue: str) -> Command[int]:
    """Empty *queue* in one step; what waited in it is put aside, and is to be dropped by `sweep`.

    Returns:
        How much that was; -1 if nothing was done, since jobs of an earlier call are to be dropped first.
    """
    return Command("queue_clear", (keys.queue(queue), keys.cleared(queue), keys.QUEUES), (queue,), integer)


def sweep(queue: str) -> Command[int]:
    """Drop a part of the jobs that `clear` put aside, and settle what hangs on each in the same step.

    Anybody may call it, at any time, and again: what is left by a process that died in the midst of it is there still.

    Returns:
        How many were dropped; 0 if there are none any more.
    """
    return Command(
        "queue_sweep",
        (keys.cleared(queue), keys.slot(queue), keys.ROOT, keys.queue(queue), keys.QUEUES),
        (SWEPT, SWEPT_BYTES, queue),
        integer,
    )


def pause(queue: str) -> Command[None]:
    """Stop the starting of jobs from *queue*, everywhere."""
    return plain("SADD", keys.PAUSED, args=(queue,), decode=ignore)


def resume(queue: str) -> Command[None]:
    """Let jobs of *queue* start again."""
    return plain("SREM", keys.PAUSED, args=(queue,), decode=ignore)


def move(queue: str, target: str, payload: bytes, *, score: float) -> Command[int]:
    """Move one waiting job to the set *target*, in one step; 0 if it is not there any more.

    Its lock is held until then, and for as long again; or let go with all else that hangs on it, if it is buried.
    """
    return Command(
        "queue_move",
        (keys.queue(queue), target, keys.BELL, keys.slot(queue), keys.ROOT),
        (payload, score, "dead" if target == keys.DEAD else "later"),
        integer,
    )


def position(queue: str, payloads: Sequence[bytes], most: int) -> Command[int]:
    """Find the first of at most 100 *payloads* that still waits, among the *most* that run next.

    Returns:
        How many jobs run before it; -1 if none of them was found.
    """
    return Command("queue_position", (keys.queue(queue),), (most, *payloads), integer)


def drop(queue: str, jobs: Sequence[tuple[int, bytes]], *, died: float | None = None) -> Command[int]:
    """Take at most 1,000 jobs out of the midst of a queue, with what hangs on them, in one step.

    Args:
        queue: The queue's name.
        jobs: Pairs of place and payload; 1 is the place of the job that runs next.
        died: Unix seconds to bury them with; None to drop them for good.

    Returns:
        How many were taken out; those that are no longer at their places are left alone.
    """
    flat = tuple(item for job in jobs for item in job)
    return Command(
        "queue_drop",
        (keys.queue(queue), keys.DEAD, keys.slot(queue), keys.ROOT),
        ("" if died is None else died, *flat),
        integer,
    )
