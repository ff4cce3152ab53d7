"""The first page: how all is, and what needs somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mainspring.api import checks, standings
from mainspring.api.checks import Finding
from mainspring.api.health import Answers, Examination
from mainspring.api.overview import Snapshot
from mainspring.api.queues import QueueState
from mainspring.metrics import questions
from mainspring.metrics.questions import Question
from mainspring.metrics.series import Deploy, JobTotals, Series
from mainspring.web import plots
from mainspring.web.pages.queues import Row, Rows
from mainspring.web.plots import Plot
from mainspring.web.view import Ask, Context, Page

#: What the chart can show, and over what: names of the query's values.
SHOWS: Final = ("jobs", "wait", "run")
PERIODS: Final = ("1h", "5m", "24h", "7d", "90d")
#: How many queues are looked at, and how many of them stand here.
_LOOKED, _QUEUES = 40, 8
_JOBS: Final = 6
#: Findings that stand here; the others are behind "All checks".
_FINDINGS: Final = 6
#: How many of the last minutes make the throughput of now.
_NOW: Final = 5
_ORDER: Final = {"no workers": 0, "overdue": 1, "busy": 2, "healthy": 3, "paused": 4}


@dataclass(frozen=True, slots=True)
class Pulse:
    """How much is done.

    Attributes:
        rate: Runs a minute, in the last five that are over.
        change: By which part that is more than in the hour, or less; None if nothing ran before.
        failed: Failed runs within the hour.
        processed: All runs within the hour.
        errors: How many kinds of errors came within the hour.
        drain: In how many seconds the queues will be empty at this rate; None if nobody can tell.
        oldest: The queue whose next job has waited for longest; None if nothing waits.
        target: For how many seconds its jobs may wait; None if nobody has said.
        rss: Bytes of memory that all processes take together.
    """

    rate: float
    change: float | None
    failed: int
    processed: int
    errors: int
    drain: float | None
    oldest: QueueState | None
    target: float | None
    rss: int


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows; what needs the snapshot is worked out when it is there."""

    hour: Series
    plot: Plot
    rows: Rows
    answers: Answers
    heaviest: Sequence[JobTotals]
    failing: Sequence[JobTotals]
    is_open: bool

    def pulse(self, snapshot: Snapshot) -> Pulse:
        """Return the counters."""
        counts = [ok + bad for ok, bad in zip(self.hour.ok, self.hour.failed, strict=True)][:-1]
        rate = sum(counts[-_NOW:]) / _NOW
        before = sum(counts[:-_NOW]) / max(1, len(counts) - _NOW)
        total = self.hour.total()
        waiting = [queue for queue in snapshot.queues if queue.size and not queue.is_paused]
        oldest = max(waiting, key=lambda queue: queue.latency, default=None)
        recent = [each for each in self.answers.failures if snapshot.at - each.last_seen < 3600]
        return Pulse(
            rate=rate,
            change=rate / before - 1 if before else None,
            failed=total.failed,
            processed=total.processed,
            errors=len(recent),
            drain=60 * snapshot.enqueued / rate if rate and snapshot.enqueued else None,
            oldest=oldest,
            target=None if oldest is None else self.answers.targets.get(oldest.name),
            rss=sum(process.rss_kb for process in snapshot.processes) * 1024,
        )

    def findings(self, snapshot: Snapshot) -> list[Finding]:
        """Return what all checks have found."""
        return checks.judge(self.answers.reading(snapshot, is_open=self.is_open))

    def attention(self, snapshot: Snapshot) -> tuple[list[Finding], int, list[Finding]]:
        """Return what needs somebody, how much that is in all, and how the clock is if all is well with it."""
        found = self.findings(snapshot)
        wrong = [finding for finding in found if finding.severity != "ok"]
        well = [finding for finding in found if finding.severity == "ok" and finding.check == "clock.alive"]
        return wrong[:_FINDINGS], len(wrong), well

    def queues(self, snapshot: Snapshot) -> list[Row]:
        """Return the queues that matter most: in trouble first, then the longest."""
        found = self.rows(snapshot)
        return sorted(found, key=lambda row: (_ORDER[row.state], -row.queue.size, row.queue.name))[:_QUEUES]


def read(ask: Ask) -> Context:
    """Read all that the page shows, in one round trip beside the snapshot."""
    show, period = ask.choice("show", SHOWS), ask.choice("period", PERIODS)
    board, names = _board(ask, show, period)
    ask.guesses["queues"] = names
    return {"board": board, "plot": board.plot, "show": show, "period": period, "shows": SHOWS, "periods": _in_order()}


def checked(ask: Ask) -> Context:
    """Read what all checks look at."""
    exam = examination(ask)
    answers = exam.read(ask.app.store.pipeline(exam.commands))
    ask.guesses["checks"] = answers.guess
    return {"judge": partial(_judged, answers, is_open=ask.settings.is_open)}


def examination(ask: Ask) -> Examination:
    """Return what the checks ask the store."""
    return Examination(ask.app.namespace, ask.now, ask.guesses.get("checks", ()))


def _board(ask: Ask, show: str, period: str) -> tuple[Board, Sequence[str]]:
    asked: dict[str, Question[Any]] = {
        "hour": questions.series("1h", ask.now),
        "queues": questions.queues("1h", ask.now),
        "jobs": questions.jobs("1h", ask.now, _JOBS),
        "deploys": questions.deploys(period, ask.now),
    }
    if period != "1h":
        asked["chosen"] = questions.series(period, ask.now)
    exam = examination(ask)
    metrics = [command for question in asked.values() for command in question.commands]
    found = standings.look(ask.app.store, ask.guesses.get("queues", ()), _first, [*metrics, *exam.commands])
    told = _answers(asked, found.others)
    answers = exam.read(found.others[len(metrics) :])
    ask.guesses["checks"] = answers.guess
    failing = questions.jobs("1h", ask.now, _JOBS, by="failed").answer(_part(asked, "jobs", found.others))
    plot = plotted(show, told.get("chosen", told["hour"]), told["deploys"], ask.now)
    rows = Rows(found.standings, {}, told["queues"])
    return Board(told["hour"], plot, rows, answers, told["jobs"], failing, ask.settings.is_open), found.names


def plotted(show: str, series: Series, deploys: Sequence[Deploy], now: float) -> Plot:
    """Return the chart of one of `SHOWS`."""
    if show == "jobs":
        return plots.throughput(series, deploys, now)
    return plots.durations(series, "wait" if show == "wait" else "run", deploys)


def _first(names: Sequence[str]) -> Sequence[str]:
    return names[:_LOOKED]


def _part(asked: Mapping[str, Question[Any]], wanted: str, replies: Sequence[Any]) -> Sequence[Any]:
    """Return the replies to one of the questions."""
    start = 0
    for name, question in asked.items():
        if name == wanted:
            return replies[start : start + len(question.commands)]
        start += len(question.commands)
    return ()


def _answers(asked: Mapping[str, Question[Any]], replies: Sequence[Any]) -> dict[str, Any]:
    return {name: question.answer(_part(asked, name, replies)) for name, question in asked.items()}


def _judged(answers: Answers, snapshot: Snapshot, *, is_open: bool) -> list[Finding]:
    return checks.judge(answers.reading(snapshot, is_open=is_open))


def _in_order() -> Sequence[str]:
    return sorted(PERIODS, key=("5m", "1h", "24h", "7d", "90d").index)


PAGES: Final = (
    Page("/", "overview.html", read, area="/", every=2.0),
    Page("/checks", "checks.html", checked, area="/", every=5.0),
)
