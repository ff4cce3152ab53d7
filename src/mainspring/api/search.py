"""One list of jobs over all states, filtered: a page at a time, within a budget, and honest about it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from mainspring.api.answers import Names
from mainspring.api.jobs import StoredJob
from mainspring.api.paging import MOST, PAGE
from mainspring.api.query import Query, as_query, parameters
from mainspring.api.sources import Cursor, Source, shown, sources
from mainspring.api.terms import STATES
from mainspring.api.words import sieve
from mainspring.base.errors import InvalidOption
from mainspring.base.timesource import TimeSource
from mainspring.job import Job
from mainspring.store import search
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.search import Part, Position, Survey

#: How many jobs one call of the server looks at: it answers nobody else meanwhile.
STEP: Final = 1_000
#: How many places are asked in one round trip.
_AT_ONCE: Final = 50

#: States whose jobs lie in one place, so that it can be asked before anybody has counted.
SINGLE: Final = frozenset({"running", "retrying", "scheduled", "dead"})

_NONE: Final[Mapping[str, Job[Any, Any]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a search may cost; it ends with the first call beyond it.

    Attributes:
        items: How many jobs it compares here; what the server passes over, as it lacks the words, does not count.
        ms: How long it takes, in milliseconds.
    """

    items: int = 10_000
    ms: float = 150.0


