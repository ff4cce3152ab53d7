"""Queues, as people look at them and steer them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.api import paging, places
from mainspring.api.filters import EVERY, JobFilter
from mainspring.api.jobs import StoredJob
from mainspring.api.paging import PAGE, Page
from mainspring.api.places import InQueue
from mainspring.base.errors import InvalidName, InvalidOption
from mainspring.base.payload import check_queue
from mainspring.base.timesource import TimeSource
from mainspring.store import gates, queues, sets, targets
from mainspring.store.command import Command
from mainspring.store.connection import Store

#: How many jobs of a queue `Queue.find` looks at where nobody says otherwise.
BUDGET = 100_000
# How far from the tail a job is looked for that has moved: the server answers nobody else meanwhile.
_FARTHEST = 10_000


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue at one moment.

    Attributes:
        name: Its name.
        size: How many jobs wait in it.
        latency: Seconds for which the job that runs next has waited; 0 if none waits.
        is_paused: True if no job of it is started.
        in_lanes: How many jobs of it wait by gates, and are not in it yet.
    """

    name: str
    size: int
    latency: float
    is_paused: bool
    in_lanes: int = 0


class Queue:
    """One queue. It need not exist: a queue that nobody has pushed to is empty."""

    def __init__(self, store: Store, time: TimeSource, name: str, *, is_there: bool = False) -> None:
        """Look at the queue *name*; nothing is asked yet.

        Args:
            store: The store it is in.
            time: The machine's clocks.
            name: Its name.
            is_there: True for a name that was found in the store, where strangers call queues what they like.

        Raises:
            InvalidName: If *name* cannot name a queue.
        """
        self.name = name if is_there else check_queue(name)
        self._store = store
        self._time = time

    def __repr__(self) -> str:
        """Show the name."""
        return f"<Queue {self.name}>"

    def __len__(self) -> int:
        """Count the jobs that wait."""
        return self.size

    def __bool__(self) -> bool:
        """Be true though it may be empty."""
        return True

    @property
    def size(self) -> int:
        """How many jobs wait."""
        return self._store.run(queues.size(self.name))

    @property
    def latency(self) -> float:
        """Seconds for which the job that runs next has waited; 0 if none waits."""
        return self._age(self._store.run(queues.oldest(self.name)))

    @property
    def is_paused(self) -> bool:
        """True if no job of it is started, anywhere."""
        return self.name in self._store.run(queues.paused())

    @property
    def concurrency(self) -> int | None:
        """How many of its jobs run at once, in the whole cluster; None for as many as there are slots.

        Set, it holds within seconds, for all workers, and until it is set anew; None takes the limit away.
        What is over it waits in a lane; what runs already goes on.
        """
        (found,) = self._store.run(gates.allowed([gates.of_queue(self.name)]))
        return int(found) if found else None

    @concurrency.setter
    def concurrency(self, most: int | None) -> None:
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise InvalidOption(f"concurrency={most!r}: must be a whole number from 1, or None for no limit")
        self._store.run(gates.define({gates.of_queue(self.name): "" if most is None else str(most)}))

    @property
    def target(self) -> float | None:
        """For how many seconds its jobs may wait before somebody should look; None if nobody has said."""
        return self._store.run(targets.read()).get(self.name)

    @target.setter
    def target(self, seconds: float | None) -> None:
        if seconds is None:
            self._store.run(targets.forget(self.name))
        elif isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
            raise InvalidOption(f"target={seconds!r}: must be seconds, more than 0, or None")
        else:
            self._store.run(targets.define(self.name, seconds))

    def lanes(self) -> dict[str, int]:
        """Return by which gates jobs of this queue wait, and how many by each; see `App.gates`."""
        return self._store.run(gates.lanes(self.name))

    def state(self) -> QueueState:
        """Return size, latency and pause in one round trip."""
        return states(self._store, self._time, [self.name])[0]

    def pause(self) -> None:
        """Start no more of its jobs, anywhere; what runs goes on, and what is pushed waits."""
        self._store.run(queues.pause(self.name))

    def resume(self) -> None:
        """Let its jobs start again."""
        self._store.run(queues.resume(self.name))

    def clear(self) -> int:
        """Drop all that waits, by gates as well, and return how much that was.

        The queue is empty at once. What hangs on its jobs, such as unique locks, is let go in parts that hold up
        nobody; were this process to die meanwhile, a worker would go on with that within a minute or two.
        """
        in_lanes = drop_waiting(self._store, self.name)
        return in_lanes + emptied(self._store, queues.clear(self.name), queues.sweep(self.name))

    def jobs(self, cursor: str = "", count: int = PAGE) -> Page[StoredJob]:
        """Return a page of the jobs that wait, what runs next coming first.

        Jobs that are taken meanwhile move the others up, so that the next page may begin late.
        """
        return paging.page(self._read, cursor, count)

    def __iter__(self) -> Iterator[StoredJob]:
        """Iterate over the jobs, what runs next coming first; they may be deleted meanwhile."""
        return paging.walk(self._read, self._standing)

    def find(self, jid: str, *, budget: int = BUDGET) -> StoredJob | None:
        """Return the job *jid*; None if it is not among the first *budget* jobs."""
        places.check_jid(jid)
        for skip in range(0, budget, paging.MOST):
            part = self._store.run(queues.page_from_tail(self.name, skip, paging.MOST))
            found = next((job for job in map(self._stored, likely(part, jid)) if job.jid == jid), None)
            if found or len(part) < paging.MOST:
                return found
        return None

    def delete_all(self, which: JobFilter = EVERY) -> int:
        """Drop the waiting jobs that *which* means for good, and return how many those were.

        Jobs that are pushed meanwhile may be left out.
        """
        return self._each(which, died=None)

    def kill_all(self, which: JobFilter = EVERY) -> int:
        """Move the waiting jobs that *which* means to the dead set; as `delete_all`."""
        now = self._time.now()
        killed = self._each(which, died=now)
        if killed:
            self._store.pipeline(sets.trim_dead(now - queues.DEAD_SECONDS, queues.DEAD_MOST))
        return killed

    def _each(self, which: JobFilter, *, died: float | None) -> int:
        done = looked = skip = 0
        size = self.size
        while looked < size and (part := self._read(skip, paging.MOST)):
            meant = [(skip + place, job.raw) for place, job in enumerate(part, 1) if which.matches(job)]
            taken = self._take_out(meant, died)
            done, looked = done + taken, looked + len(part)
            drop = {raw for _, raw in meant}
            skip = self._behind([job.raw for job in part if job.raw not in drop], skip, skip + len(part) - taken)
        return done

    def _behind(self, left: Sequence[bytes], skip: int, expected: int) -> int:
        """Return how many jobs now come before the first that was not looked at yet.

        Args:
            left: Those that were looked at last and should still be there.
            skip: How many came before them.
            expected: The answer if nobody else has touched the queue.
        """
        if not left:
            return skip
        if [job.raw for job in self._read(expected - 1, 1)] == left[-1:]:
            return expected
        # If these are gone, workers took them and all before them: -1, so that the queue's beginning is next.
        return self._store.run(queues.position(self.name, left[:-4:-1], skip + paging.MOST)) + 1

    def _take_out(self, meant: Sequence[tuple[int, bytes]], died: float | None) -> int:
        if not meant:
            return 0
        done = self._store.run(queues.drop(self.name, meant, died=died))
        if done == len(meant):
            return done
        # Others have taken jobs meanwhile, so that these have moved: they are looked for one by one.
        where = InQueue(self.name)
        calls = [places.delete(where, raw) if died is None else places.kill(where, raw, now=died) for _, raw in meant]
        return done + send(self._store, [call for call in calls if call is not None])

    def _read(self, skip: int, count: int) -> Sequence[StoredJob]:
        return [self._stored(raw) for raw in self._store.run(queues.page_from_tail(self.name, skip, count))]

    def _standing(self, payloads: Sequence[bytes], most: int) -> int | None:
        # What others take or drop moves a job forward, and only a job that is given back moves it the other way.
        place = self._store.run(queues.position(self.name, payloads, min(most + PAGE, _FARTHEST)))
        return None if place < 0 else place

    def _stored(self, raw: bytes) -> StoredJob:
        return StoredJob.read(self._store, self._time, raw, InQueue(self.name))

    def _age(self, raw: bytes | None) -> float:
        return 0.0 if raw is None else age(self._stored(raw), self._time.now())


