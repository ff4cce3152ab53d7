"""Writes what became of the jobs: a page, a chart and the raw figures."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import table
from benchmarks.peers import chart
from benchmarks.recovery.subjects import Subject
from benchmarks.recovery.trial import AGAIN, FAILED, Outcome
from benchmarks.subjects import SIDEKIQ
from mainspring import __version__

SIDEKIQ_VERSION = SIDEKIQ.name.rpartition(" ")[2]
HEADS = ("", "version", "tries", "the job", "after, median", "lowest - highest")

_TITLE = "Seconds from kill -9 of the only worker until its job runs again"
_PAGE = """\
# After kill -9

`python -m benchmarks recovery --write docs/benchmarks` makes this page. Measured on {day} with {python}.

![{title}](recovery.svg)

{rows}

*runs again*: a second run of the job began. *marked as failed*: the queue noticed, and does not run it again.
*kept, and not run*: it is in the store still, and was not run within {limit:.0f} s. *lost*: it is nowhere any more.

{ours}

## How it is measured

- **One worker**, started as the queue's own first page says, runs one job that says when it starts and then waits.
- **kill -9** of the worker and of all processes that it has started, at one moment, 1 to 6 s after the job began, so
  at any time between two beats of our heart. The line "mainspring, worker" kills the worker's process alone.
- **A fresh worker is started at once**, as a supervisor does. Its start is part of the figure.
- **A server of its own** for each trial, with nothing else to do: some queues look after the dead only while
  others come and go, and a queue at night is when nobody else looks.
- **All defaults**, but where a line names a setting: those are each queue's own way to keep such a job.
- Nobody waits longer than {limit:.0f} s. Celery with late acknowledgement would deliver again after its
  visibility timeout, one hour by default.

## The settings

{settings}
"""


@dataclass(frozen=True)
class Line:
    """One subject with what became of its jobs."""

    subject: Subject
    version: str
    outcomes: list[Outcome]

    def rank(self) -> tuple[bool, bool, float]:
        """Return what to sort by: first who runs it again, the fastest first; then who noticed."""
        kinds = {outcome.kind for outcome in self.outcomes}
        return (AGAIN not in kinds, FAILED not in kinds, self.middle)

    @property
    def middle(self) -> float:
        """The median of the seconds."""
        return median(outcome.seconds for outcome in self.outcomes)

    @property
    def fate(self) -> str:
        """What became of the jobs, in words."""
        kinds = Counter(outcome.kind for outcome in self.outcomes)
        if len(kinds) == 1:
            return next(iter(kinds))
        return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())

    @property
    def has_end(self) -> bool:
        """True if something became of a job before nobody waited any more."""
        return any(outcome.kind in (AGAIN, FAILED) for outcome in self.outcomes)


def version_of_ours() -> str:
    """Return our version."""
    return __version__


def rows(lines: Sequence[Line]) -> list[tuple[str, ...]]:
    """Return the lines of the table."""
    return [
        (
            line.subject.name,
            line.version,
            str(len(line.outcomes)),
            line.fate,
            _seconds(line.middle) if line.has_end else "",
            _spread(line.outcomes) if line.has_end and len(line.outcomes) > 1 else "",
        )
        for line in lines
    ]


def write(directory: Path, lines: Sequence[Line], limit: float) -> None:
    """Write `recovery.md`, `recovery.svg` and `recovery.json` into *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    text = _PAGE.format(
        day=datetime.now(UTC).date(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        title=_TITLE,
        rows=table.markdown(HEADS, rows(lines)),
        ours=" ".join(_promise(line) for line in lines if line.subject.is_ours),
        limit=limit,
        settings="\n".join(_setting(line) for line in lines),
    )
    (directory / "recovery.md").write_text(text, "utf-8")
    (directory / "recovery.svg").write_text(_chart(lines, limit), "utf-8")
    raw = [
        {"name": line.subject.name, "version": line.version, "outcomes": [asdict(each) for each in line.outcomes]}
        for line in lines
    ]
    (directory / "recovery.json").write_text(json.dumps({"limit": limit, "figures": raw}, indent=1) + "\n", "utf-8")


def _promise(line: Line) -> str:
    most = table.percentile([outcome.seconds for outcome in line.outcomes], 99)
    if line.subject.kills_all:
        return f"When its machine is lost the bar is a p99 of 65 s, and {_seconds(most)} was measured."
    return (
        f"When mainspring's worker is killed, its pacemaker gives the job back at once: p99 {_seconds(most)}, most of"
        " it the fresh worker's start."
    )


def _setting(line: Line) -> str:
    subject = line.subject
    program = Path(subject.command[0]).name.removesuffix("3.11")
    arguments = " ".join("..." if "/" in word else word for word in subject.command[1:])
    words = f"`{program} {arguments}`".replace("{url}", "URL")
    return f"- **{subject.name}** {line.version}: {words}" + (f"; {subject.setting}" if subject.setting else "")


def _chart(lines: Sequence[Line], limit: float) -> str:
    items = [
        chart.Item(
            line.subject.name,
            line.middle if line.has_end else limit,
            _label(line),
            line.subject.is_ours,
            is_open=AGAIN not in {outcome.kind for outcome in line.outcomes},
        )
        for line in lines
    ]
    return chart.draw(f"{_TITLE}, on a logarithmic scale", items, least=0.1)


def _label(line: Line) -> str:
    kinds = {outcome.kind for outcome in line.outcomes}
    if AGAIN in kinds:
        return _seconds(line.middle)
    return f"failed, {_seconds(line.middle)}" if FAILED in kinds else line.fate


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def _spread(outcomes: Sequence[Outcome]) -> str:
    seconds = [outcome.seconds for outcome in outcomes]
    return f"{_seconds(min(seconds))} - {_seconds(max(seconds))}"
