"""Large charts: what the browser draws, and the same in words and as a table for who does not see it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.metrics.series import Deploy, Series, What
from mainspring.web import words
from mainspring.web.languages import counted, say

#: Rows of a chart's table, the newest; it is sent with each look.
ROWS: Final = 60
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        name: What it shows.
        kind: Its look: ``ok``, ``bad``, ``run`` or ``idle``, which are tokens of the stylesheet.
        values: One for each time; None for a gap.
    """

    name: str
    kind: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart over time.

    Attributes:
        title: What it shows.
        unit: ``/min``, or ``ms`` for durations in milliseconds.
        step: Seconds in a bucket.
        times: When each bucket began, in unix seconds.
        lines: What is drawn.
        deploys: What was deployed when.
        is_unfinished: True if the last bucket is not over.
        summary: What the chart shows, in a sentence.
    """

    title: str
    unit: str
    step: int
    times: Sequence[int]
    lines: Sequence[Line]
    deploys: Sequence[Deploy]
    is_unfinished: bool
    summary: str

    @property
    def data(self) -> dict[str, object]:
        """What the browser draws, JSON-ready."""
        return {
            "unit": self.unit,
            "step": self.step,
            "times": list(self.times),
            "lines": [{"name": line.name, "kind": line.kind, "values": _rounded(line.values)} for line in self.lines],
            "deploys": [[deploy.at, deploy.label[:40]] for deploy in self.deploys],
            "unfinished": self.is_unfinished,
        }

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The newest buckets as a table, the newest first: when, and each line's value for people."""
        shape = "%Y-%m-%d" if self.step >= _DAY else "%Y-%m-%d %H:%M"
        write = words.ms if self.unit == "ms" else words.rate
        newest = range(len(self.times) - 1, max(-1, len(self.times) - 1 - ROWS), -1)
        return [(_when(self.times[at], shape), [write(line.values[at]) for line in self.lines]) for at in newest]


def throughput(series: Series, deploys: Sequence[Deploy], now: float) -> Plot:
    """Return the chart of runs a minute: those that did not fail, and those that did."""
    minutes = _minutes(series, now)
    ok = [count / length for count, length in zip(series.ok, minutes, strict=True)]
    failed = [count / length for count, length in zip(series.failed, minutes, strict=True)]
    total = series.total()
    share = words.percent(total.failed, total.processed)
    told = counted("{n} run, {share} failed.", "{n} runs, {share} of them failed.", total.processed, share=share)
    busiest = max(range(len(ok)), key=lambda at: ok[at] + failed[at], default=0)
    if total.processed:
        most = words.rate(ok[busiest] + failed[busiest])
        told += " " + say("Busiest at {time} with {rate} a minute.", time=_at(series, busiest), rate=most)
    lines = [Line(say("succeeded"), "ok", ok), Line(say("failed"), "bad", failed)]
    return _plot(say("Throughput"), "/min", series, lines, deploys, told if total.processed else say("Nothing ran."))


def durations(series: Series, what: What, deploys: Sequence[Deploy]) -> Plot:
    """Return the chart of how long jobs ran, or waited: the median, and what all but one in twenty stay below."""
    lines = [
        Line("p95", "run", series.percentile(what, 0.95)),
        Line(say("median"), "idle", series.percentile(what, 0.5)),
    ]
    known = [(value, at) for at, value in enumerate(lines[0].values) if value is not None]
    told = say("Nothing ran.")
    if known:
        total = series.total()
        half, most = words.ms(total.percentile(what, 0.5)), words.ms(total.percentile(what, 0.95))
        worst, at = max(known)
        told = say("Half stay below {half}, 95 % below {most}.", half=half, most=most)
        told += " " + say("Worst at {time}: {span}.", time=_at(series, at), span=words.ms(worst))
    return _plot(say("Run time") if what == "run" else say("Waiting time"), "ms", series, lines, deploys, told)


def _plot(
    title: str, unit: str, series: Series, lines: Sequence[Line], deploys: Sequence[Deploy], summary: str
) -> Plot:
    shown = [deploy for deploy in deploys if series.times and deploy.at >= series.times[0]]
    if shown:
        names = ", ".join(each.label for each in shown[-5:])
        summary += " " + counted("{n} deploy: {names}.", "{n} deploys: {names}.", len(shown), names=names)
    return Plot(title, unit, series.step, series.times, lines, shown, series.is_unfinished, summary)


def _minutes(series: Series, now: float) -> list[float]:
    """Return how many minutes each bucket has, the unfinished one so far."""
    lengths = [series.step / 60] * len(series.times)
    if series.is_unfinished and lengths:
        lengths[-1] = min(max(now - series.times[-1], 5.0), series.step) / 60
    return lengths


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    # Three digits, and none of them behind the point of what is large: what is rare is not nothing.
    return [None if value is None else round(value) if value >= 100 else float(f"{value:.3g}") for value in values]


def _at(series: Series, place: int) -> str:
    found = words.moment(series.times[place])
    return words.NONE if found is None else words.day(found) if series.step >= _DAY else f"{found:%H:%M}"


def _when(at: float, shape: str) -> str:
    found = words.moment(at)
    return words.NONE if found is None else found.strftime(shape)
