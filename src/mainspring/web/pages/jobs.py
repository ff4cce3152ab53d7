"""All jobs in one list: filtered, counted by state, ticked and acted on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mainspring.api import terms
from mainspring.api.answers import state_of
from mainspring.api.jobs import StoredJob
from mainspring.api.query import Query
from mainspring.api.slices import ACTIONS as FITS
from mainspring.base.errors import InvalidFilter
from mainspring.web import calls, ticked
from mainspring.web.asking import asked
from mainspring.web.languages import told
from mainspring.web.redaction import Redactor
from mainspring.web.rendering import segment
from mainspring.web.ticked import Tick
from mainspring.web.view import Ask, Context, Moved, Page

#: Rows of a page.
ROWS: Final = 100
#: Seconds after which what is due and not taken counts as overdue.
OVERDUE: Final = 60.0
#: What a link may ask for beside the filter, and which terms that becomes.
_FACETS: Final = ("queue", "class", "tag")
#: Where in the menu a list of one state belongs.
_AREAS: Final = {"scheduled": "/scheduled", "dead": "/morgue"}


@dataclass(frozen=True, slots=True)
class Row:
    """A job in the list.

    Attributes:
        job: The job.
        state: Where it is.
        tick: What names it, as it was when it was read.
        call: Its arguments, in one line.
        started_at: Since when it runs, in unix seconds; None if it does not, or its process has not said.
        overdue: For how many seconds it has been due, if that is long; 0 if not.
    """

    job: StoredJob
    state: str
    tick: Tick
    call: str
    started_at: float | None
    overdue: float


@dataclass(frozen=True, slots=True)
class Chip:
    """One term of the filter.

    Attributes:
        key: What it asks for; empty for a bare word.
        text: It, as it is written.
        without: The filter without it.
    """

    key: str
    text: str
    without: str


def listed(ask: Ask) -> Context:
    """Read a page of the jobs that a filter means."""
    said, state = ask.text("q"), ask.choice("state", ("", *terms.STATES))
    try:
        query = asked(said, Redactor(ask.settings.redact))
        _gather(ask, query, state)
        found = ask.app.search(query, state=state or None, cursor=ask.text("cursor"), count=ROWS)
    except InvalidFilter as error:
        return _context(ask, said, state) | {"counts": ask.app.counts(), "error": told(error)}
    return _context(ask, str(query), state) | {
        "rows": rows(ask, found.jobs, found.started),
        "chips": [Chip(term.key, str(term), str(query.without(term))) for term in query.terms],
        "found": found,
        "counts": found.counts,
        "searched": ask.whole("searched", 0, 0, 10**9) + found.searched,
    }


def _gather(ask: Ask, query: Query, state: str) -> None:
    """Lead to where the filter says all that is asked for, so that one page has one address."""
    if len(query.terms) == 1 and query.jid is not None and query.terms[0].key == "word":
        raise Moved(f"/jobs/{segment(query.jid)}")
    asked = [terms.make(key, ask.text(key), is_quoted="*" not in ask.text(key)) for key in _FACETS if ask.text(key)]
    if asked:
        raise Moved("/jobs", q=str(Query((*query.terms, *asked))), state=state)


def _context(ask: Ask, q: str, state: str) -> dict[str, object]:
    return {
        "page": replace(PAGE, area=_AREAS.get(state, "/jobs")),
        "q": q,
        "state": state,
        "cursor": ask.text("cursor"),
        "states": terms.STATES,
        "keys": terms.KEYS,
        "offers": FITS.get(state, ()),
        "rows": (),
        "chips": (),
        "error": "",
        "found": None,
        "searched": 0,
    }


def rows(ask: Ask, jobs: Sequence[StoredJob], started: Mapping[str, float]) -> list[Row]:
    """Return jobs as the list shows them."""
    redactor = Redactor(ask.settings.redact)
    return [_row(ask, job, redactor, started.get(job.jid)) for job in jobs]


def _row(ask: Ask, job: StoredJob, redactor: Redactor, started_at: float | None) -> Row:
    call = calls.named(calls.parameters(ask.app, job.name), job.args, job.kwargs, redactor)
    state = state_of(job)
    late = ask.now - job.at if job.at is not None and state in {"scheduled", "retrying"} else 0.0
    return Row(job, state, ticked.tick(job), calls.in_short(call), started_at, late if late > OVERDUE else 0.0)


def _leads_to(state: str) -> Callable[[Ask], Context]:
    def lead(ask: Ask) -> Context:
        raise Moved("/jobs", state=state, q=ask.text("q"))

    return lead


PAGE: Final = Page("/jobs", "jobs.html", listed, area="/jobs", every=5.0)
PAGES: Final = (
    PAGE,
    Page("/retries", "jobs.html", _leads_to("retrying"), area="/jobs"),
    Page("/scheduled", "jobs.html", _leads_to("scheduled"), area="/jobs"),
    Page("/morgue", "jobs.html", _leads_to("dead"), area="/jobs"),
    Page("/busy", "jobs.html", _leads_to("running"), area="/jobs"),
)
