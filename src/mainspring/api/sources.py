"""The places in which jobs lie, each read a part at a time, in an order that does not change while nobody acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote

from mainspring.api.jobs import StoredJob
from mainspring.api.places import InFlight, InLane, InQueue, InSet
from mainspring.api.query import Query
from mainspring.api.terms import STATES
from mainspring.api.words import Sieve
from mainspring.base import codec, payload
from mainspring.base.errors import InvalidOption, InvalidPayload
from mainspring.base.timesource import TimeSource
from mainspring.store import keys, search
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.search import Hit, Part, Position, Survey

_SETS: Final = MappingProxyType({"retrying": keys.RETRY, "scheduled": keys.SCHEDULE, "dead": keys.DEAD})


@dataclass(frozen=True, slots=True)
class Source:
    """One place.

    Attributes:
        state: Which state its jobs are in, one of `STATES`.
        name: The queue or gate; empty for what there is one of.
        size: How many jobs it had when they were counted.
    """

    state: str
    name: str
    size: int

    @property
    def order(self) -> tuple[int, str]:
        """Where it stands among all."""
        return STATES.index(self.state), self.name

    def read(self, position: Position, count: int, sieve: Sieve) -> Command[Part]:
        """Return the call that looks at up to *count* jobs from *position* on."""
        if self.state == "running":
            return search.running(position, count)
        if self.state == "queued":
            return search.grep_list(keys.queue(self.name), position, count, sieve.groups, folds=sieve.folds)
        if self.state == "waiting":
            return search.grep_list(keys.lane(self.name), position, count, sieve.groups, folds=sieve.folds)
        return search.grep_set(_SETS[self.state], position, count, sieve.groups, folds=sieve.folds)

    def job(self, store: Store, time: TimeSource, hit: Hit) -> StoredJob:
        """Return the job that was found."""
        if self.state == "running":
            raw = hit.raw if hit.queue else shown_raw(hit.raw)
            return StoredJob.read(store, time, raw, InFlight(hit.holder))
        if self.state == "queued":
            return StoredJob.read(store, time, hit.raw, InQueue(self.name))
        if self.state == "waiting":
            raw = hit.raw.split(b"\n", 3)[-1]
            return StoredJob.read(store, time, raw, InLane(self.name, hit.raw))
        return StoredJob.read(store, time, hit.raw, InSet(_SETS[self.state]), hit.score)


def shown_raw(work: bytes) -> bytes:
    """Return the job that a process shows, from what it has written of it."""
    job = _record(work).get("payload")
    # Sidekiq writes the job as a text within the text; others have written it as an object.
    return job.encode("utf-8", "surrogatepass") if isinstance(job, str) else codec.encode(job)


def shown(work: bytes) -> tuple[Mapping[str, object], float | None]:
    """Return the fields of the job that a process shows, and since when it runs, in unix seconds."""
    return _record(shown_raw(work)), payload.unix(_record(work).get("run_at"))


def _record(data: bytes) -> Mapping[str, object]:
    try:
        return payload.fields(data)
    except InvalidPayload:
        return {}


def sources(survey: Survey, states: Sequence[str], query: Query) -> list[Source]:
    """Return the places in which jobs that *query* means may lie, in their order; no queue that is not meant."""
    return sorted(_all(survey, states, query), key=lambda source: source.order)


def _all(survey: Survey, states: Sequence[str], query: Query) -> Iterator[Source]:
    sizes: Mapping[str, int] = {
        "running": survey.busy,
        "retrying": survey.retries,
        "scheduled": survey.scheduled,
        "dead": survey.dead,
    }
    for state in states:
        if state == "queued":
            yield from (Source(state, name, n) for name, n in survey.queues.items() if n and query.may_be_in(name))
        elif state == "waiting":
            yield from (Source(state, name, n) for name, n in survey.gates.items() if n)
        elif sizes[state] or state == "running":
            # What a process has taken since its last beat is not counted yet.
            yield Source(state, "", sizes[state])


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a list goes on.

    Attributes:
        state: In which state.
        name: In which queue or gate.
        position: Where there.
    """

    state: str
    name: str
    position: Position

    def __str__(self) -> str:
        """Return it as a text that may stand in a URL."""
        return "~".join(
            (self.state, quote(self.name, safe=""), quote(self.position.start, safe=""), str(self.position.skip))
        )

    @property
    def order(self) -> tuple[int, str]:
        """Where its place stands among all."""
        return STATES.index(self.state), self.name

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """Return what `str` has written; None for an empty text.

        Raises:
            InvalidOption: If it was not written here.
        """
        if text == "":
            return None
        parts = text.split("~") if isinstance(text, str) and len(text) < 2_000 else []
        if len(parts) != 4 or parts[0] not in STATES or not _is_count(parts[3]):
            raise InvalidOption(f"cursor={text!r:.100}: pass the cursor of the page before, or nothing")
        state, name, start, skip = parts
        position = Position(unquote(start), int(skip))
        if state in _SETS and not _is_score(position.start):
            raise InvalidOption(f"cursor={text!r:.100}: pass the cursor of the page before, or nothing")
        return cls(state, unquote(name), position)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


def _is_score(text: str) -> bool:
    try:
        return text == "" or not isnan(float(text))
    except ValueError:
        return False
