"""Batches and workflows: how far each is, what failed in it, and what it does when it ends."""

from __future__ import annotations

from functools import partial
from typing import Final

from mainspring.api.answers import state_of
from mainspring.api.batches import BatchDetail, BatchStep
from mainspring.api.search import Budget, Found
from mainspring.app import App
from mainspring.base.errors import BatchNotFound
from mainspring.web import graphs
from mainspring.web.languages import counted, say, told
from mainspring.web.view import Act, Action, Ask, Context, Done, Gone, Page, Unable

#: Rows of a page.
ROWS: Final = 100
#: How many batches are looked through for those that are workflows.
_LOOKED: Final = 500
#: How much one press of "retry failed" may cost, and how many jobs it retries itself.
_BUDGET: Final = Budget(items=20_000, ms=500.0)
_AT_ONCE: Final = 200
#: Rows of steps and of children on the page of one batch.
_STEPS: Final = 200
#: What the list of failed jobs on the page of one batch may cost: a batch knows how many have failed, and not which.
_SEARCH: Final = Budget(items=10_000, ms=100.0)


def listed(ask: Ask, *, is_workflows: bool) -> Context:
    """Read a page of them: those that are not over first, the newest first."""
    name = "workflows" if is_workflows else "batches"
    found = ask.app.batches.page(
        ask.text("cursor"), _LOOKED if is_workflows else ROWS, guess=() if ask.text("cursor") else _guess(ask, name)
    )
    if not ask.text("cursor"):
        ask.guesses[name] = [status.bid for status in found]
    rows = [status for status in found if status.steps or not is_workflows][:ROWS]
    return {
        "rows": rows,
        "cursor": found.cursor,
        "is_workflows": is_workflows,
        "looked": len(found),
        "first": not ask.text("cursor"),
    }


def one(ask: Ask) -> Context:
    """Read one with all that is in it."""
    bid = ask.path["bid"]
    known = _guess(ask, "batch")
    found = ask.app.batches.look(bid, guess=known[1:] if known[:1] == [bid] else ())
    if found is None:
        text = say("There is no batch {bid}, or it was over so long ago that it is forgotten.", bid=f"{bid!r:.100}")
        raise Gone(text)
    ask.guesses["batch"] = [bid, *(child.bid for child in found.children)]
    return {
        "batch": found,
        "status": found.status,
        "steps": found.steps[:_STEPS],
        "children": found.children[:ROWS],
        "is_drawn": 0 < len(found.steps) <= graphs.MOST,
        "graphs": graphs,
        "step_counts": _counts(found),
        "running": max(0, found.status.pending - found.status.failures),
        "failed": _failed(ask, found),
        "state_of": state_of,
    }


def _failed(ask: Ask, batch: BatchDetail) -> Found | None:
    """Look for jobs of the batch that are retried or dead, a hundred at most; None if none has failed."""
    status = batch.status
    if not status.failures:
        return None
    states = [*(["retrying"] if status.failures > status.dead else []), *(["dead"] if status.dead else [])]
    query = " ".join([f'batch:"{status.bid}"', *(f"state:{state}" for state in states)])
    # Once as many are found as there are, nothing more is looked through.
    return ask.app.search(query, count=min(status.failures, ROWS), budget=_SEARCH)


def _guess(ask: Ask, name: str) -> list[str]:
    return list(ask.guesses.get(name, ()))


def _counts(found: BatchDetail) -> dict[str, int]:
    states: tuple[BatchStep, ...] = tuple(found.steps)
    return {
        state: sum(step.state == state for step in states) for state in ("done", "ready", "waiting", "failed", "dead")
    }


# --- actions ---------------------------------------------------------------------------


def cancel(act: Act) -> Done:
    """Let no job of the batch start any more."""
    try:
        count = act.app.batches.cancel(act.resource)
    except BatchNotFound as error:
        raise Unable(told(error)) from error
    if not count:
        return Done(say("It was cancelled already."), has_effect=False)
    text = counted(
        "Batch {bid} is cancelled; what runs goes on to its end.",
        "Batch {bid} is cancelled, and those in it ({n} in all); what runs goes on to its end.",
        count,
        bid=act.resource,
    )
    return Done(text)


def retry(act: Act) -> Done:
    """Let the jobs of the batch that failed or died run again now; what would take long goes on as an operation."""
    query = f'batch:"{act.resource}"'
    found = {state: _retried(act.app, query, state) for state in ("retrying", "dead")}
    done, rest = (
        sum(count for count, _ in found.values()),
        [state for state, (_, is_all) in found.items() if not is_all],
    )
    begun = [act.app.operations.start("retry", query, state=state, by=act.user.id) for state in rest]
    if not done and not begun:
        return Done(say("No failed job of it was found."), has_effect=False)
    text = counted("{n} job retried.", "{n} jobs retried.", done)
    facts = {"count": str(done), "operations": ", ".join(each.id for each in begun)}
    return Done(f"{text} " + say("The rest goes on as an operation.") if begun else text, facts=facts)


def _retried(app: App, query: str, state: str) -> tuple[int, bool]:
    """Retry those that are found within the budget; return how many those were, and whether it was all."""
    found = app.search(query, state=state, count=_AT_ONCE, budget=_BUDGET)
    return sum(job.retry() for job in found.jobs), not found.cursor


PAGES: Final = (
    Page("/batches", "batches.html", partial(listed, is_workflows=False), area="/batches", every=5.0),
    Page("/batches/{bid}", "batch.html", one, area="/batches", every=5.0),
    Page("/workflows", "batches.html", partial(listed, is_workflows=True), area="/batches", every=5.0),
    Page("/workflows/{bid}", "batch.html", one, area="/batches", every=5.0),
)
ACTIONS: Final = (
    Action("batch.cancel", cancel, role="admin", resource="bid"),
    Action("batch.retry", retry, resource="bid"),
)
