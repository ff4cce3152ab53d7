"""What waiting costs: the commands of jobs behind a limit, and how long a small tenant waits beside a big one.

Jobs in a lane are let in by the store, so that nobody fetches and puts back what may not run. The
commands are the server's own count, those within scripts included, beside those of as many plain
jobs that come at the same pace.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from benchmarks import table
from benchmarks.process import Program
from benchmarks.server import Server
from benchmarks.subjects import python
from mainspring import App

#: How many of the metered jobs may start in a second; see `programs.lanes`.
PACE = 10
#: Calls that are ours, and not the worker's.
_OWN = frozenset({"info", "llen", "flushall"})


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--waiting", type=int, default=10_000, help="jobs behind the limit, and of the big tenant")
    parser.add_argument("--seconds", type=float, default=20.0, help="for which commands are counted")
    parser.add_argument("--small", type=int, default=10, help="jobs of the small tenant")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the tenants")
    parser.add_argument("--slots", default="1,2,5", help="how many jobs at once, parted by commas")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    with Server() as server:
        _commands(server, arguments)
        _tenants(server, arguments)


@contextmanager
def _worker(server: Server, slots: int) -> Iterator[tuple[App, Program]]:
    """Empty the server, and start a worker on it; what is pushed knows the same jobs."""
    server.client.flushall()
    os.environ["BENCH_URL"] = server.url
    from benchmarks.programs import lanes

    with Program(python("lanes"), {"BENCH_URL": server.url, "BENCH_CONCURRENCY": str(slots)}) as program:
        program.event("ready", timeout=30)
        yield lanes.app, program
    lanes.app.close()


# --- commands ------------------------------------------------------------------------


def _commands(server: Server, arguments: argparse.Namespace) -> None:
    seconds = arguments.seconds
    with _worker(server, 10) as (app, _):
        time.sleep(2)
        idle = _counted(server, seconds, lambda: None)
    with _worker(server, 10) as (app, _):
        plain = app.jobs["plain"]
        pushes = iter(range(10**6))
        paced = _counted(server, seconds, lambda: plain.enqueue(next(pushes)))
        # A push is three of them: the script, and the two that it makes.
        paced = {name: rate for name, rate in paced.items() if name not in {"lpush", "exists"}}
    with _worker(server, 10) as (app, program):
        began = time.monotonic()
        app.jobs["metered"].enqueue_many((number,) for number in range(arguments.waiting))
        while server.client.llen("queue:default"):
            time.sleep(0.1)
        settled = time.monotonic() - began
        limited = _counted(server, seconds, lambda: None)
        program.end()
        ran = [at for _, _, at in program.event("total", timeout=30)["ran"]]
    rows = [
        (name, f"{sum(rates.values()):.1f}", f"{sum(rates.get(call, 0) for call in _SENT):.1f}")
        for name, rates in (("idle", idle), (f"{PACE} plain jobs/s", paced), (f"{PACE} jobs/s behind a limit", limited))
    ]
    table.show(
        f"Commands a second; {arguments.waiting:,} jobs behind a limit of {PACE}/s, all aside after {settled:.1f} s",
        ("", "in all", "sent by clients"),
        rows,
    )
    busiest = sorted(limited.items(), key=lambda item: -item[1])[:8]
    print("\nmost often:", ", ".join(f"{name} {rate:.1f}" for name, rate in busiest))
    print(f"started in any second, at most: {_most(ran)}")


_SENT = ("evalsha", "blpop", "blmove", "hmget", "hkeys", "smembers", "get", "scard", "script|load")


def _counted(server: Server, seconds: float, each: Any) -> dict[str, float]:
    """Return how often a second each command was called, *each* being done ten times a second meanwhile."""
    before, end = server.calls(), time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(1 / PACE)
        each()
    after = server.calls()
    rates = {name: (calls - before.get(name, 0)) / seconds for name, calls in after.items()}
    return {name: rate for name, rate in rates.items() if rate and name not in _OWN}


def _most(starts: list[float]) -> int:
    # A start is noted a moment after the store has let it.
    return max(sum(begin <= at < begin + 0.9 for at in starts[place:]) for place, begin in enumerate(starts))


# --- tenants -------------------------------------------------------------------------


def _tenants(server: Server, arguments: argparse.Namespace) -> None:
    rows = []
    for slots in map(int, arguments.slots.split(",")):
        alone, beside = [], []
        for _ in range(arguments.rounds):
            alone.append(_small(server, slots, arguments.small, 0))
            beside.append(_small(server, slots, arguments.small, arguments.waiting))
        waits = [(median(each[place] for each in alone), median(each[place] for each in beside)) for place in (0, 1)]
        cells = [
            word for one, other in waits for word in (table.milli(one), table.milli(other), table.ratio(other / one))
        ]
        rows.append((f"{slots} slots", *cells))
    table.show(
        f"{arguments.small} jobs of 10 ms of a small tenant, alone and beside {arguments.waiting:,} of a big one",
        ("", "all done, alone", "beside", "", "mean, alone", "beside", ""),
        rows,
    )


def _small(server: Server, slots: int, small: int, big: int) -> tuple[float, float]:
    """Return after how many seconds all jobs of the small tenant were done, and on average one of them."""
    with _worker(server, slots) as (app, program):
        turn = app.jobs["turn"]
        turn.enqueue_many(("big", number) for number in range(big))
        time.sleep(0.5)
        began = time.monotonic()
        turn.enqueue_many(("small", number) for number in range(small))
        time.sleep(0.5 + small * 0.03)
        program.end()
        ran = program.event("total", timeout=30)["ran"]
    done = [at - began for tenant, _, at in ran if tenant == "small"]
    assert len(done) == small, f"{len(done)} of {small} jobs had run"
    return max(done), sum(done) / small
