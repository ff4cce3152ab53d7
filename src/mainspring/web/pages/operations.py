"""Bulk operations: the dialog that begins one, the list of all, and how far one has come."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from mainspring.api import terms
from mainspring.api.operations import Operation
from mainspring.api.query import MOST_TERMS, Query, parse
from mainspring.api.slices import ACTIONS as FITS
from mainspring.base.errors import InvalidFilter
from mainspring.base.phrases import phrase
from mainspring.web import steering, words
from mainspring.web.asking import asked
from mainspring.web.languages import say, told
from mainspring.web.redaction import Redactor
from mainspring.web.view import Act, Action, Ask, Context, Done, Gone, Page, Unable

#: Beyond so many jobs a person types what is to be done.
MANY: Final = 100
ROWS: Final = 50
#: Fields that a ticked row of failures sends, each with a signature behind it.
_TICKED: Final = "signature."
#: Seconds for which whoever starts an operation does parts of it, so that a small one is done at once.
_AT_ONCE: Final = 0.3


def dialog(ask: Ask) -> Context:
    """Read how many jobs are meant, as of now."""
    state, said = ask.choice("state", ("", *FITS)), ask.text("q")
    action = ask.choice("action", FITS.get(state, ("",)))
    try:
        query = meant(ask)
    except InvalidFilter as error:
        return _asked(action, state, said) | {"error": told(error)}
    if not state:
        return _asked(action, state, str(query)) | {"error": say("Choose one state: what can be done depends on it.")}
    found = ask.app.search(query, state=state, count=1)
    count, is_whole = found.total, True
    if query:
        count, is_whole = ask.app.operations.count(query, state=state, cutoff=found.at)
    return _asked(action, state, str(query)) | {
        "count": count,
        "is_whole": is_whole,
        "cutoff": found.at,
        "exact": _exact(found.at),
    }


def _exact(at: float) -> str:
    found = words.moment(at)
    return f"{found:%H:%M:%S} UTC" if found is not None else words.NONE


def meant(ask: Ask) -> Query:
    """Return the filter of a dialog: what it says, and the errors that are ticked.

    Raises:
        InvalidFilter: If it cannot be read, or more errors are ticked than a filter can name.
    """
    ticked = [name.removeprefix(_TICKED) for name in ask.query if name.startswith(_TICKED)]
    if len(ticked) > terms_left(ask.text("q")):
        raise InvalidFilter("signature", phrase("tick at most {n} errors at once", n=terms_left(ask.text("q"))))
    signatures = (terms.make("signature", each, is_quoted=True) for each in ticked)
    return Query((*asked(ask.text("q"), Redactor(ask.settings.redact)).terms, *signatures))


def terms_left(said: str) -> int:
    """Return how many terms a filter can have beside those of *said*."""
    return MOST_TERMS - len(parse(said).terms)


def _asked(action: str, state: str, q: str) -> dict[str, object]:
    return {
        "action": action,
        "state": state,
        "q": q,
        "fits": FITS.get(state, ()),
        "count": 0,
        "is_whole": True,
        "cutoff": None,
        "exact": "",
        "many": MANY,
        "error": "",
    }


def listed(ask: Ask) -> Context:
    """Read a page of the operations."""
    found = ask.app.operations.page(ask.text("cursor"), ROWS)
    return {"operations": found.items, "cursor": found.cursor, "is_first": not ask.text("cursor")}


def one(ask: Ask) -> Context:
    """Read one operation."""
    return {"operation": _known(ask.app.operations.find(ask.path["id"]))}


def _known(found: Operation | None) -> Operation:
    if found is None:
        raise Gone(say("There is no such operation; the last 200 are remembered, for 30 days."))
    return found


# --- doing -----------------------------------------------------------------------------------


def start(action: str, act: Act) -> Done:
    """Begin to do something to all jobs that a filter means."""
    form = act.form
    if form.get("confirm", action).strip() != action:
        raise Unable(say("Nothing was done: type {word} to confirm.", word=action))
    state = form.get("state", "")
    try:
        begun = act.app.operations.start(
            action,
            asked(form.get("q", ""), Redactor(act.settings.redact)),
            state=state,
            by=act.user.id,
            spread=steering.span(form.get("spread", "")) or None if action == "retry" else None,
            at=steering.moment(form.get("when", ""), act.now) if action == "reschedule" else None,
            cutoff=_cutoff(form.get("cutoff", "")),
        )
    except InvalidFilter as error:
        raise Unable(say("Nothing was done: {why}", why=told(error))) from error
    # Where no worker is up nobody else would do it.
    act.app.operations.turn(_AT_ONCE)
    return Done("", to=f"/operations/{begun.id}")


def _cutoff(said: str) -> float | None:
    try:
        return float(said) if said else None
    except ValueError as error:
        raise Unable(say("Nothing was done: the form has no time that can be read; open it again.")) from error


def cancel(act: Act) -> Done:
    """End an operation after the part that is being done."""
    if not act.app.operations.cancel(act.resource, by=act.user.id):
        return Done(say("Nothing was done: it was over already."), has_effect=False)
    return Done(say("Cancelled; what it has done stays done."))


PAGES: Final = (
    Page("/operations/new", "operation_new.html", dialog, area="/operations"),
    Page("/operations", "operations.html", listed, area="/operations", every=2.0),
    Page("/operations/{id}", "operation.html", one, area="/operations", every=1.0),
)
#: They write entries of their own in the audit log, in the step that begins or ends them.
STARTS: Final[Sequence[Action]] = tuple(
    Action(f"operation.{name}", partial(start, name), role=role, resource="state", is_audited=False)
    for name, role in steering.ROLES.items()
)
ACTIONS: Final = (*STARTS, Action("operation.cancel", cancel, resource="id", is_audited=False))
