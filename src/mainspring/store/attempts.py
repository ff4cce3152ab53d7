"""Verbs of attempts: what is kept of the runs of jobs that failed, and of jobs that are done.

A run that did not go well is written in the step that settles its job (`queues.settle`), all else here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from mainspring.store import keys
from mainspring.store.command import Argument, Command, blobs, integer, maybe_blob, plain
from mainspring.store.ties import Trace

#: How many attempts of a job are kept, the newest.
NEWEST: Final = 25
#: Of how many jobs attempts are kept at most; and how many jobs that are done. What would go first, goes.
MOST_JOBS: Final = 20_000
MOST_FINISHED: Final = 50_000
#: How many runs one call may note.
MANY: Final = 200
#: How long attempts are kept after the last, in seconds.
KEPT: Final = 86400.0


class Record(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One attempt, as it is stored.

    Attributes:
        number: Which attempt of the job it was, counted from 1.
        process: The identity of the process.
        slot: Where in the process it ran.
        started: When it began, in unix seconds.
        ended: When it ended, likewise.
        outcome: What became of it, in a word.
        signature: Which error it was; empty if it did not fail.
        error_class: The class of its error; empty likewise.
        message: The error's text, cut; None if it was that of the attempt before.
        backtrace: Where the error came from, packed; None likewise.
    """

    number: int
    process: str
    slot: str
    started: float
    ended: float
    outcome: str
    signature: str = ""
    error_class: str = ""
    message: str | None = ""
    backtrace: str | None = ""


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Record)


def written(record: Record) -> bytes:
    """Return an attempt as it is stored, on one line."""
    return _encoder.encode(record)


def understood(data: bytes) -> Record | None:
    """Read an attempt; None if it is none, as a stranger may have left there."""
    try:
        return _decoder.decode(data)
    except msgspec.MsgspecError:
        return None


def done(record: Record, raw: bytes) -> bytes:
    """Return what is kept of a job that is done: its last attempt, then the job as it was."""
    return _encoder.encode(record) + b"\n" + raw


def parted(data: bytes) -> tuple[Record | None, bytes]:
    """Return the last attempt and the job of what `done` has made; no attempt if it is something else."""
    head, _, raw = data.partition(b"\n")
    return understood(head), raw


def note(traces: Sequence[Trace]) -> Command[int]:
    """Keep at most 200 runs that went well, in one step: beside those that failed, and with jobs that are done.

    Returns:
        How many jobs that are done were dropped for it, as too many are kept.
    """
    rows: list[Argument] = []
    for trace in traces:
        rows += [trace.jid, trace.attempt, trace.attempt_ms, trace.finished, trace.finished_ms]
    return Command("runs_note", (keys.FINISHED, keys.ROOT), (MOST_FINISHED, *rows), integer)


def read(jid: str) -> Command[list[bytes]]:
    """Read the attempts of the job *jid*, the newest first; none of one that has not failed."""
    return plain("LRANGE", keys.attempts(jid), args=(0, NEWEST - 1), decode=blobs)


def finished(jid: str) -> Command[bytes | None]:
    """Read what is kept of the job *jid*, which is done; None if nothing is."""
    return plain("GET", keys.finished(jid), decode=maybe_blob)
