"""A bulk operation in the hands of its runner: which jobs of each place are meant, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from mainspring.api import places
from mainspring.api.jobs import StoredJob
from mainspring.api.places import InLane, InQueue, InSet, Place
from mainspring.api.query import parse
from mainspring.api.words import sieve
from mainspring.base import codec, payload
from mainspring.base.errors import InvalidPayload
from mainspring.base.timesource import TimeSource
from mainspring.store import gates, keys, operations, queues, search
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.operations import Held, Manner, Part
from mainspring.store.search import Position

#: What can be done to jobs of each state.
ACTIONS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "retrying": ("retry", "delete", "kill", "reschedule"),
        "scheduled": ("enqueue", "delete", "kill", "reschedule"),
        "dead": ("retry", "delete", "reschedule"),
        "queued": ("delete", "kill"),
        "waiting": ("delete", "kill"),
    }
)
_SETS: Final = MappingProxyType({"retrying": keys.RETRY, "scheduled": keys.SCHEDULE, "dead": keys.DEAD})
#: How many jobs are read for one part, and how many are done in one step: the server answers nobody else meanwhile.
STEP: Final = 500
DONE_AT_ONCE: Final = 300
#: Multiples of it, less the whole, lie evenly between 0 and 1 however many there are (Weyl; Knuth 6.4).
_GOLDEN: Final = 0.6180339887498949

#: A job as it is stored, as it shall be stored, and its score or queue.
_Row: TypeAlias = tuple[bytes, bytes, str | float]


def changed_at(job: StoredJob) -> float | None:
    """Return when something last happened to a job: it was made, enqueued, failed, put off, recovered, or died.

    Returns:
        Unix seconds, by the clock of whoever noted it; None if it does not say.
    """
    names = ("created_at", "enqueued_at", "failed_at", "retried_at", "rescheduled_at")
    moments = [payload.unix(job.fields.get(name)) for name in names]
    recovered = job.fields.get("recovered")
    moments += [payload.unix(at) for at in (recovered if isinstance(recovered, list) else ())]
    if job.place == "dead":
        moments.append(job.at)
    return max((at for at in moments if at is not None), default=None)


class Run:
    """One operation, from the beginning to its end or until it is another runner's."""

    def __init__(self, store: Store, time: TimeSource, held: Held) -> None:
        """Begin with an operation that was claimed just now.

        Raises:
            InvalidFilter: If this release cannot read its filter.
        """
        self._store = store
        self._time = time
        self._held = held
        record = held.record
        self._query = parse(record["query"])
        self._names = _names(record.get("names", "{}"))
        self._action, self._state = record["action"], record["state"]
        self._cutoff = float(record["cutoff"])
        self._spread = float(record["spread"]) if record.get("spread") else None
        self._at = float(record["at"]) if record.get("at") else None
        self._offered = int(record.get("offered", 0))
        self._is_over = False
        self._parts = self._all()

    def goes_on(self, held: Held) -> bool:
        """Return whether this is the run of an operation that was claimed again, and take note of the time."""
        if (held.name, held.fence) != (self._held.name, self._held.fence):
            return False
        self._held = held
        return True

    def step(self) -> bool:
        """Do the next part; False if it was the last, or the operation is over or another runner's."""
        return next(self._parts, False)

    def _all(self) -> Iterator[bool]:
        if self._state in _SETS:
            yield from self._of_set(_SETS[self._state])
            return
        survey = self._store.run(search.survey())
        for name in sorted(survey.queues if self._state == "queued" else survey.gates):
            if self._state == "waiting":
                yield from self._of_lane(name)
            elif self._query.may_be_in(name):
                yield from self._of_queue(name)
            if self._is_over:
                return
        self._store.run(operations.note(Part(self._held, 0, is_last=True)))

    def _is_noted(self, answer: int) -> bool:
        """Return whether a part was done; if not, nothing more shall be."""
        self._is_over = answer < 0
        return not self._is_over

    # --- which -----------------------------------------------------------------------------

    def _meant(self, raw: bytes, place: Place, score: float | None = None) -> tuple[StoredJob, bool] | None:
        """Return a job if it is meant, and whether it can be done; None if it is not, or came too late."""
        job = StoredJob.read(self._store, self._time, raw, place, score)
        if not self._query.matches(job, self._cutoff, names=self._names):
            return None
        since = changed_at(job)
        if since is None:
            return job, False
        return (job, True) if since < self._cutoff else None

    def _of_set(self, key: str) -> Iterator[bool]:
        # The server shows each that is there all the while, in no order, and some twice; whatever comes and goes.
        position: Position | None = Position()
        where, words = InSet(key), sieve(self._query)
        while position:
            found = self._store.run(search.scan_set(key, position, STEP, words.groups, folds=words.folds))
            meant = [each for hit in found.hits if (each := self._meant(hit.raw, where, hit.score))]
            rows = [row for job, can in meant if can and (row := self._row(job))]
            looked, skipped, position = found.looked, len(meant) - len(rows), found.after
            for start in range(0, max(len(rows), 1), DONE_AT_ONCE):
                some = rows[start : start + DONE_AT_ONCE]
                is_last = not position and start + DONE_AT_ONCE >= len(rows)
                if not self._do(Part(self._held, looked, skipped, is_last=is_last), key, some):
                    return
                looked = skipped = 0
                if not is_last:
                    yield True

    def _do(self, part: Part, key: str, rows: Sequence[_Row]) -> bool:
        manner, target, what = self._manner(key)
        return self._is_noted(self._store.run(operations.do(part, key, target, manner, what, rows)))

    def _manner(self, key: str) -> tuple[Manner, str, str]:
        """Return how jobs are moved, where to, and what that is for what hangs on them."""
        again = "again" if key == keys.DEAD else ""
        if self._action == "delete":
            return "drop", key, "dropped"
        if self._action == "kill":
            return "move", keys.DEAD, "dead"
        if self._action == "reschedule" or self._spread is not None:
            return "move", keys.SCHEDULE if key == keys.DEAD else key, again or "later"
        return "push", key, again

    def _row(self, job: StoredJob) -> _Row | None:
        """Return how a job is moved; None if it cannot be."""
        now = self._held.now
        try:
            if self._action in {"delete", "kill"}:
                return job.raw, job.raw, now
            if self._at is not None:
                return job.raw, payload.changed(job.raw, {"rescheduled_at": now}), self._at
            queue, renewed = places.again(job.raw, now=now)
            if self._spread is None:
                return job.raw, renewed, queue
            self._offered += 1
            later = payload.changed(renewed, {"enqueued_at": job.fields.get("enqueued_at"), "rescheduled_at": now})
        except InvalidPayload:
            return None
        return job.raw, later, now + self._spread * (self._offered * _GOLDEN % 1.0)

    # --- queues and lanes ------------------------------------------------------------------

    def _of_queue(self, name: str) -> Iterator[bool]:
        # From the head: what is pushed or taken meanwhile moves no job forward that was not looked at.
        place, anchor, is_over = 0, b"", False
        where = InQueue(name)
        while not is_over:
            begin, found = self._window(name, place, anchor)
            is_over = len(found) < STEP
            meant = [(begin + n, each) for n, raw in enumerate(found) if (each := self._meant(raw, where))]
            rows = [(at, job.raw) for at, (job, can) in meant if can]
            died = None if self._action == "delete" else self._held.now
            part = Part(self._held, len(found), len(meant) - len(rows))
            if not self._is_noted(self._store.run(operations.take(part, name, rows, died=died))):
                return
            gone = {raw for _, raw in rows}
            left = [raw for raw in found if raw not in gone]
            place, anchor = begin + len(left), left[-1] if left else anchor
            yield True

    def _window(self, name: str, place: int, anchor: bytes) -> tuple[int, list[bytes]]:
        """Return the next jobs of a queue, fewer than `STEP` at its end, and the place of the first, from the head.

        Args:
            name: The queue's name.
            place: Where it was.
            anchor: The last job that was looked at and left; it stands before them, wherever it is now.
        """
        if not anchor:
            return place, self._store.run(queues.page(name, place, STEP))
        before, *found = self._store.run(queues.page(name, place - 1, STEP + 1)) or [b""]
        if before != anchor:
            at = self._store.run(operations.place_of(name, anchor))
            # If others have taken it, and some before it, a few are looked at again.
            place = max(place - STEP, 0) if at is None else at + 1
            found = self._store.run(queues.page(name, place, STEP))
        return place, found

    def _of_lane(self, gate: str) -> Iterator[bool]:
        skip, has_acted, looked = 0, False, STEP
        while looked == STEP or has_acted:
            if looked < STEP:
                # What was let in meanwhile has moved the others, so that one more look is taken.
                skip, has_acted = 0, False
            found = self._store.run(gates.page(gate, skip, STEP))
            meant = [each for one in found if (each := self._meant(one.payload, InLane(gate, one.entry)))]
            calls = [call for job, can in meant if can and (call := self._taken(job))]
            answers = self._store.pipeline(calls)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
            done, looked = sum(answers), len(found)
            skip, has_acted = skip + looked - done, has_acted or done > 0
            if not self._is_noted(
                self._store.run(operations.note(Part(self._held, looked, len(meant) - len(calls), done)))
            ):
                return
            yield True

    def _taken(self, job: StoredJob) -> Command[int] | None:
        if self._action == "delete":
            return places.delete(job.where, job.raw)
        return places.kill(job.where, job.raw, now=self._held.now)


def _names(text: str) -> Mapping[str, Sequence[str]]:
    found = codec.decode(text.encode())
    return found if isinstance(found, dict) else {}
