"""The limit of the protocol: the worker's own scripts, fetch and acknowledge, with no job run in between."""

from __future__ import annotations

import os
import time

from benchmarks.programs.shop import app
from benchmarks.programs.tally import tell
from mainspring.base import payload
from mainspring.store import queues, stats


def main() -> None:
    store, day, expected = app.store, stats.day(time.time()), int(os.environ["BENCH_JOBS"])
    finished: list[int] = []
    count = request = 0
    began = (time.monotonic(), time.process_time())
    while count < expected or finished:
        request += 1
        calls = [queues.done("default", "limit", finished, day)] if finished else []
        answers = store.pipeline([*calls, queues.fetch("default", "limit", queues.MOST, str(request), "_req")])
        fetched = answers[-1].jobs
        finished = [seq for seq, _ in fetched]
        for _, raw in fetched:
            payload.read(raw)
        count += len(fetched)
    tell("done", seconds=time.monotonic() - began[0], cpu=time.process_time() - began[1])
    tell("total", count=count)


main()