def send(store: Store, commands: Sequence[Command[int]]) -> int:
    """Make calls in one round trip, and return the sum of what they did.

    Raises:
        StoreError: If one of them was refused; the others are made.
    """
    answers = store.pipeline(commands)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return sum(answers)


def drop_waiting(store: Store, queue: str) -> int:
    """Drop the jobs of *queue* that wait by gates, and return how many those were."""
    dropped = 0
    for gate in store.run(gates.lanes(queue)):
        skip, looked = 0, gates.MOST
        while looked == gates.MOST:
            gone, looked = store.run(gates.clear(gate, queue, skip))
            dropped, skip = dropped + gone, skip + looked - gone
    return dropped


def emptied(store: Store, clear: Command[int], sweep: Command[int]) -> int:
    """Clear a place, drop all that was put aside by it, and return how much that was."""
    while (count := store.run(clear)) < 0:
        _drain(store, sweep)
    _drain(store, sweep)
    return count


def _drain(store: Store, sweep: Command[int]) -> None:
    while store.run(sweep):
        pass


def likely(payloads: Sequence[bytes], jid: str) -> Sequence[bytes]:
    """Return those of *payloads* that may be the job *jid*; reading them all would take ten times longer."""
    needle = jid.encode()
    return payloads if jid.startswith("raw-") else [raw for raw in payloads if needle in raw]


