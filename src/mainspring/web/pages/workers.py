"""Processes: what each is, what it runs and for how long; quiet, stop, and the stacks of its threads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from markupsafe import Markup

from mainspring.api import works
from mainspring.api.jobs import StoredJob
from mainspring.api.overview import Snapshot
from mainspring.api.processes import Process
from mainspring.api.works import Work, Works
from mainspring.metrics import questions
from mainspring.metrics.series import JobTotals
from mainspring.web import grid, words
from mainspring.web.grid import Cell
from mainspring.web.languages import say
from mainspring.web.rendering import segment
from mainspring.web.view import Act, Action, Ask, Context, Done, Gone, Page

#: Processes of a page, and jobs that run.
PROCESSES: Final = 50
ROWS: Final = 100
#: Seconds after its last beat for which a process counts as there: it misses three, and something is wrong.
STALE: Final = 20.0
#: Kinds of jobs of which it is known how long they usually run.
_KINDS: Final = 500
#: What is shown first.
_ROLES: Final = ("worker", "clock", "outbox", "web")
_LONGEST: Final = 120


class Run(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A job that runs; made in C, as a page has thousands.

    Attributes:
        process: Where.
        work: What runs, and since when.
        elapsed: For how many seconds.
        usual: Below how many seconds 95 % of such runs stay; None if nobody knows.
    """

    process: Process
    work: Work
    elapsed: float
    usual: float | None

    @property
    def job(self) -> StoredJob:
        """The job, read when it is asked for."""
        return self.work.read()

    @property
    def hue(self) -> str:
        """How long that is, as `grid.Cell.hue` says it."""
        return Cell("", self.elapsed, self.usual).hue


@dataclass(frozen=True, slots=True)
class Row:
    """A process as it is shown.

    Attributes:
        process: It.
        runs: What it runs, the longest first.
        age: Seconds since it was last seen.
        now: Unix seconds.
    """

    process: Process
    runs: Sequence[Run]
    age: float
    now: float

    @property
    def is_stale(self) -> bool:
        """True if it should have shown itself since."""
        return self.age > STALE

    @property
    def uptime(self) -> float:
        """Seconds since it was started."""
        return max(0.0, self.now - self.process.started_at)

    @property
    def grid(self) -> Markup:
        """Its slots."""
        usual = {each: words.seconds(each) for each in {run.usual for run in self.runs} if each}
        cells = [Cell(_told(run, usual), run.elapsed, run.usual) for run in self.runs]
        busy = max(len(cells), self.process.busy)
        return grid.draw(
            cells, self.process.concurrency, say("{busy} of {all} slots busy", busy=busy, all=self.process.concurrency)
        )


# --- pages -----------------------------------------------------------------------------


def listed(ask: Ask) -> Context:
    """Read a page of the processes, and what they run."""
    start = ask.whole("from", 0, 0, 10**6)
    usual = questions.jobs("1h", ask.now, _KINDS)
    found = works.look(
        ask.app.store,
        ask.app.time,
        ask.guesses.get("workers", ()),
        lambda all_of_them: all_of_them[start : start + PROCESSES],
        usual.commands,
    )
    ask.guesses["workers"] = found.identities
    rows = _rows(ask, found, _usual(usual.answer(found.others)))
    runs = sorted((run for row in rows for run in row.runs), key=lambda run: -run.elapsed)
    return {
        "groups": _groups(rows),
        "runs": runs[:ROWS],
        "running": len(runs),
        "total": len(found.identities),
        "start": start,
        "more": start + PROCESSES if start + PROCESSES < len(found.identities) else 0,
        "less": max(0, start - PROCESSES),
        "versions": versions,
    }


def one(ask: Ask) -> Context:
    """Read one process, and what it runs."""
    identity = ask.path["identity"]
    usual = questions.jobs("1h", ask.now, _KINDS)
    found = works.look(ask.app.store, ask.app.time, (), lambda _: [identity], usual.commands)
    if identity not in found.processes:
        raise Gone(
            say("No process {name} shows itself: it has ended, or was silent for a minute.", name=f"{identity!r:.200}")
        )
    (row,) = _rows(ask, found, _usual(usual.answer(found.others)))
    return {"row": row, "process": row.process, "runs": row.runs[:ROWS], "running": len(row.runs)}


def versions(snapshot: Snapshot) -> Sequence[tuple[str, int]]:
    """Return the versions that workers run, with how many do; the most frequent first."""
    counted = Counter(process.version for process in snapshot.processes if process.role == "worker" and process.version)
    return counted.most_common(10)


def _rows(ask: Ask, found: Works, usual: Mapping[str, float]) -> list[Row]:
    return [
        Row(process, _runs(ask, process, found.runs[identity], usual), max(0.0, ask.now - process.beat), ask.now)
        for identity, process in found.processes.items()
    ]


def _runs(ask: Ask, process: Process, works: Sequence[Work], usual: Mapping[str, float]) -> list[Run]:
    runs = [Run(process, work, max(0.0, ask.now - work.run_at), usual.get(work.name)) for work in works]
    return sorted(runs, key=lambda run: -run.elapsed)


def _usual(totals: Sequence[JobTotals]) -> dict[str, float]:
    return {each.name: each.run_p95 / 1000 for each in totals if each.run_p95}


def _groups(rows: Sequence[Row]) -> list[tuple[str, Sequence[Row]]]:
    roles = sorted(
        {row.process.role for row in rows}, key=lambda role: (_ROLES.index(role) if role in _ROLES else 9, role)
    )
    return [(role, [row for row in rows if row.process.role == role]) for role in roles]


def _told(run: Run, usual: Mapping[float, str]) -> str:
    told = f"{run.work.title[:_LONGEST]}: {words.seconds(run.elapsed)}"
    return say("{run}, usually below {time}", run=told, time=usual[run.usual]) if run.usual else told


# --- actions ---------------------------------------------------------------------------


def quiet(act: Act) -> Done:
    """Let it start no more jobs."""
    process = _process(act)
    process.quiet()
    return Done(say("{process} starts no more jobs from its next beat on.", process=_name(process)))


def stop(act: Act) -> Done:
    """Let it end."""
    process = _process(act)
    process.stop()
    text = say(
        "{process} ends from its next beat on: what runs may finish, what is left goes back.", process=_name(process)
    )
    return Done(text)


def dump(act: Act) -> Done:
    """Let it write the stacks of its threads to its log."""
    process = _process(act)
    process.dump()
    text = say(
        "Within seconds {process} writes the stacks of its threads to its own log: look there for the event"
        " process.stacks of pid {pid}.",
        process=_name(process),
        pid=process.pid,
    )
    return Done(text)


def _process(act: Act) -> Process:
    try:
        return act.app.processes[act.resource]
    except KeyError:
        raise Gone(say("It shows itself no more: it has ended, or was silent for a minute.")) from None


def _name(process: Process) -> str:
    return f"{process.host}:{process.pid}"


def path_of(identity: str) -> str:
    """Return where the page of a process is."""
    return f"/workers/{segment(identity)}"


PAGES: Final = (
    Page("/workers", "workers.html", listed, area="/workers", every=2.0),
    Page("/workers/{identity:path}", "worker.html", one, area="/workers", every=2.0),
)
ACTIONS: Final = (
    Action("process.quiet", quiet),
    Action("process.stop", stop),
    Action("process.dump", dump),
)
