"""Verbs of batches: make, fill, seal, cancel, look.

What is written at once is a list of sentences, and one script carries out all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from mainspring.base.errors import BatchClosed, BatchNotFound
from mainspring.store import keys
from mainspring.store.command import Argument, Command, Reply, array, integer, maybe_blob, plain, texts
from mainspring.store.flows import Row
from mainspring.store.queues import REMEMBERED_MS

#: The most jobs that one call may write: a script blocks all other callers.
MOST: Final = 2000

#: The numbers of callbacks begin here, far above those of jobs.
CALLBACKS: Final = 2**40

#: The events of which a batch tells, in the order of their callbacks' numbers, 1,000 for each.
EVENTS: Final = ("complete", "success", "death")


def callback_number(event: str, place: int) -> int:
    """Return the number, in its batch, of the callback at *place*, below 1,000, of those of *event*."""
    return CALLBACKS + 1000 * EVENTS.index(event) + place


@dataclass(frozen=True, slots=True)
class Open:
    """Make a batch, which is not sealed yet.

    Attributes:
        bid: Its id.
        numbers: How many numbers are given to jobs already; the first is 0.
        life: Seconds for which it is remembered while nothing comes to it but successes.
        linger: Seconds for which it is remembered after its end.
        parent: The batch that it is in; empty if in none.
        number: Its number there.
        fields: Further fields: for people, and the callbacks.
    """

    bid: str
    numbers: int
    life: float
    linger: float
    parent: str = ""
    number: int = 0
    fields: Mapping[str, Argument] = field(default_factory=dict)

    def words(self) -> list[Argument]:
        """Return the sentence."""
        life_ms, linger_ms = max(1, round(self.life * 1000)), max(1, round(self.linger * 1000))
        pairs = [item for pair in self.fields.items() for item in pair]
        head: list[Argument] = ["open", self.bid, self.parent, self.number, self.numbers, life_ms, linger_ms]
        return [*head, len(self.fields), *pairs]


@dataclass(frozen=True, slots=True)
class Jobs:
    """Add jobs of one queue, on which nothing hangs but the batch."""

    bid: str
    queue: str
    payloads: Sequence[bytes]

    def words(self, place: int) -> list[Argument]:
        """Return the sentence; the queue stands at *place* of those of the call."""
        return ["jobs", self.bid, place, len(self.payloads), *self.payloads]


@dataclass(frozen=True, slots=True)
class Job:
    """Add one job that is for later, or on which more hangs."""

    bid: str
    queue: str
    row: Row

    def words(self, place: int) -> list[Argument]:
        """Return the sentence; the queue stands at *place* of those of the call."""
        row, ties = self.row, self.row.ties
        at = "" if row.at is None else row.at
        return ["job", self.bid, place, ties.number, ties.jid, at, ties.lock, row.lock_ms, ties.gates, row.payload]


@dataclass(frozen=True, slots=True)
class Step:
    """Add one job that waits until others of the batch have succeeded.

    Attributes:
        bid: The batch.
        queue: Where it is pushed then.
        number: Its number.
        waits: For how many it waits.
        payload: The job, encoded, without the time of its enqueueing.
    """

    bid: str
    queue: str
    number: int
    waits: int
    payload: bytes

    def words(self, place: int) -> list[Argument]:
        """Return the sentence; the queue stands at *place* of those of the call."""
        return ["step", self.bid, place, self.number, self.waits, self.payload]


@dataclass(frozen=True, slots=True)
class After:
    """Say which jobs wait for the one with a number."""

    bid: str
    number: int
    numbers: Sequence[int]

    def words(self) -> list[Argument]:
        """Return the sentence."""
        return ["after", self.bid, self.number, ",".join(map(str, self.numbers))]


@dataclass(frozen=True, slots=True)
class Seal:
    """Say that all of a batch is there, so that its callbacks may be judged."""

    bid: str

    def words(self) -> list[Argument]:
        """Return the sentence."""
        return ["seal", self.bid]


Sentence: TypeAlias = Open | Jobs | Job | Step | After | Seal


def write(sentences: Sequence[Sentence], *, token: str) -> Command[bool]:
    """Carry out *sentences*, which add at most 2,000 jobs, all of them or none.

    Args:
        sentences: What to do, in order; the first names the batch that remembers the token.
        token: Names this call, so that it can be sent again if its answer was lost.

    Returns:
        False if it had been done before. Running the command raises `BatchNotFound` or `BatchClosed`, if jobs
        are added to a batch that takes none, and then nothing was written.
    """
    bid = sentences[0].bid
    places: dict[str, int] = {}
    words: list[Argument] = []
    for sentence in sentences:
        if isinstance(sentence, Jobs | Job | Step):
            words += sentence.words(places.setdefault(sentence.queue, len(places)))
        else:
            words += sentence.words()
    queues = [key for name in places for key in (keys.queue(name), keys.slot(name))]
    return Command(
        "batch_write",
        (keys.batch_pushed(bid, token), keys.QUEUES, keys.SCHEDULE, keys.BELL, keys.ROOT, *queues),
        (REMEMBERED_MS, len(places), *places, *words),
        lambda reply: bool(_accepted(bid, integer(reply))),
    )


def number(bid: str, count: int) -> Command[int]:
    """Give *count* numbers of a batch to jobs that will be added, and return the first.

    Running the command raises `BatchNotFound` or `BatchClosed`.
    """
    return Command(
        "batch_number",
        (keys.batch(bid), keys.batch_jobs(bid)),
        (count,),
        lambda reply: _accepted(bid, integer(reply)),
    )


_CLOSED: Final = {-2: "succeeded", -3: "cancelled"}


def _accepted(bid: str, answer: int) -> int:
    if answer == -1:
        raise BatchNotFound(bid)
    if answer < 0:
        raise BatchClosed(bid, _CLOSED[answer])
    return answer


def cancel(bid: str) -> Command[int]:
    """Let no job of a batch, and of those in it, start any more; what runs goes on.

    Returns:
        How many batches this call cancelled. Running the command raises `BatchNotFound`.
    """
    return Command(
        "batch_cancel",
        (keys.ROOT, keys.BATCHES_CANCELLED),
        (bid,),
        lambda reply: _accepted(bid, integer(reply)),
    )


def cancelled() -> Command[list[str]]:
    """Read the bids of which no job shall start."""
    return plain("ZRANGE", keys.BATCHES_CANCELLED, args=(0, -1), decode=texts)


# --- for people ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How far a batch is.

    Attributes:
        bid: Its id.
        description: What it is, for people.
        tags: Words for people.
        parent: The id of the batch that it is in; empty if in none.
        created_at: When it was made, in unix seconds.
        total: How many jobs it has so far; a batch in it counts as one.
        pending: How many of them have not succeeded yet.
        failures: How many of the pending have failed, and will be tried again or are dead.
        dead: How many of those are dead.
        dropped: How many that count as succeeded were dropped: discarded, expired, deleted or cancelled.
        is_sealed: False while its block is open.
        completed_at: When all had run at least once, in unix seconds; None before.
        succeeded_at: When all had succeeded; None before.
        died_at: When the first job of it died; None if none did.
        cancelled_at: When it was cancelled; None if it was not.
        steps: How many steps it began with, of a workflow; 0 for a plain batch.
    """

    bid: str
    description: str
    tags: tuple[str, ...]
    parent: str
    created_at: float
    total: int
    pending: int
    failures: int
    dead: int
    dropped: int
    is_sealed: bool
    completed_at: float | None
    succeeded_at: float | None
    died_at: float | None
    cancelled_at: float | None
    steps: int = 0

    @property
    def succeeded(self) -> int:
        """How many jobs need nothing more."""
        return self.total - self.pending

    @property
    def is_complete(self) -> bool:
        """True once all jobs have run at least once: they succeeded, wait for a retry, or are dead."""
        return self.completed_at is not None

    @property
    def is_success(self) -> bool:
        """True once all jobs have succeeded."""
        return self.succeeded_at is not None

    @property
    def is_cancelled(self) -> bool:
        """True if no job of it starts any more."""
        return self.cancelled_at is not None

    @property
    def is_over(self) -> bool:
        """True once nothing more will come: it has succeeded, or was cancelled and nothing of it is left."""
        return self.is_success or (self.is_cancelled and self.is_complete and self.pending == 0)


