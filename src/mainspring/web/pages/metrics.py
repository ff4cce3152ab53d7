"""Metrics: how long jobs waited and ran, how many failed, and what takes up the workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from mainspring.metrics import questions
from mainspring.metrics.questions import By, Question
from mainspring.metrics.series import Deploy, JobTotals, Series, Totals, shared
from mainspring.web import histograms, plots
from mainspring.web.view import Ask, Context, Page

PERIODS: Final = ("1h", "5m", "24h", "7d", "90d")
#: Rows of the table; a store tells 500 jobs apart.
ROWS: Final = 100
_ALL: Final = 1_000
#: Of the orders of the table those that the metrics know; the others compare all jobs here.
_ORDERS: Final[Mapping[str, By]] = MappingProxyType({"share": "time", "runs": "runs", "name": "name"})


def _quantile(totals: Totals, what: str, share: int) -> float:
    found = totals.percentile("wait" if what == "wait" else "run", share / 100)
    return -1.0 if found is None else found


#: What the table can be sorted by: what is compared, the greatest first.
COLUMNS: Final[Mapping[str, Callable[[Totals], float]]] = MappingProxyType(
    {
        "share": lambda totals: totals.run_seconds,
        "runs": lambda totals: totals.processed,
        "failed": lambda totals: totals.failed,
        **{
            f"{what}{share}": partial(_quantile, what=what, share=share)
            for what in ("wait", "run")
            for share in (50, 95, 99)
        },
    }
)


def read(ask: Ask) -> Context:
    """Read all jobs, or all queues; or the course of one."""
    period = ask.choice("period", PERIODS)
    around: dict[str, object] = {
        "period": period,
        "periods": sorted(PERIODS, key=("5m", "1h", "24h", "7d", "90d").index),
        "job": ask.text("class"),
        "queue": ask.text("queue"),
    }
    return {**around, **(_one(ask, period) if around["job"] or around["queue"] else _all(ask, period))}


def _all(ask: Ask, period: str) -> Context:
    by, sort = ask.choice("by", ("job", "queue")), ask.choice("sort", (*COLUMNS, "name"))
    asked: list[Question[Any]] = [questions.series(period, ask.now), questions.deploys(period, ask.now)]
    asked.append(_jobs(ask, period, sort) if by == "job" else questions.queues(period, ask.now))
    answers: list[Any] = list(ask.app.metrics.ask(*asked))
    series, deploys, found = answers
    rows, total = found if by == "job" else (_queues(found), len(found))
    wanted = ask.text("q").lower()
    matching = [row for row in rows if wanted in row.name.lower()]
    return {
        "kind": "all",
        "plot": plots.throughput(series, deploys, ask.now),
        "rows": sorted(matching, key=_order(sort))[:ROWS],
        "total": total,
        "matching": len(matching) if wanted else total,
        "quantiles": _quantile,
        "by": by,
        "sort": sort,
        "q": ask.text("q"),
    }


def _one(ask: Ask, period: str) -> Context:
    job, queue = ask.text("class") or None, ask.text("queue") or None
    # They are kept by job and by queue, and not by both: the job counts.
    asked = questions.series(period, ask.now, queue=None if job else queue, job=job)
    answers: list[Any] = list(ask.app.metrics.ask(asked, questions.deploys(period, ask.now)))
    series, deploys = _typed(answers)
    return {
        "kind": "one",
        "name": job or queue,
        "totals": series.total(),
        "plot": plots.throughput(series, deploys, ask.now),
        "runs": plots.durations(series, "run", deploys),
        "waits": plots.durations(series, "wait", deploys),
        "series": series,
        "deploys": deploys,
        "histograms": histograms,
        "capacity": series.total().run_seconds / max(1, len(series.times) * series.step),
    }


def _typed(found: Sequence[Any]) -> tuple[Series, Sequence[Deploy]]:
    series, deploys = found
    return series, deploys


def _jobs(ask: Ask, period: str, sort: str) -> Question[tuple[list[JobTotals], int]]:
    """Ask for the jobs that can be among the first, and how many there are: histograms are read of no more."""
    whole = questions.jobs(period, ask.now, _ALL)
    some = questions.jobs(period, ask.now, ROWS, by=_ORDERS[sort]) if sort in _ORDERS and not ask.text("q") else whole

    def answer(replies: Sequence[Any]) -> tuple[list[JobTotals], int]:
        return some.answer(replies), len({name for reply in replies for name in reply})

    return Question(whole.commands, answer)


def _queues(found: Mapping[str, Series]) -> list[JobTotals]:
    return list(shared({name: series.total() for name, series in found.items()}).values())


def _order(sort: str) -> Callable[[JobTotals], tuple[float, str]]:
    if sort == "name":
        return lambda row: (0.0, row.name)
    compare = COLUMNS[sort]
    return lambda row: (-compare(row), row.name)


PAGES: Final = (Page("/metrics", "metrics.html", read, area="/metrics", every=30.0),)
