"""The clock: when each entry is due, what became of its ticks, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from mainspring.api import timetable
from mainspring.api.entries import PeriodicEntry
from mainspring.api.timetable import Line
from mainspring.base.errors import (
    InvalidDuration,
    InvalidName,
    InvalidOption,
    InvalidSchedule,
    MainspringError,
    PushAmbiguous,
    PushFailed,
    UnknownEntry,
    UnknownJob,
    WrongArguments,
)
from mainspring.web import strips
from mainspring.web.languages import counted, say, told
from mainspring.web.rendering import segment
from mainspring.web.view import Act, Action, Ask, Context, Done, Gone, Page, Unable

#: Rows of a page.
ROWS: Final = 100
#: Lines of the history on the page of one entry.
HISTORY: Final = 50
_UPCOMING: Final = 5
#: How many ticks a backfill names before it does it.
_SHOWN: Final = 10

#: What may be refused of what a person has written.
REFUSALS: Final = (
    *(InvalidSchedule, InvalidDuration, InvalidName, InvalidOption, WrongArguments, UnknownJob, UnknownEntry),
    *(PushFailed, PushAmbiguous),
)


def path_of(name: str) -> str:
    """Return where the page of the entry *name* is."""
    return f"/clock/{segment(name)}"


# --- pages -----------------------------------------------------------------------------


def listed(ask: Ask) -> Context:
    """Read a page of the entries, by name."""
    wanted, start = ask.text("q").lower(), ask.whole("from", 0, 0, 10**6)

    def choose(names: Sequence[str]) -> Sequence[str]:
        found = [name for name in names if wanted in name.lower()]
        return found[start : start + ROWS]

    found = timetable.read(ask.app, choose, ask.guesses.get("clock", ()))
    ask.guesses["clock"] = found.names
    matching = sum(wanted in name.lower() for name in found.names)
    return {
        "lines": found.lines,
        "total": len(found.names),
        "matching": matching,
        "start": start,
        "more": start + ROWS if start + ROWS < matching else 0,
        "less": max(0, start - ROWS),
        "q": ask.text("q"),
        "strips": strips,
        "overdue": sum(line.overdue > timetable.OVERDUE for line in found.lines),
        "late": timetable.OVERDUE,
    }


def one(ask: Ask) -> Context:
    """Read one entry with its history."""
    line = line_of(ask, ask.path["name"], HISTORY)
    return {
        "line": line,
        "entry": line.entry,
        "upcoming": line.entry.upcoming(_UPCOMING),
        "strips": strips,
        "late": timetable.OVERDUE,
        "code": _code_of(ask, line.entry),
    }


def backfill(ask: Ask) -> Context:
    """Read which ticks a backfill would run, before anybody asks for it."""
    entry = line_of(ask, ask.text("name")).entry
    start, end, spread = (ask.text(name) for name in ("start", "end", "spread"))
    ticks: list[datetime] = []
    problem = ""
    if start and end:
        try:
            ticks = entry.backfill_ticks(start, end)
        except MainspringError as error:
            problem = told(error)
    return {
        "entry": entry,
        "start": start,
        "end": end,
        "spread": spread,
        "ticks": ticks,
        "shown": ticks[:_SHOWN],
        "is_asked": bool(start and end) and not problem,
        "problem": problem,
    }


def line_of(ask: Ask, name: str, ticks: int = timetable.TICKS) -> Line:
    """Return one entry, in one round trip.

    Raises:
        Gone: If there is none.
    """
    found = timetable.read(ask.app, lambda _: [name], ticks=ticks)
    if not found.lines:
        raise Gone(say("There is no entry {name} in the schedule, or not any more.", name=f"{name!r:.200}"))
    return found.lines[0]


def _code_of(ask: Ask, entry: PeriodicEntry) -> str:
    """Return where the code of the entry's job stands, if this App has it."""
    job = ask.app.jobs.get(entry.job)
    code = getattr(getattr(job, "function", None), "__code__", None)
    return "" if code is None else f"{code.co_filename}:{code.co_firstlineno}"


# --- actions ---------------------------------------------------------------------------


def run(act: Act) -> Done:
    """Enqueue the entry's job now."""
    with refusals():
        made = act.app.periodic.trigger(act.resource)
    if not made.jid:
        text = say("{entry} was not enqueued: a middleware of the App stopped it.", entry=act.resource)
        return Done(text, has_effect=False)
    return Done(say("{entry} was enqueued as job {jid}.", entry=act.resource, jid=made.jid), facts={"jid": made.jid})


def pause(act: Act) -> Done:
    """Pass over the ticks of each entry that is named."""
    return _steer(act, is_pause=True)


def resume(act: Act) -> Done:
    """Let the ticks of each entry that is named count again."""
    return _steer(act, is_pause=False)


def delete(act: Act) -> Done:
    """Take an entry away that stands in no code."""
    with refusals():
        act.app.periodic.delete(act.resource)
    return Done(say("{entry} is deleted, with its history.", entry=act.resource), to="/clock")


def fill(act: Act) -> Done:
    """Enqueue the entry's job for ticks that have passed."""
    start, end, spread = (act.form.get(name, "").strip() for name in ("start", "end", "spread"))
    with refusals():
        made = act.app.periodic.backfill(act.resource, start, end, spread=spread or None)
    count = len(made)
    return Done(
        counted("{n} job of {entry} enqueued.", "{n} jobs of {entry} enqueued.", count, entry=act.resource),
        to=path_of(act.resource),
        has_effect=bool(made),
        facts={"start": start, "end": end, "count": str(count)},
    )


def _steer(act: Act, *, is_pause: bool) -> Done:
    names = list(act.many.get("name", ()))[:ROWS]
    changed, problems = [], []
    for name in names:
        try:
            entry = act.app.periodic[name]
            if entry.pause() if is_pause else entry.resume():
                changed.append(name)
        except REFUSALS as error:
            problems.append(told(error))
    if not changed:
        return Done(" ".join(problems) or _no_news(", ".join(names), is_pause=is_pause), has_effect=False)
    text = _steered(changed, is_pause=is_pause)
    return Done(" ".join([text, *problems]), facts={"names": ", ".join(changed)[:500]})


def _steered(names: Sequence[str], *, is_pause: bool) -> str:
    if is_pause:
        return counted("{name} is paused.", "{n} entries paused.", len(names), name=names[0])
    return counted("{name} is resumed.", "{n} entries resumed.", len(names), name=names[0])


def _no_news(names: str, *, is_pause: bool) -> str:
    if is_pause:
        return say("Nothing to do: {names} paused already.", names=names)
    return say("Nothing to do: {names} resumed already.", names=names)


@contextmanager
def refusals() -> Iterator[None]:
    """Let what is refused of a person's wish be told to them."""
    try:
        yield
    except REFUSALS as error:
        raise Unable(told(error)) from error


PAGES: Final = (
    Page("/clock", "clock.html", listed, area="/clock", every=5.0),
    Page("/clock/{name:path}", "entry.html", one, area="/clock", every=5.0),
    Page("/backfill", "backfill.html", backfill, area="/clock"),
)
ACTIONS: Final = (
    Action("entry.run", run),
    Action("entry.pause", pause),
    Action("entry.resume", resume),
    Action("entry.delete", delete, role="admin"),
    Action("entry.backfill", fill),
)
