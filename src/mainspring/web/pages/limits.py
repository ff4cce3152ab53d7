"""Limits: how much of each is used, what waits by it, and by which gates jobs wait before they run."""

from __future__ import annotations

from typing import Final

from mainspring.api import board
from mainspring.api.board import Asked
from mainspring.api.gates import GateState
from mainspring.api.limiters import LimiterState
from mainspring.base.errors import InvalidOption
from mainspring.web import words
from mainspring.web.languages import say, told
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
        raise Gone(say("No limiter {name} was used in the last week.", name=f"{name!r:.200}"))
    return {"name": name, "limiters": found.limiters, "allows": allows}


def gate(ask: Ask) -> Context:
    """Read one gate: what holds it, and what waits by it."""
    try:
        found = ask.app.gates[ask.path["name"]].look()
    except InvalidOption as error:
        raise Gone(told(error)) from error
    return {"found": found, "gate": found.state, "opens": opens}


def allows(limiter: LimiterState) -> str:
    """Say what a limiter lets through."""
    n, span = f"{limiter.limit:,}", words.span(limiter.span)
    if limiter.kind == "concurrent":
        return say("{n} at once, each for {span} at most", n=n, span=span)
    if limiter.kind == "bucket":
        return say("{n} each {span}", n=n, span=span)
    if limiter.kind == "window":
        return say("{n} in any {span}", n=n, span=span)
    if limiter.kind == "leaky":
        return say("{n}, drained in {span}", n=n, span=span)
    return say("{n} points, back in {span}", n=n, span=span)


def opens(state: GateState) -> str:
    """Say what a gate allows."""
    if state.most is None:
        return say("everything")
    if state.kind == "turn":
        return say("its share of {n} slots", n=f"{state.most:,}")
    if state.per is None or state.kind == "concurrent":
        return say("{n} at once", n=f"{state.most:,}")
    return say("{n} each {span}", n=f"{state.most:,}", span=words.span(state.per))


def reset(act: Act) -> Done:
    """Forget what was taken of a limiter."""
    count = act.app.limiters.reset(act.resource)
    if not count:
        return Done(say("No limiter {name} was used of late.", name=act.resource), has_effect=False)
    return Done(say("{name} is as if it had not been used.", name=act.resource))


PAGES: Final = (
    Page("/limits", "limits.html", listed, area="/limits", every=5.0),
    Page("/limits/{name:path}", "limit.html", one, area="/limits", every=5.0),
    Page("/gates/{name:path}", "gate.html", gate, area="/limits", every=5.0),
)
ACTIONS: Final = (Action("limit.reset", reset, role="admin"),)
