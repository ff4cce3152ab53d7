"""Where a stored job lies, and the calls that take it from there.

Each call removes by the bytes as they are stored and moves in one step, so a job that
somebody else has taken meanwhile is left alone, and none is ever in two places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from mainspring.base import payload
from mainspring.base.errors import InvalidOption, PayloadTooLarge
from mainspring.store import gates, keys, queues, sets
from mainspring.store.command import Command

_NAMES: Final = {keys.SCHEDULE: "scheduled", keys.RETRY: "retry", keys.DEAD: "dead"}


def check_jid(jid: object) -> str:
    """Return *jid* if it can be a job's id.

    Raises:
        InvalidOption: If it is no text, or one that the store cannot hold.
    """
    if not isinstance(jid, str):
        raise InvalidOption(f"jid={jid!r}: must be a text, as enqueueing returned it")
    try:
        jid.encode()
    except UnicodeEncodeError as error:
        raise InvalidOption(f"jid={jid!r}: has half a surrogate pair, which no id has") from error
    return jid


@dataclass(frozen=True, slots=True)
class InQueue:
    """The job waits in the queue *name*."""

    name: str

    def __str__(self) -> str:
        """Return ``queue:NAME``."""
        return keys.queue(self.name)


@dataclass(frozen=True, slots=True)
class InSet:
    """The job is in the scheduled, retry or dead set, whose key is *key*."""

    key: str

    def __str__(self) -> str:
        """Return ``scheduled``, ``retry`` or ``dead``."""
        return _NAMES[self.key]


@dataclass(frozen=True, slots=True)
class InFlight:
    """The job is in the hands of the process *identity*, where nobody else may touch it."""

    identity: str

    def __str__(self) -> str:
        """Return ``running``."""
        return "running"


@dataclass(frozen=True, slots=True)
class InLane:
    """The job waits by the gate *gate*, in whose lane it is the element *entry*."""

    gate: str
    entry: bytes

    def __str__(self) -> str:
        """Return ``waiting for GATE``."""
        return f"waiting for {self.gate}"


Place: TypeAlias = InQueue | InSet | InFlight | InLane


def delete(place: Place, raw: bytes) -> Command[int] | None:
    """Return the call that drops a job for good; None if it cannot be dropped where it is."""
    match place:
        case InQueue(name):
            return queues.remove(name, raw)
        case InSet(key):
            return sets.remove(key, [raw])
        case InLane(gate, entry):
            return gates.take(gate, entry, "dropped")
        case InFlight():
            return None


def kill(place: Place, raw: bytes, *, now: float) -> Command[int] | None:
    """Return the call that moves a job to the dead set; None if it is there, or is running."""
    match place:
        case InQueue(name):
            return queues.move(name, keys.DEAD, raw, score=now)
        case InSet(key) if key != keys.DEAD:
            return sets.move(key, keys.DEAD, raw, raw, now)
        case InLane(gate, entry):
            return gates.take(gate, entry, "dead", target=keys.DEAD, score=now)
        case _:
            return None


def retry(place: Place, raw: bytes, *, now: float) -> Command[int] | None:
    """Return the call that puts a job into its queue; None if it waits or runs already.

    Raises:
        InvalidPayload: If it is no JSON object, so that nobody knows its queue.
    """
    if not isinstance(place, InSet):
        return None
    queue, new = again(raw, now=now)
    return sets.forward(place.key, queue, [(raw, new)])


def requeue(place: Place, raw: bytes, changes: Mapping[str, object], *, now: float) -> Command[int] | None:
    """Return the call that puts a job into its queue with other fields, in one step; None where `retry` has none.

    What hangs on the job, such as its batch and its unique lock, stays its own.

    Raises:
        InvalidPayload: If it is no JSON object.
        PayloadTooLarge: If it would be longer than a megabyte.
    """
    if not isinstance(place, InSet):
        return None
    new = payload.changed(raw, changes)
    queue, new = again(new, now=now)
    if len(new) > max(payload.LIMIT, len(raw)):
        raise PayloadTooLarge("edited", len(new), payload.LIMIT)
    return sets.forward(place.key, queue, [(raw, new)])


def again(raw: bytes, *, now: float) -> tuple[str, bytes]:
    """Return the queue of a job of a set, and the job as it is pushed there again.

    The try that follows is not one more: as Sidekiq does, `retry_count` steps back by one.

    Raises:
        InvalidPayload: If it is no JSON object.
    """
    fields = payload.fields(raw)
    changes: dict[str, object] = {"enqueued_at": now}
    count = fields.get("retry_count")
    if isinstance(count, int) and not isinstance(count, bool):
        changes["retry_count"] = count - 1
    queue = fields.get("queue")
    return queue if queue and isinstance(queue, str) else "default", payload.changed(raw, changes)


def reschedule(place: Place, raw: bytes, *, at: float) -> Command[int] | None:
    """Return the call that lets a job be due at another time; None if it is running.

    A retry stays a retry; what waits in a queue or is dead becomes scheduled.
    """
    match place:
        case InQueue(name):
            return queues.move(name, keys.SCHEDULE, raw, score=at)
        case InSet(key):
            return sets.move(key, keys.SCHEDULE if key == keys.DEAD else key, raw, raw, at)
        case InLane(gate, entry):
            return gates.take(gate, entry, "later", target=keys.SCHEDULE, score=at)
        case InFlight():
            return None