#: What a search for an id may cost where nobody says otherwise: the server passes over all others.
BY_ID: Final = Budget(ms=1_000.0)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found.

    Attributes:
        at: When that was, in unix seconds by the server's clock: the cut-off of an operation on what is seen.
        jobs: The jobs, what runs first, then what waits, what is retried and scheduled (due next first), and what is
            dead (newest first).
        cursor: What to go on with; empty at the end.
        searched: How many jobs were looked at by this call.
        total: How many there are in the states that were asked for.
        is_complete: False if the budget was spent before the page was full or all had been looked at.
        counts: How many jobs there are in each state, whatever the filter.
        started: Since when those that run do, in unix seconds by id, so far as their processes have said.
        beside: The answers to what else was asked.
    """

    at: float
    jobs: Sequence[StoredJob]
    cursor: str
    searched: int
    total: int
    is_complete: bool
    counts: Mapping[str, int]
    started: Mapping[str, float]
    beside: Sequence[Any] = ()


def counts(survey: Survey) -> dict[str, int]:
    """Return how many jobs are in each state."""
    sizes = (
        survey.busy,
        sum(survey.queues.values()),
        survey.waiting,
        survey.retries,
        survey.scheduled,
        survey.dead,
    )
    return dict(zip(STATES, sizes, strict=True))


class Search:
    """Looks for jobs in a store."""

    def __init__(self, store: Store, time: TimeSource, jobs: Mapping[str, Job[Any, Any]] = _NONE) -> None:
        """Prepare to look; nothing is asked yet.

        Args:
            store: The store.
            time: The clocks.
            jobs: The App's jobs by name, whose arguments may be asked for by the names of their parameters.
        """
        self._store = store
        self._time = time
        self._jobs = jobs

    def counts(self) -> dict[str, int]:
        """Return how many jobs are in each state, in one round trip."""
        return counts(self._store.run(search.survey(0)))

    def page(
        self,
        query: str | Query = "",
        *,
        state: str | None = None,
        cursor: str = "",
        count: int = PAGE,
        budget: Budget | None = None,
        beside: Sequence[Command[Any]] = (),
    ) -> Found:
        """Return a page of the jobs that *query* means; of a set in one round trip, of all states in two.

        The first of them asks what is wanted *beside* too.

        Raises:
            InvalidFilter: If *query* cannot be read.
            InvalidOption: If there is no such state, *cursor* was not given by a page, or *count* is not 1 to 1,000.
        """
        asked = as_query(query)
        where = Cursor.read(cursor)
        if not isinstance(count, int) or not 1 <= count <= MOST:
            raise InvalidOption(f"count={count!r}: a page has 1 to {MOST:,} jobs")
        states = _states(asked, state)
        survey = search.survey(search.GATES if "waiting" in states else 0)
        names = parameters(asked, self._jobs)
        return _Turn(self._store, self._time, names, asked, budget or (BY_ID if asked.jid else Budget()), count).run(
            survey, states, where, beside
        )


def _states(query: Query, state: str | None) -> list[str]:
    if state is not None and state not in STATES:
        raise InvalidOption(f"state={state!r}: must be one of {', '.join(STATES)}, or None for all")
    wanted = {each for each in STATES if state in {None, each}}
    asked = set(query.values("state"))
    return [each for each in STATES if each in wanted and (not asked or each in asked)]


def _certain(states: Sequence[str], where: Cursor | None) -> list[tuple[Source, Position]]:
    """Return the place that comes first, where that is known before anything is counted; its size is not."""
    if where is not None:
        return [(Source(where.state, where.name, 0), where.position)] if where.state in states else []
    return [(Source(states[0], "", 0), Position())] if states and states[0] in SINGLE else []


class _Turn:
    """One call of a search: what it has found so far, and what it may still cost."""

    def __init__(self, store: Store, time: TimeSource, names: Names, query: Query, budget: Budget, count: int) -> None:
        self._store = store
        self._time = time
        self._names = names
        self._query = query
        self._items = budget.items
        self._deadline = self._time.monotonic() + budget.ms / 1000
        self._count = count
        # Where all jobs are meant one more is read, to tell whether there are more.
        self._wanted = 1 if query.jid else count if query else count + 1
        self._hits: list[tuple[StoredJob, Cursor]] = []
        self._works: list[bytes] = []
        self._searched = 0

    def run(
        self, count: Command[Survey], states: Sequence[str], where: Cursor | None, beside: Sequence[Command[Any]]
    ) -> Found:
        """Look place by place, from *where* on, and return what was found."""
        first = list(self._next(_certain(states, where)))
        survey, *answers = self._told([count, *(call for _, _, call in first), *beside])
        parts, others = answers[: len(first)], answers[len(first) :]
        places = sources(survey, states, self._query)
        ahead = deque((place, Position()) for place in places if where is None or place.order >= where.order)
        if where and ahead and ahead[0][0].order == where.order:
            ahead[0] = (ahead[0][0], where.position)
        if first and ahead and ahead[0][0].order == first[0][0].order:
            self._enter(ahead, parts, survey.now)
        is_spent = False
        while ahead and not self._is_full and not is_spent:
            self._step(ahead, survey.now)
            is_spent = self._items <= 0 or self._time.monotonic() >= self._deadline
        kept = self._hits[: self._count]
        return Found(
            at=survey.now,
            jobs=[job for job, _ in kept],
            cursor=self._cursor(ahead),
            searched=min(self._searched, self._count) if not self._query else self._searched,
            total=sum(place.size for place in places),
            is_complete=self._is_full or not ahead,
            counts=counts(survey),
            started=started(self._works),
            beside=others,
        )

    @property
    def _is_full(self) -> bool:
        return len(self._hits) >= self._wanted

    def _cursor(self, ahead: Sequence[tuple[Source, Position]]) -> str:
        if self._is_full:
            return "" if self._query.jid else str(self._hits[self._count - 1][1])
        return str(Cursor(ahead[0][0].state, ahead[0][0].name, ahead[0][1])) if ahead else ""

    def _step(self, ahead: deque[tuple[Source, Position]], now: float) -> None:
        """Ask the next places in one round trip, and take what they answer, in their order."""
        self._enter(ahead, self._told([call for _, _, call in self._next(ahead)]), now)

    def _told(self, calls: Sequence[Command[Any]]) -> list[Any]:
        answers = self._store.pipeline(calls)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        return answers

    def _enter(self, ahead: deque[tuple[Source, Position]], parts: Sequence[Part], now: float) -> None:
        """Take *parts* of the places that are ahead, in their order."""
        for (source, _), part in zip(list(islice(ahead, len(parts))), parts, strict=True):
            self._take(source, part, now)
            if self._is_full:
                return
            ahead.popleft()
            if part.after is not None:
                # What was read of the places behind it comes too early.
                ahead.appendleft((source, part.after))
                return

    def _next(self, ahead: Iterable[tuple[Source, Position]]) -> Iterator[tuple[Source, Position, Command[Part]]]:
        room = STEP if self._query else self._wanted - len(self._hits)
        for source, position in islice(ahead, _AT_ONCE):
            if room <= 0:
                return
            yield source, position, source.read(position, room, sieve(self._query, in_queue=source.state == "queued"))
            room -= source.size

    def _take(self, source: Source, part: Part, now: float) -> None:
        looked = part.looked
        self._works += part.works
        if source.state == "running":
            self._works += [hit.raw for hit in part.hits if not hit.queue]
        for hit in part.hits:
            job = source.job(self._store, self._time, hit)
            self._items -= 1
            if self._query.matches(job, now, names=self._names):
                self._hits.append((job, Cursor(source.state, source.name, hit.after)))
                if self._is_full:
                    looked = hit.place + 1
                    break
        self._searched += looked


def started(works: Iterable[bytes]) -> dict[str, float]:
    """Return since when jobs run, in unix seconds by id, by what their processes show."""
    found = {}
    for work in works:
        job, at = shown(work)
        jid = job.get("jid")
        if isinstance(jid, str) and at is not None:
            found[jid] = at
    return found
