"""What a worker weighs with up to a million jobs in its queue, beside an idle one."""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import table
from benchmarks.peers import chart
from benchmarks.process import Program
from benchmarks.server import Server
from benchmarks.subjects import python
from benchmarks.throughput import fill

#: The most that a worker may weigh over an idle one, in MB.
MOST_OVER_IDLE = 10.0

_HEADS = ("jobs queued", "left after the look", "RSS", "RSS max", "over idle", "its pacemaker")
_TITLE = "RSS of a worker at work, by the length of its queue"
_PAGE = """\
# Memory

`python -m benchmarks memory --write docs/benchmarks` makes this page. Measured on {day} with {python}.

![{title}](memory.svg)

{rows}

Each line is a worker process of its own, weighed {seconds:.0f} s after it became ready, while it runs no-op jobs as
fast as it can; *RSS max* is the highest that the kernel has seen. What is fetched ahead is bounded by time (50 ms of
work), never by the queue's length. The bar is {bar:.0f} MB over idle with a million jobs queued. The pacemaker is a
fork of the worker, and shares most of its pages with it.

Over many minutes: [another page](soak.md).
"""


@dataclass(frozen=True)
class Weight:
    """A worker's memory in MB, at work on a queue that had some jobs at first."""

    queued: int
    left: int
    rss: float
    highest: float
    pacemaker: float


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument(
        "--jobs", type=int, default=1_000_000, help="in the longest queue; others have a tenth, and so on"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="for which it works before it is weighed")
    parser.add_argument("--write", type=Path, help="a directory for memory.md, memory.svg and memory.json")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print, and write the page if it is asked for."""
    lengths = [0, *(arguments.jobs // part for part in (1000, 100, 10, 1))]
    with Server() as server:
        weights = [_weigh(server, length, arguments.seconds) for length in lengths]
    table.show("Worker's memory", _HEADS, _rows(weights))
    if arguments.write:
        _write(arguments.write, weights, arguments.seconds)


def _weigh(server: Server, jobs: int, seconds: float) -> Weight:
    fill(server, "nop", jobs)
    with Program(python("worker"), {"BENCH_URL": server.url}) as program:
        program.event("ready", timeout=30)
        time.sleep(seconds)
        left = int(server.client.llen("queue:default"))
        return Weight(jobs, left, program.rss(), program.rss(highest=True), program.children_rss())


def _rows(weights: Sequence[Weight]) -> list[tuple[str, ...]]:
    idle = weights[0].rss
    return [
        (
            table.count(each.queued) if each.queued else "idle",
            table.count(each.left),
            f"{each.rss:.1f} MB",
            f"{each.highest:.1f} MB",
            f"{each.highest - idle:+.1f} MB",
            f"{each.pacemaker:.1f} MB",
        )
        for each in weights
    ]


def _write(directory: Path, weights: Sequence[Weight], seconds: float) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    text = _PAGE.format(
        day=datetime.now(UTC).date(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        title=_TITLE,
        rows=table.markdown(_HEADS, _rows(weights)),
        seconds=seconds,
        bar=MOST_OVER_IDLE,
    )
    items = [
        chart.Item(
            f"{each.queued:,} jobs queued" if each.queued else "idle",
            each.highest,
            f"{each.highest:.1f} MB",
            is_ours=each.queued > 0,
        )
        for each in weights
    ]
    (directory / "memory.md").write_text(text, "utf-8")
    (directory / "memory.svg").write_text(chart.draw(_TITLE, items), "utf-8")
    (directory / "memory.json").write_text(json.dumps([asdict(each) for each in weights], indent=1) + "\n", "utf-8")
