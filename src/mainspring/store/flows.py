"""Verbs of jobs on which something hangs: a unique lock, a place in a batch, gates, a result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.store import keys
from mainspring.store.command import Command, integers, texts
from mainspring.store.queues import REMEMBERED_MS
from mainspring.store.ties import Ties

#: The most jobs with ties that one call may push or acknowledge: each costs several of the server's commands.
MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One job with ties on its way into a queue.

    Attributes:
        ties: What hangs on it.
        payload: The job, encoded.
        at: When it is due, in unix seconds; None for now.
        lock_ms: How long its lock holds from now, its delay included.
        is_held: True if it holds its gates already.
    """

    ties: Ties
    payload: bytes
    at: float | None = None
    lock_ms: int = 0
    is_held: bool = False


def enter(queue: str, rows: Sequence[Row], *, token: str = "") -> Command[list[str]]:
    """Put at most 500 jobs with ties into *queue*, or, where one is for later, into the scheduled set.

    Args:
        queue: The queue's name.
        rows: The jobs; the first runs first.
        token: Names this push, so that it can be sent again if its answer was lost; empty if it will not be.

    Returns:
        For each the jid of the job that holds its lock, and then it was not stored; else empty.
    """
    return _enter(queue, rows, keys.pushed(queue, token), REMEMBERED_MS if token else 0, "")


def relay(queue: str, rows: Sequence[Row], *, source: str, number: int) -> Command[list[str]]:
    """Put what a batch of an outbox has for *queue* there, unless that was done before, however long ago.

    The batches must come in the order of their numbers: one number is all that is remembered.

    Args:
        queue: The queue's name.
        rows: At most 500 jobs; the first runs first.
        source: The outbox's name.
        number: The batch's number, at least 1 and below 2^53.

    Returns:
        As `enter`.
    """
    return _enter(queue, rows, keys.relayed(queue, source), 0, number)


def _enter(queue: str, rows: Sequence[Row], pushed: str, ttl_ms: int, number: int | str) -> Command[list[str]]:
    flat: list[str | bytes | int | float] = []
    for row in rows:
        ties = row.ties
        flat += (ties.jid, "" if row.at is None else row.at, ties.lock, row.lock_ms)
        flat += (ties.batch, ties.number, ties.gates, "held" if row.is_held else "", row.payload)
    return Command(
        "jobs_enter",
        (keys.queue(queue), keys.QUEUES, pushed, keys.SCHEDULE, keys.BELL, keys.slot(queue), keys.ROOT),
        (queue, ttl_ms, number, *flat),
        texts,
    )


def finish(queue: str, identity: str, jobs: Sequence[tuple[int, Ties]], day: str) -> Command[list[int]]:
    """Acknowledge at most 500 successes of jobs with ties, settle those, and count the jobs, in one step.

    Args:
        queue: The queue's name.
        identity: The process that ran them.
        jobs: Pairs of delivery and ties.
        day: The UTC day, for the counters.

    Returns:
        For each delivery 1, or 0 if it was no longer this process's.
    """
    columns = _columns(jobs)
    if columns == "l":
        seqs, ties = [seq for seq, _ in jobs], [ties for _, ties in jobs]
        return unlock(queue, identity, seqs, [each.jid for each in ties], [each.lock for each in ties], day)
    return _finish(queue, identity, (columns, *_rows(jobs, columns)), day)


def unlock(
    queue: str, identity: str, seqs: Sequence[int], jids: Sequence[str], locks: Sequence[str], day: str
) -> Command[list[int]]:
    """Acknowledge at most 500 successes of jobs on each of which a lock hangs and nothing else, in one step.

    Args:
        queue: The queue's name.
        identity: The process that ran them.
        seqs: The deliveries.
        jids: Their jobs' ids.
        locks: Their jobs' locks.
        day: The UTC day, for the counters.

    Returns:
        As `finish`.
    """
    names, digests = _joined(jids), _joined(locks)
    if names and digests:
        # To write and to read a word costs more than all else that is done for it.
        return _finish(queue, identity, ("u", names, digests, *seqs), day)
    rows = [word for row in zip(seqs, jids, locks, strict=True) for word in row]
    return _finish(queue, identity, ("l", *rows), day)


def _finish(queue: str, identity: str, args: tuple[str | bytes | int, ...], day: str) -> Command[list[int]]:
    return Command(
        "jobs_finish",
        (
            keys.inflight(queue, identity),
            keys.STAT_PROCESSED,
            keys.stat_processed_day(day),
            keys.slot(queue),
            keys.ROOT,
        ),
        args,
        integers,
    )


def _joined(words: Sequence[str]) -> str:
    """Return *words* in one, if all have one length in bytes, as those that we make have; else nothing."""
    joined = "".join(words)
    return joined if joined.isascii() and len({*map(len, words)}) == 1 else ""


def _rows(jobs: Sequence[tuple[int, Ties]], columns: str) -> list[str | bytes | int]:
    if columns == "n":
        return [jobs[0][1].batch, *(word for seq, ties in jobs for word in (seq, ties.number))]
    flat: list[str | bytes | int] = []
    for seq, ties in jobs:
        flat += (seq, ties.jid)
        if "l" in columns:
            flat.append(ties.lock)
        if "b" in columns:
            flat += (ties.batch, ties.number)
        if "g" in columns:
            flat.append(ties.gates)
        if "r" in columns:
            flat += (ties.result, ties.result_ms)
    return flat


def _columns(jobs: Sequence[tuple[int, Ties]]) -> str:
    """Return which columns some of *jobs* need: most need one, and each takes its time."""
    has_lock = has_batch = has_gates = has_result = False
    for _, ties in jobs:
        has_lock = has_lock or ties.lock != ""
        has_batch = has_batch or ties.batch != ""
        has_gates = has_gates or ties.gates != ""
        has_result = has_result or ties.result != b""
    if has_batch and not (has_lock or has_gates or has_result) and len({ties.batch for _, ties in jobs}) == 1:
        return "n"
    return "l" * has_lock + "b" * has_batch + "g" * has_gates + "r" * has_result
