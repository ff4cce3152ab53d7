"""Failures, those of one error together: how many, since when, from where, and what to do with their jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from mainspring.api import terms
from mainspring.api.failures import Failure
from mainspring.api.paging import Page as Listing
from mainspring.api.query import Query
from mainspring.metrics import questions
from mainspring.metrics.questions import Question
from mainspring.metrics.series import Deploy
from mainspring.web import frames
from mainspring.web.languages import say
from mainspring.web.pages import jobs
from mainspring.web.view import Act, Action, Ask, Context, Done, Gone, Page

ROWS: Final = 100
#: Jobs that stand on the page of one error.
_JOBS: Final = 20
#: What is failing now is in one of these states.
STATES: Final = ("retrying", "dead")
_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """An error in the list.

    Attributes:
        failure: The error.
        new_since: The label of the newest deploy, if the error has come only since; else empty.
        is_now: True if it came within the last minute.
    """

    failure: Failure
    new_since: str
    is_now: bool


def listed(ask: Ask) -> Context:
    """Read a page of the errors, the one that was seen last first."""
    call, made = ask.app.failures.asking(ask.text("cursor"), ROWS)
    page = Question([call], lambda answers: made(answers[0]))
    found, deploys = ask.app.metrics.ask(page, questions.deploys("7d", ask.now))
    errors, deploy = cast("Listing[Failure]", found), newest(cast("list[Deploy]", deploys))
    return {
        "rows": [_row(each, deploy, ask.now) for each in errors],
        "cursor": errors.cursor,
        "is_first": not ask.text("cursor"),
        "deploy": deploy,
    }


def newest(deploys: Sequence[Deploy]) -> Deploy | None:
    """Return the last of some deploys; None of none."""
    return max(deploys, key=lambda deploy: deploy.at, default=None)


def _row(failure: Failure, deploy: Deploy | None, now: float) -> Row:
    is_new = deploy is not None and failure.first_seen >= deploy.at
    return Row(failure, deploy.label if deploy is not None and is_new else "", now - failure.last_seen < _MINUTE)


def one(ask: Ask) -> Context:
    """Read one error, and jobs that fail with it now."""
    signature = ask.path["signature"]
    query = Query((terms.make("signature", signature, is_quoted=True),))
    failure = ask.app.failures.find(signature)
    found = {state: ask.app.search(query, state=state, count=_JOBS) for state in STATES}
    some = next((job for state in STATES for job in found[state].jobs), None)
    if failure is None and some is None:
        raise Gone(say("There is no such error: it was not seen in the last 30 days, or was forgotten."))
    deploy = newest(ask.app.metrics.deploys("7d"))
    return {
        "signature": signature,
        "q": str(query),
        "row": _row(failure, deploy, ask.now) if failure is not None else None,
        "failure": failure,
        "some": some,
        "frames": frames.folded(failure.backtrace if failure is not None else some.backtrace if some else ()),
        "found": {state: jobs.rows(ask, each.jobs, each.started) for state, each in found.items()},
        "more": {state: bool(each.cursor) for state, each in found.items()},
    }


def forget(act: Act) -> Done:
    """Forget an error, so that it is new should it come again."""
    if not act.app.failures.forget(act.resource):
        return Done(say("Nothing was done: it was forgotten already."), to="/failures", has_effect=False)
    return Done(say("Forgotten: should it come again, it is new. Its jobs stay where they are."), to="/failures")


PAGES: Final = (
    Page("/failures", "failures.html", listed, area="/failures", every=5.0),
    Page("/failures/{signature}", "failure.html", one, area="/failures", every=5.0),
)
ACTIONS: Final = (Action("failure.forget", forget, resource="signature"),)
