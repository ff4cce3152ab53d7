"""Verbs of iterable jobs: how far one has come, under Sidekiq's key and in its fields."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Final

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, integer, maybe_blob, plain

#: How long a cursor is kept, in milliseconds, counted anew at each save: longer than any job is retried.
KEPT_MS: Final = 30 * 86_400_000
#: How long it is kept once the job has ended: longer than it takes until it runs again, should its
#: process have died before the end was recorded.
ENDED_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class State:
    """How far a job has come.

    Attributes:
        cursor: Where to go on, as JSON; None if it has not come anywhere.
        runs: How many runs have saved a cursor or ended.
        runtime: How long they took together, in seconds.
        cancelled: True if somebody does not want it any more.
    """

    cursor: bytes | None = None
    runs: int = 0
    runtime: float = 0.0
    cancelled: bool = False


def _state(reply: Reply) -> State:
    cursor, runs, runtime, cancelled = map(maybe_blob, array(reply))
    return State(cursor, int(_number(runs)), _number(runtime), cancelled is not None)


def _number(field: bytes | None) -> float:
    # Another program may have written it, and it is shown to people only.
    try:
        found = float(field or 0)
    except ValueError:
        return 0.0
    return found if isfinite(found) else 0.0


def load(jid: str) -> Command[State]:
    """Read how far the job *jid* has come."""
    return plain("HMGET", keys.cursor(jid), args=("c", "ex", "rt", "cancelled"), decode=_state)


def held(queue: str, identity: str, seq: int) -> Command[bytes | None]:
    """Read a job as it is stored in flight at *identity*; None if it is not there any more."""
    return plain("HGET", keys.inflight(queue, identity), args=(seq,), decode=maybe_blob)


@dataclass(frozen=True, slots=True)
class Saved:
    """What saving a cursor gave.

    Attributes:
        is_ours: False if the job is another process's by now; then nothing was saved.
        cancelled: True if somebody does not want it any more.
    """

    is_ours: bool
    cancelled: bool


def save(
    queue: str, identity: str, seq: int, jid: str, state: State, *, ttl_ms: int = KEPT_MS, payload: bytes = b""
) -> Command[Saved]:
    """Save how far the job *jid* has come, if it is still in flight at *identity*: a look and a write in one step.

    A full server takes it.

    Args:
        queue: The queue that it was taken from.
        identity: The process that runs it.
        seq: The delivery.
        jid: The job's id.
        state: How far it has come.
        ttl_ms: How long that is kept.
        payload: The job without what it was suspected of, stored in place of what is in flight; empty to leave it.
    """
    return Command(
        "cursor_save",
        (keys.inflight(queue, identity), keys.cursor(jid)),
        (seq, state.cursor or b"null", state.runs, state.runtime, ttl_ms, payload),
        _saved,
    )


def _saved(reply: Reply) -> Saved:
    answer = integer(reply)
    return Saved(is_ours=answer != 0, cancelled=answer == 2)
