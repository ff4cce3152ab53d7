"""Writes what was measured beside the peers: a page, a chart and the raw figures."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from benchmarks import table
from benchmarks.peers import chart
from benchmarks.peers.figures import BAR_HEADS, ENQUEUE_HEADS, HEADS, Figures, Ours, bars, enqueue_rows, record, rows

_METHOD = """\
# Beside other queues

`python -m benchmarks peers --write docs/benchmarks` makes this page. {title}; {python}; {cores} cores.

![Jobs run a second by one worker process](peers.svg)

{speed}

*kept* says whether a job stays in the store until it has run; where it does not, a job dies with its worker.
*mainspring is* so many times as fast as this line, a plain `def` job beside its jobs.
{twice}
## Enqueueing

One call after the other, each waiting for the server's answer; awaited where the client is asynchronous. The bare
command, with the bytes of one of our jobs ready made, is what no client for lists can beat.

{enqueue}

## The bars

{bars}

## How it is measured

- **One worker process each**, running the same job: it takes one integer and adds one to a counter in memory.
- **Its own environment** for each peer, with the versions pinned in `benchmarks/peers/requirements`, hiredis and
  uvloop installed wherever the peer can use them.
- **The fastest setting** that the peer's documentation offers for short jobs in one process, found by trying; nothing
  else is changed. Results are not kept, as mainspring keeps none. Where the peer runs coroutines the job is one.
- **One server** for all, private and with nothing kept on disk. Subjects take turns, and each round begins empty:
  the peer's own client fills the queue, then the worker starts.
- **jobs/s** is taken between the first and the last job by the clock of the process that runs them. Fewer jobs
  run than were pushed end the benchmark with an error; a peer's that ran twice are told of above.
- **CPU a job** is that of the worker and all processes it starts, without the server.
- **by CPU** is the ratio of the CPU that a job costs. It depends less on what else the machine does than jobs/s do:
  those shrink most for whoever waits for an answer after each job.
- **The limit** is what the same scripts give when nothing runs between fetch and acknowledgement.

## The settings

{settings}
"""


def write(directory: Path, title: str, ours: Ours, peers: Sequence[Figures]) -> None:
    """Write `peers.md`, `peers.svg` and `peers.json` into *directory*."""
    directory.mkdir(parents=True, exist_ok=True)
    every = [*ours.lines, *peers]
    page = _METHOD.format(
        title=title,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        cores=os.cpu_count(),
        speed=table.markdown(HEADS, rows(every, ours.sync)),
        enqueue=table.markdown(ENQUEUE_HEADS, enqueue_rows(every, ours.sync)),
        twice=_twice(peers),
        bars=table.markdown(BAR_HEADS, [bar.cells for bar in bars(ours, peers)]),
        settings="\n".join(f"- **{each.name}** {each.version}: {each.setting}" for each in every),
    )
    (directory / "peers.md").write_text(page, "utf-8")
    (directory / "peers.svg").write_text(_chart([ours.sync, ours.awaited, ours.sidekiq, *peers]), "utf-8")
    raw = {
        "title": title,
        "figures": record(every),
        "enqueue_many": ours.many,
        "bare_pipelined_lpush": ours.pipelined,
        "busy_before": ours.busy,
    }
    (directory / "peers.json").write_text(json.dumps(raw, indent=1) + "\n", "utf-8")


def _chart(figures: Sequence[Figures]) -> str:
    items = [
        chart.Item(each.name, each.rate, table.count(each.rate), each.name.startswith("mainspring")) for each in figures
    ]
    return chart.draw("Jobs run a second by one worker process", items)


def _twice(peers: Sequence[Figures]) -> str:
    found = [f"{each.name} ran {each.twice} jobs twice." for each in peers if each.twice]
    return "".join(f"{sentence}\n" for sentence in found)
