"""How long short jobs wait when one in a thousand takes 10 seconds; two workers.

What a worker has fetched ahead must not wait behind its long jobs while a slot is free anywhere,
its own or the other's: it is given back within a second. So for each short job the time is taken
for which a worker held it, and had not started it, while some slot was free: *held* is the longest
at all. *wait meanwhile* is the longest part of a wait from push to start in which a slot was free.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import table
from benchmarks.process import Program
from benchmarks.server import Server
from benchmarks.subjects import python
from benchmarks.throughput import Unequal
from benchmarks.waiting import Hold, Run, Share, Watch, idle, needless
from mainspring import App

#: Seconds for which a short job may be held while a slot is free, and what a round trip may add.
BAR, ROUND_TRIP = 1.0, 0.05

_BATCH = 1000


@dataclass(frozen=True)
class Mix:
    """What was pushed, and what became of it; seconds on the monotonic clock.

    Attributes:
        pushed: When each short job was pushed.
        runs: All runs.
        holds: What was seen in flight.
        slots: How many each worker has, by its process id.
    """

    pushed: Mapping[str, float]
    runs: list[Run]
    holds: list[Hold]
    slots: Mapping[int, int]


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--seconds", type=float, default=40.0, help="for which jobs are pushed")
    parser.add_argument("--rate", type=float, default=60.0, help="short jobs a second for each slot")
    parser.add_argument("--short", type=float, default=0.001, help="seconds that a short job takes")
    parser.add_argument("--long", type=float, default=10.0, help="seconds that one job in a thousand takes")
    parser.add_argument(
        "--concurrency", type=int, nargs="*", default=[1, 2, 4], help="slots of each worker; one round each"
    )


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    with Server() as server:
        rows = [_row(concurrency, _round(server, concurrency, arguments)) for concurrency in arguments.concurrency]
    heads = (
        "two workers of",
        "short jobs",
        "wait p50",
        "p99",
        "max",
        "a slot is free",
        "wait meanwhile",
        "held",
        "bar",
    )
    table.show(f"Short jobs beside one of {arguments.long:.0f} s in a thousand", heads, rows)


def _round(server: Server, concurrency: int, arguments: argparse.Namespace) -> Mix:
    server.client.flushall()
    environment = {"BENCH_URL": server.url, "BENCH_CONCURRENCY": str(concurrency)}
    with ExitStack() as stack:
        workers = [stack.enter_context(Program(python("mixed"), environment)) for _ in range(2)]
        for worker in workers:
            worker.event("ready", timeout=30)
        with Watch(server.client, time.monotonic) as watch:
            pushed, count = _push(server.url, 2 * concurrency * arguments.rate, arguments)
            while server.left():
                time.sleep(0.05)
        for worker in workers:
            worker.end()
        totals = [worker.event("total", timeout=30) for worker in workers]
    runs = [Run(jid, total["pid"], start, end) for total in totals for jid, start, end in total["runs"]]
    if sorted(run.jid for run in runs) != sorted({run.jid for run in runs}) or len(runs) != count:
        raise Unequal(f"{count} pushed, {len(runs)} ran, {len({run.jid for run in runs})} of them different")
    return Mix(pushed, runs, watch.holds(), dict.fromkeys((total["pid"] for total in totals), concurrency))


def _push(url: str, rate: float, arguments: argparse.Namespace) -> tuple[dict[str, float], int]:
    """Push in bursts of random size, a long one at a random place in each thousand; return when each short one was."""
    app = App(url)

    @app.job(name="nap")
    def nap(seconds: float) -> None: ...

    pushed: dict[str, float] = {}
    count, place, began = 0, random.randrange(_BATCH), time.monotonic()
    while (passed := time.monotonic() - began) < arguments.seconds:
        burst = int(passed * rate) - count
        lengths = [arguments.long if (count + each) % _BATCH == place else arguments.short for each in range(burst)]
        at = time.monotonic()
        for length, made in zip(lengths, nap.enqueue_many((length,) for length in lengths), strict=True):
            if length == arguments.short:
                pushed[made.jid] = at
        if count // _BATCH != (count + burst) // _BATCH:
            place = random.randrange(_BATCH)
        count += burst
        time.sleep(random.uniform(0, 1))
    app.close()
    return pushed, count


def _row(concurrency: int, mix: Mix) -> tuple[str, ...]:
    started = {run.jid: run.start for run in mix.runs}
    waits = {jid: started[jid] - at for jid, at in mix.pushed.items()}
    free = idle(mix.runs, mix.slots)
    share = Share(free)
    held = {jid: waited for jid, waited in needless(mix.holds, mix.runs, free).items() if jid in mix.pushed}
    longest = max(held.values(), default=0.0)
    begin, end = min(started.values()), max(run.end for run in mix.runs)
    return (
        f"{concurrency} slots" if concurrency > 1 else "1 slot",
        table.count(len(waits)),
        *(table.milli(table.percentile(list(waits.values()), percent)) for percent in (50, 99, 100)),
        f"{share.of(begin, end) / (end - begin):.0%}",
        table.milli(max(share.of(at, started[jid]) for jid, at in mix.pushed.items())),
        table.milli(longest),
        "yes" if longest <= BAR + ROUND_TRIP else "NO",
    )
