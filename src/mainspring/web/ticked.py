"""Jobs as a person saw them: found again by their ids, and acted on only if nothing has happened to them since.

A page shows each job with a mark, made of where it was and of its bytes. So of several people who do something to one
job, one does it, and the others hear that it is gone or has moved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from mainspring.api import terms
from mainspring.api.answers import state_of
from mainspring.api.attempts import Kept
from mainspring.api.jobs import StoredJob
from mainspring.api.query import Query, of_ids
from mainspring.api.search import Budget, Found
from mainspring.app import App
from mainspring.base.errors import InvalidFilter, InvalidOption
from mainspring.web.languages import say
from mainspring.web.view import Unable

#: The most that may be ticked at once.
MOST: Final = 100
#: A page is read again with some more jobs, since others may have come in between.
_AGAIN: Final = 300
#: What one job may cost to look for, first where it was seen.
NEAR: Final = Budget(items=1_000, ms=30.0)
FAR: Final = Budget(items=10_000, ms=400.0)

#: What became of an attempt to act on a job: it is not to be found; it is elsewhere or has changed; it cannot be done
#: to a job that is where this one is.
Outcome: TypeAlias = Literal["done", "gone", "moved", "unfit"]


@dataclass(frozen=True, slots=True)
class Tick:
    """A job that a person means.

    Attributes:
        mark: Which state of it the person saw.
        jid: Its id.
    """

    mark: str
    jid: str

    def __str__(self) -> str:
        """Return it as forms carry it."""
        return f"{self.mark} {self.jid}"


@dataclass(frozen=True, slots=True)
class Shown:
    """Which page of the list a person saw.

    Attributes:
        q: The filter.
        state: The state; empty for all.
        cursor: Where the page began.
    """

    q: str = ""
    state: str = ""
    cursor: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Shown:
        """Return what the fields ``q``, ``state`` and ``cursor`` of a form or query say."""
        state = form.get("state", "")
        return cls(form.get("q", ""), state if state in terms.STATES else "", form.get("cursor", ""))


@dataclass(frozen=True, slots=True)
class Verb:
    """Something that can be done to jobs.

    Attributes:
        name: Such as ``retry``.
        past: What was done, for people: ``retried``.
        states: In which states jobs must be for it.
        run: Does it; False if the job has moved meanwhile.
    """

    name: str
    past: str
    states: frozenset[str]
    run: Callable[[StoredJob], bool]


def mark(job: StoredJob) -> str:
    """Return what tells this state of a job from any other."""
    return hashlib.sha256(job.place.encode("utf-8", "replace") + b"\0" + job.raw).hexdigest()[:16]


def tick(job: StoredJob) -> Tick:
    """Return a job as a person sees it now."""
    return Tick(mark(job), job.jid)


def ticks(said: Sequence[str]) -> list[Tick]:
    """Return the jobs that a form names, each once.

    Raises:
        Unable: If it names none, or more than a hundred.
    """
    found = dict.fromkeys(Tick(*each.split(" ", 1)) for each in said if " " in each)
    if not found:
        raise Unable(say("Nothing was done: no job is ticked."))
    if len(found) > MOST:
        raise Unable(say("Nothing was done: tick at most {n} jobs, or take all that match the filter.", n=MOST))
    return list(found)


def look_for(app: App, jid: str, shown: Shown | None = None) -> Found:
    """Look for one job, first where it was *shown*; see `story`."""
    return story(app, jid, shown)[0]


def story(app: App, jid: str, shown: Shown | None = None) -> tuple[Found, Kept]:
    """Look for one job, and for what is kept of it.

    Args:
        app: Whose store it is in.
        jid: Its id.
        shown: The page on which it stood, if any.
    """
    if shown is not None and (shown.state or shown.cursor):
        try:
            near = app.look_for(jid, state=shown.state or None, cursor=shown.cursor, budget=NEAR)
        except (InvalidFilter, InvalidOption):
            # The link names no page.
            near = None
        if near is not None and near[0].jobs:
            return near
    return app.look_for(jid, budget=FAR)


def look_again(app: App, wanted: Sequence[Tick], shown: Shown) -> dict[Tick, StoredJob]:
    """Return those of some jobs that are to be found, in a few round trips: on their page, else anywhere near.

    One that has been found is not always as it was: compare `mark`.
    """
    found: dict[Tick, StoredJob] = {}
    page = _page(app, shown.q, shown.state, shown.cursor, _AGAIN, FAR)
    _assign(found, wanted, page.jobs if page is not None else ())
    missing = [each for each in wanted if each not in found]
    if missing:
        _assign(found, missing, app.search(of_ids([each.jid for each in missing]), count=MOST, budget=FAR).jobs)
    return found


def act(verb: Verb, wanted: Tick, job: StoredJob | None) -> Outcome:
    """Do something to a job, if it still is as the person saw it."""
    if job is None:
        return "gone"
    if mark(job) != wanted.mark:
        return "moved"
    if state_of(job) not in verb.states:
        return "unfit"
    return "done" if verb.run(job) else "moved"


def _assign(found: dict[Tick, StoredJob], wanted: Sequence[Tick], jobs: Sequence[StoredJob]) -> None:
    """Add to *found* which of *jobs* are meant; of several with one id that which is as it was."""
    by_jid: dict[str, list[StoredJob]] = {}
    for job in jobs:
        by_jid.setdefault(job.jid, []).append(job)
    for each in wanted:
        candidates = by_jid.get(each.jid, [])
        same = next((job for job in candidates if mark(job) == each.mark), None)
        if same is not None or candidates:
            found[each] = same or candidates[0]


def _page(app: App, query: str | Query, state: str, cursor: str, count: int, budget: Budget) -> Found | None:
    """Return a page; None if a form or a link names none."""
    try:
        return app.search(query, state=state or None, cursor=cursor, count=count, budget=budget)
    except (InvalidFilter, InvalidOption):
        return None
