"""Writes what a long run showed: a page, a plot and the raw figures; and holds it against the bars."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import linear_regression, median

from benchmarks import plot, table

HEADS = ("medians of", "first quarter", "second", "third", "last quarter")
BAR_HEADS = ("", "measured", "bar", "reached")

#: The most that the worker may weigh more in the last quarter than in the first, in MB.
MOST_GROWTH = 2.0

_PAGE = """\
# Twenty minutes at work

`python -m benchmarks soak --write docs/benchmarks` makes this page. {title}. Measured on {day} with {python}.

![{title}](soak.svg)

{rows}

{bars}

{pushed:,} jobs were pushed; {succeeded:,} succeeded, {dead:,} died as they were told to, and {failed:,} runs failed.
The run ends with an error if one of these is off by one, or if the store has counted otherwise.

## How it is measured

- **A worker process** with 10 slots runs jobs that another process pushes one by one; every fifth is a coroutine.
- **One job in a hundred fails** and goes through the retry set; one in a thousand fails three times and dies.
- **The rate** is what came of {rate:,.0f} a second: where the machine had no time for the producer it fell behind,
  and did not make up for it.
- **RSS** is that of the process as the kernel tells it. The pacemaker is a fork of the worker, and shares most of
  its pages with it.
- **An open file more**, where there is one, is a connection that the pool has opened when more threads of the worker
  than ever before asked the store in the same instant; it is kept, and there can be no more of them than threads.
- **Keys for good** have no lifetime. Those that pass are the marks by which a push can be sent again (60 s each) and
  the histograms of each minute (8 h). The store's memory grows by those histograms and by the dead jobs.
- **The waits** are from before the push to the first line of the job, and so hold a round trip of the producer.
"""


@dataclass(frozen=True)
class Sample:
    """What was seen at one moment; memory in MB, waits in seconds.

    Attributes:
        minute: Since the first sample.
        rss: Of the worker.
        pacemaker: RSS of its pacemaker, pages shared with the worker counted again.
        files: Open in the worker.
        threads: Of the worker.
        lasting: Keys of the store without a lifetime.
        passing: Keys with one.
        store: Memory that the server uses.
        queued: Jobs in the queue.
        retries: Jobs that wait for another try.
        dead: Jobs that have failed for good.
        ran: Runs so far, and of them
        failed: Failed ones.
        p50: Of the waits from push to start, since the last sample.
        p99: Likewise.
    """

    minute: float
    rss: float
    pacemaker: float
    files: int
    threads: int
    lasting: int
    passing: int
    store: float
    queued: int
    retries: int
    dead: int
    ran: int
    failed: int
    p50: float
    p99: float


@dataclass(frozen=True)
class Result:
    """What one run showed."""

    rate: float
    samples: Sequence[Sample]
    pushed: int
    succeeded: int
    failed: int
    dead: int

    @property
    def title(self) -> str:
        """What was done, in words."""
        minutes = self.samples[-1].minute
        rate = self.pushed / minutes / 60
        return f"A worker through {minutes:.0f} minutes of {rate:,.0f} jobs a second, 1 % of them failing"

    def quarters(self, value: Callable[[Sample], float]) -> list[float]:
        """Return the median of a value in each quarter of the run."""
        count = len(self.samples)
        parts = [self.samples[count * part // 4 : count * (part + 1) // 4] for part in range(4)]
        return [median(map(value, part)) for part in parts]

    def slope(self, value: Callable[[Sample], float]) -> float:
        """Return how much a value grows an hour, by least squares over the last three quarters."""
        late = self.samples[len(self.samples) // 4 :]
        return linear_regression([sample.minute / 60 for sample in late], [value(sample) for sample in late]).slope


_LINES: tuple[tuple[str, Callable[[Sample], float], Callable[[float], str]], ...] = (
    ("worker's RSS", lambda each: each.rss, lambda value: f"{value:.2f} MB"),
    ("pacemaker's RSS", lambda each: each.pacemaker, lambda value: f"{value:.2f} MB"),
    ("worker's open files", lambda each: each.files, table.count),
    ("worker's threads", lambda each: each.threads, table.count),
    ("keys for good", lambda each: each.lasting, table.count),
    ("keys that pass", lambda each: each.passing, table.count),
    ("store's memory", lambda each: each.store, lambda value: f"{value:.1f} MB"),
    ("jobs in the queue", lambda each: each.queued, table.count),
    ("jobs to be retried", lambda each: each.retries, table.count),
    ("wait, p50", lambda each: each.p50, table.milli),
    ("wait, p99", lambda each: each.p99, table.milli),
)


def rows(result: Result) -> list[tuple[str, ...]]:
    """Return the lines of the table."""
    return [(name, *map(text, result.quarters(value))) for name, value, text in _LINES]


def bar_rows(result: Result) -> list[tuple[str, ...]]:
    """Return the lines of the table of bars."""
    found = [_growth(result, name, value) for name, value, _ in _LINES[:2]]
    found += [_constancy(result, name, value) for name, value, _ in _LINES[2:5]]
    return [(name, measured, bar, "yes" if reached else "NO") for name, measured, bar, reached in found]


def _growth(result: Result, name: str, value: Callable[[Sample], float]) -> tuple[str, str, str, bool]:
    first, *_, last = result.quarters(value)
    measured = f"{last - first:+.2f} MB, {result.slope(value):+.2f} MB an hour"
    return (f"{name}, last quarter less first", measured, f"{MOST_GROWTH:.0f} MB", last - first <= MOST_GROWTH)


def _constancy(result: Result, name: str, value: Callable[[Sample], float]) -> tuple[str, str, str, bool]:
    _, *late = result.quarters(value)
    counts = [value(sample) for sample in result.samples[len(result.samples) // 4 :]]
    return (name, f"{min(counts):.0f} to {max(counts):.0f}", "the same in each quarter", len(set(late)) == 1)


def write(directory: Path, result: Result) -> None:
    """Write `soak.md`, `soak.svg` and `soak.json` into *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    text = _PAGE.format(
        title=result.title,
        day=datetime.now(UTC).date(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        rows=table.markdown(HEADS, rows(result)),
        bars=table.markdown(BAR_HEADS, bar_rows(result)),
        rate=result.rate,
        pushed=result.pushed,
        succeeded=result.succeeded,
        dead=result.dead,
        failed=result.failed,
    )
    (directory / "soak.md").write_text(text, "utf-8")
    (directory / "soak.svg").write_text(_plot(result), "utf-8")
    (directory / "soak.json").write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")


def _plot(result: Result) -> str:
    samples = result.samples
    panels = (
        plot.Panel(
            "Memory",
            "MB",
            (
                plot.Series("worker", [each.rss for each in samples]),
                plot.Series("pacemaker", [each.pacemaker for each in samples]),
            ),
        ),
        plot.Panel(
            "Of the worker",
            "count",
            (
                plot.Series("open files", [each.files for each in samples]),
                plot.Series("threads", [each.threads for each in samples]),
                plot.Series("keys for good", [each.lasting for each in samples]),
            ),
        ),
        plot.Panel(
            "From push to start",
            "ms",
            (
                plot.Series("p99", [each.p99 * 1000 for each in samples]),
                plot.Series("p50", [each.p50 * 1000 for each in samples]),
            ),
        ),
    )
    return plot.draw(result.title, [each.minute for each in samples], panels)