_FIELDS: Final = (
    *("description", "tags", "parent", "created_at", "total", "ok", "failed", "dead", "dropped", "sealed"),
    *("complete_at", "success_at", "death_at", "cancelled_at", "steps"),
)


def read(bid: str) -> Command[BatchStatus | None]:
    """Read how far a batch is; None if there is none, or none any more."""

    def decode(reply: Reply) -> BatchStatus | None:
        found = dict(zip(_FIELDS, [_text(item) for item in array(reply)], strict=True))
        return _status(bid, found) if found["total"] else None

    return plain("HMGET", keys.batch(bid), args=_FIELDS, decode=decode)


def _text(item: Reply) -> str:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else ""


def _status(bid: str, found: Mapping[str, str]) -> BatchStatus:
    total, ok, failed, dead, dropped = (int(found[name] or 0) for name in ("total", "ok", "failed", "dead", "dropped"))
    return BatchStatus(
        bid,
        found["description"],
        tuple(filter(None, found["tags"].split("\n"))),
        found["parent"],
        _seconds(found["created_at"]) or 0.0,
        total,
        total - ok,
        failed,
        dead,
        dropped,
        found["sealed"] == "1",
        _seconds(found["complete_at"]),
        _seconds(found["success_at"]),
        _seconds(found["death_at"]),
        _seconds(found["cancelled_at"]),
        int(found["steps"] or 0),
    )


def _seconds(milliseconds: str) -> float | None:
    return int(milliseconds) / 1000 if milliseconds else None


def page(start: int, count: int) -> Command[list[str]]:
    """Read *count* bids, beginning with the batch at *start*: those that are not over first, newest first."""
    return plain("ZRANGE", keys.BATCHES, args=(start, start + count - 1, "REV"), decode=texts)


def count() -> Command[int]:
    """Count the batches that are remembered; some that have been forgotten just now may be among them."""
    return plain("ZCARD", keys.BATCHES, decode=integer)


def children(bid: str) -> Command[dict[int, str]]:
    """Read the batches in a batch: number -> bid."""

    def decode(reply: Reply) -> dict[int, str]:
        flat = texts(reply)
        return {int(place): child for place, child in zip(flat[::2], flat[1::2], strict=True)}

    return plain("HGETALL", keys.batch_children(bid), decode=decode)


def graph(bid: str) -> Command[bytes]:
    """Read the steps of a workflow, as JSON; empty for a plain batch."""
    return plain("HGET", keys.batch(bid), args=("graph",), decode=lambda reply: maybe_blob(reply) or b"")


def states(bid: str) -> Command[bytes]:
    """Read two bits for each job of a batch, the first in the highest bits of the first byte."""
    return plain("GET", keys.batch_jobs(bid), decode=lambda reply: maybe_blob(reply) or b"")
