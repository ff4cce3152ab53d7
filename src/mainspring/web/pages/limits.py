"""Limits: how much of each is used, what waits by it, and by which gates jobs wait before they run."""

from __future__ import annotations

from typing import Final

from mainspring.api import board
from mainspring.api.board import Asked
from mainspring.api.gates import GateState
from mainspring.api.limiters import LimiterState
from mainspring.base.durations import in_words
from mainspring.base.errors import InvalidOption
from mainspring.web.view import Act, Action, Ask, Context, Done, Gone, Page


def listed(ask: Ask) -> Context:
    """Read a page of the limiters, and of the gates by which jobs wait."""
    asked = Asked(
        ask.text("q"), first_limiter=ask.whole("limiter", 0, 0, 10**6), first_gate=ask.whole("gate", 0, 0, 10**6)
    )
    found = board.read(ask.app.store, ask.app.time, asked, ask.guesses.get("limits", ()))
    ask.guesses["limits"] = found.guess
    return {"found": found, "asked": asked, "rows": board.ROWS, "q": asked.text, "allows": allows, "opens": opens}


def one(ask: Ask) -> Context:
    """Read the limiters of one name; a name may have several kinds."""
    name = ask.path["name"]
    known = ask.guesses.get("limit", ())
    found = board.read(ask.app.store, ask.app.time, Asked(name=name), known)
    ask.guesses["limit"] = found.guess
    if not found.limiters:
        raise Gone(f"No limiter {name!r:.200} was used in the last week.")
    return {"name": name, "limiters": found.limiters, "allows": allows}


def gate(ask: Ask) -> Context:
    """Read one gate: what holds it, and what waits by it."""
    try:
        found = ask.app.gates[ask.path["name"]].look()
    except InvalidOption as error:
        raise Gone(str(error)) from error
    return {"found": found, "gate": found.state, "opens": opens}


def allows(limiter: LimiterState) -> str:
    """Say what a limiter lets through."""
    span = in_words(limiter.span)
    if limiter.kind == "concurrent":
        return f"{limiter.limit:,} at once, each for {span} at most"
    if limiter.kind == "bucket":
        return f"{limiter.limit:,} each {span}"
    if limiter.kind == "window":
        return f"{limiter.limit:,} in any {span}"
    if limiter.kind == "leaky":
        return f"{limiter.limit:,}, drained in {span}"
    return f"{limiter.limit:,} points, back in {span}"


def opens(state: GateState) -> str:
    """Say what a gate allows."""
    if state.most is None:
        return "everything"
    if state.kind == "turn":
        return f"its share of {state.most:,} slots"
    if state.per is None or state.kind == "concurrent":
        return f"{state.most:,} at once"
    return f"{state.most:,} each {in_words(state.per)}"


def reset(act: Act) -> Done:
    """Forget what was taken of a limiter."""
    count = act.app.limiters.reset(act.resource)
    if not count:
        return Done(f"No limiter {act.resource} was used of late.", has_effect=False)
    return Done(f"{act.resource} is as if it had not been used.")


PAGES: Final = (
    Page("/limits", "limits.html", listed, area="/limits", every=5.0),
    Page("/limits/{name:path}", "limit.html", one, area="/limits", every=5.0),
    Page("/gates/{name:path}", "gate.html", gate, area="/limits", every=5.0),
)
ACTIONS: Final = (Action("limit.reset", reset, role="admin"),)
