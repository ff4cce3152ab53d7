"""How fast jobs are enqueued, one by one and many at once, beside Sidekiq's client and bare LPUSH.

All write through TCP to one server. The bare calls are redis-py's own client, with the bytes of one of our jobs.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from statistics import median

from benchmarks import table
from benchmarks.process import Program
from benchmarks.server import Missing, Server
from benchmarks.subjects import PROGRAMS, python
from benchmarks.throughput import Unequal

_LINES = (
    ("one by one", "Sidekiq perform_async", "sidekiq", "one"),
    ("", "mainspring enqueue", "mainspring", "one"),
    ("", "mainspring aenqueue", "mainspring", "awaited"),
    ("", "bare LPUSH, redis-py", "mainspring", "bare"),
    ("1,000 a call", "Sidekiq push_bulk", "sidekiq", "many"),
    ("", "mainspring enqueue_many", "mainspring", "many"),
    ("", "bare LPUSH, pipelined, redis-py", "mainspring", "pipelined"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=3_000, help="jobs one by one in a round")
    parser.add_argument("--many", type=int, default=50_000, help="jobs by bulk in a round, in thousands")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    commands = {"sidekiq": ["ruby", str(PROGRAMS / "sidekiq_enqueue.rb")], "mainspring": python("enqueue")}
    rates: dict[tuple[str, str], list[float]] = defaultdict(list)
    with Server() as server:
        environment = {"BENCH_URL": server.url, "REDIS_URL": server.url}
        environment |= {"BENCH_JOBS": str(arguments.jobs), "BENCH_MANY": str(arguments.many)}
        for who, command in [*commands.items()] * arguments.rounds:
            for way, rate in _round(server, command, environment).items():
                rates[who, way].append(rate)
    medians = {key: median(found) for key, found in rates.items()}
    rows = []
    for group, name, who, way in _LINES:
        base = medians["sidekiq", "one" if way in ("one", "awaited", "bare") else "many"]
        rows.append((group, name, table.count(medians[who, way]), table.ratio(medians[who, way] / base)))
    table.show(f"Enqueueing: medians of {arguments.rounds} rounds", ("", "", "jobs/s", "of Sidekiq"), rows)


def _round(server: Server, command: list[str], environment: dict[str, str]) -> dict[str, float]:
    server.client.flushall()
    try:
        with Program(command, environment) as program:
            found = program.event("rates", timeout=120)
    except FileNotFoundError as error:
        raise Missing(f"there is no {command[0]} here; on Debian: apt-get install ruby-sidekiq") from error
    if found["pushed"] != found["left"]:
        raise Unequal(f"{command}: {found['pushed']} pushed, {found['left']} in the queue")
    return dict(found["rates"])
