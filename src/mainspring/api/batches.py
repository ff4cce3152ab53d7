"""The batches and workflows that are remembered, to look at and to cancel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Literal, TypeAlias

from mainspring.api.filters import JobFilter
from mainspring.api.jobs import StoredJob
from mainspring.api.paging import MOST, PAGE, Page
from mainspring.api.sets import JobSet
from mainspring.base import codec, payload
from mainspring.base.errors import InvalidOption, StoreError
from mainspring.base.timesource import TimeSource
from mainspring.store import batches, callbacks, keys
from mainspring.store.batches import BatchStatus
from mainspring.store.callbacks import Calls
from mainspring.store.command import Command
from mainspring.store.connection import Store

#: The most digits that a cursor has: the server counts to 2^63.
_DIGITS: Final = 18

StepState: TypeAlias = Literal["waiting", "ready", "failed", "dead", "done"]

#: What the two bits of a job say. One that has not run yet waits for others, or is ready: queued or running.
_STATES: Final[tuple[StepState, ...]] = ("ready", "failed", "dead", "done")


@dataclass(frozen=True, slots=True)
class BatchStep:
    """A step of a workflow.

    Attributes:
        number: Its number, counted from 0.
        job: The name of its job.
        jid: The job's id.
        after: The numbers of the steps that it waits for.
        state: ``"waiting"`` for others, ``"ready"`` (queued or running), ``"failed"`` (and to be retried), ``"dead"``
            or ``"done"``.
    """

    number: int
    job: str
    jid: str
    after: tuple[int, ...]
    state: StepState


@dataclass(frozen=True, slots=True)
class BatchCallback:
    """A callback of a batch.

    Attributes:
        event: ``"complete"``, ``"success"`` or ``"death"``.
        job: The name of its job; empty once it was pushed.
        jid: The id that its job has, or will have.
        state: ``"waiting"`` for its event, ``"pushed"``, or ``"done"``: it has run to its end.
    """

    event: str
    job: str
    jid: str
    state: Literal["waiting", "pushed", "done"]


@dataclass(frozen=True, slots=True)
class BatchDetail:
    """All of a batch.

    Attributes:
        status: How far it is.
        steps: Its steps, of a workflow.
        callbacks: Its callbacks, by event; of each event ten at most.
        callback_count: How many callbacks it has in all.
        children: The batches in it, as far as they are remembered; a thousand at most.
    """

    status: BatchStatus
    steps: Sequence[BatchStep]
    callbacks: Sequence[BatchCallback]
    callback_count: int
    children: Sequence[BatchStatus]


class Batches:
    """All batches that are not over, the newest first; then those that were over lately."""

    def __init__(self, store: Store, time: TimeSource) -> None:
        """Look at the batches of *store*; nothing is asked yet."""
        self._store = store
        self._time = time

    def __len__(self) -> int:
        """Count them."""
        return self._store.run(batches.count())

    def __bool__(self) -> bool:
        """Be true though there may be none."""
        return True

    def __iter__(self) -> Iterator[BatchStatus]:
        """Iterate over them, in order; some may come and go meanwhile."""
        cursor, seen = "", set[str]()
        while True:
            found = self.page(cursor, MOST)
            yield from (status for status in found if status.bid not in seen)
            seen |= {status.bid for status in found}
            cursor = found.cursor
            if not cursor:
                return

    def page(self, cursor: str = "", count: int = PAGE, *, guess: Sequence[str] = ()) -> Page[BatchStatus]:
        """Return a page of them, in order, in two round trips; in one, if *guess* has the bids that are on it.

        Raises:
            InvalidOption: If *cursor* is not that of a page, or *count* not from 1 to 1,000.
        """
        if not isinstance(count, int) or not 1 <= count <= MOST:
            raise InvalidOption(f"count={count!r}: a page has 1 to {MOST} batches")
        if cursor and not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= _DIGITS):
            raise InvalidOption(f"cursor={cursor!r:.100}: pass the cursor of the page before, or nothing")
        start = int(cursor or 0)
        bids, *found = _told(self._store, [batches.page(start, count), *map(batches.read, guess)])
        if bids != list(guess):
            found = self._store.pipeline([batches.read(bid) for bid in bids])
        statuses = [status for status in found if isinstance(status, BatchStatus)]
        return Page(statuses, str(start + count) if len(bids) == count else "")

    def find(self, bid: str) -> BatchStatus | None:
        """Return how far the batch *bid* is, in one round trip; None if there is none, or none any more."""
        return self._store.run(batches.read(bid))

    def children(self, bid: str) -> list[BatchStatus]:
        """Return the batches that are in the batch *bid*, in the order of their numbers; less those forgotten."""
        known = self._store.run(batches.children(bid))
        found = self._store.pipeline([batches.read(known[number]) for number in sorted(known)])
        return [status for status in found if isinstance(status, BatchStatus)]

    def steps(self, bid: str) -> list[BatchStep]:
        """Return the steps of the workflow *bid* and where each stands, in one round trip; none of a plain batch."""
        return _graph(*_told(self._store, [batches.graph(bid), batches.states(bid)]))

    def look(self, bid: str, *, guess: Sequence[str] = ()) -> BatchDetail | None:
        """Return all of the batch *bid*, in one round trip if *guess* has the bids of its children, else in two.

        Returns:
            None if there is none, or none any more.
        """
        asked: list[Command[Any]] = [
            batches.read(bid),
            batches.graph(bid),
            batches.states(bid),
            callbacks.calls(bid),
            batches.children(bid),
        ]
        status, graph, states, calls, known, *found = _told(self._store, [*asked, *map(batches.read, guess)])
        children = [known[number] for number in sorted(known)][:MOST]
        if children != list(guess):
            found = _told(self._store, [batches.read(child) for child in children])
        if status is None:
            return None
        called = [callback for each in calls for callback in _callbacks(bid, each)]
        there = [child for child in found if isinstance(child, BatchStatus)]
        return BatchDetail(status, _graph(graph, states), called, sum(each.count for each in calls), there)

    def failures(self, bid: str) -> Iterator[StoredJob]:
        """Iterate over the jobs of the batch *bid* that have failed and wait for a retry, and over its dead ones.

        All failed and dead jobs are looked through.
        """
        of_batch = JobFilter(text=f'"bid":"{bid}"')
        sets = (JobSet(self._store, self._time, key) for key in (keys.RETRY, keys.DEAD))
        return chain.from_iterable(each.select(of_batch) for each in sets)

    def cancel(self, bid: str) -> int:
        """Let no job of the batch *bid*, or of those in it, start any more; as `Batch.cancel`.

        Returns:
            How many batches this call cancelled.

        Raises:
            BatchNotFound: If there is none.
        """
        return self._store.run(batches.cancel(bid))


def _told(store: Store, commands: Sequence[Command[Any]]) -> list[Any]:
    answers = store.pipeline(commands)
    for answer in answers:
        if isinstance(answer, StoreError):
            raise answer
    return answers


def _callbacks(bid: str, calls: Calls) -> Iterator[BatchCallback]:
    for place in range(min(calls.count, callbacks.CALLS)):
        state: Literal["waiting", "pushed", "done"] = (
            "done" if place in calls.ended else "pushed" if calls.is_fired else "waiting"
        )
        job = payload.fields(calls.ready[place]).get("class") if place in calls.ready else ""
        yield BatchCallback(calls.event, str(job), callbacks.callback_jid(bid, calls.event, place), state)


def _graph(graph: bytes, states: bytes) -> list[BatchStep]:
    found = codec.decode(graph) if graph else []
    return list(_steps(found, states)) if isinstance(found, list) else []


def _steps(graph: list[object], states: bytes) -> Iterator[BatchStep]:
    for number, facts in enumerate(graph):
        if isinstance(facts, Mapping):
            after = tuple(int(other) for other in facts.get("after", ()))
            state: StepState = _STATES[_bits(states, number)]
            if state == "ready" and any(_bits(states, other) != _STATES.index("done") for other in after):
                state = "waiting"
            yield BatchStep(number, str(facts.get("job")), str(facts.get("jid")), after, state)


def _bits(states: bytes, number: int) -> int:
    place, shift = number // 4, 6 - 2 * (number % 4)
    return states[place] >> shift & 3 if place < len(states) else 0