def age(job: StoredJob, now: float) -> float:
    """Return for how many seconds *job* has waited; 0 if it does not say."""
    since = job.enqueued_at or job.created_at
    return 0.0 if since is None else max(0.0, now - since)


def states(store: Store, time: TimeSource, names: Sequence[str]) -> list[QueueState]:
    """Return how the queues *names* are, in one round trip."""
    return states_in(store, time, names, store.pipeline(questions(names)))


def questions(names: Sequence[str]) -> list[Command[Any]]:
    """Return the calls that ask how the queues *names* are; `states_in` reads their answers."""
    each = (queues.size, queues.oldest, gates.lanes)
    return [queues.paused(), *(ask(name) for name in names for ask in each)]


def states_in(store: Store, time: TimeSource, names: Sequence[str], answers: Sequence[Any]) -> list[QueueState]:
    """Return how the queues *names* are, by what `questions` were answered.

    Raises:
        StoreError: If one was answered with an error.
    """
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    paused, now = set(answers[0]), time.now()
    return [
        QueueState(
            name, size, 0.0 if raw is None else _waited(store, time, raw, now), name in paused, sum(lanes.values())
        )
        for name, size, raw, lanes in zip(names, answers[1::3], answers[2::3], answers[3::3], strict=True)
    ]


def _waited(store: Store, time: TimeSource, raw: bytes, now: float) -> float:
    return age(StoredJob.read(store, time, raw, InQueue("")), now)


class Queues:
    """All queues that jobs were ever pushed to."""

    def __init__(self, store: Store, time: TimeSource) -> None:
        """Look at the queues of *store*; nothing is asked yet."""
        self._store = store
        self._time = time

    def __iter__(self) -> Iterator[Queue]:
        """Iterate over the queues, by name."""
        return (Queue(self._store, self._time, name, is_there=True) for name in self._names())

    def __len__(self) -> int:
        """Count the queues."""
        return len(self._names())

    def __bool__(self) -> bool:
        """Be true though there may be none."""
        return True

    def __contains__(self, name: object) -> bool:
        """Return whether jobs were ever pushed to the queue *name*."""
        return name in self._names()

    def __getitem__(self, name: str) -> Queue:
        """Return the queue *name*, whether or not it exists.

        Raises:
            InvalidName: If *name* cannot name a queue, and no stranger has made one of it.
        """
        try:
            return Queue(self._store, self._time, name)
        except InvalidName:
            if name not in self:
                raise
            return Queue(self._store, self._time, name, is_there=True)

    def states(self) -> list[QueueState]:
        """Return how all queues are, by name, in two round trips."""
        return states(self._store, self._time, self._names())

    def targets(self) -> dict[str, float]:
        """Return for how many seconds the jobs of a queue may wait, of all queues for which somebody has said so."""
        return self._store.run(targets.read())

    def _names(self) -> list[str]:
        return self._store.run(queues.names())
