"""What a worker weighs with a million jobs in its queue, beside an idle one."""

from __future__ import annotations

import argparse
import time

from benchmarks import table
from benchmarks.process import Program
from benchmarks.server import Server
from benchmarks.subjects import python
from benchmarks.throughput import fill


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--jobs", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0, help="for which it works before it is weighed")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    with Server() as server:
        idle = _weigh(server, arguments.seconds)
        fill(server, "nop", arguments.jobs)
        busy = _weigh(server, arguments.seconds)
        left = server.client.llen("queue:default")
    rows = [
        ("idle", "0", f"{idle[0]:.1f} MB", f"{idle[1]:.1f} MB", ""),
        ("at work", table.count(left), f"{busy[0]:.1f} MB", f"{busy[1]:.1f} MB", f"+{busy[1] - idle[0]:.1f} MB"),
    ]
    table.show("Worker's memory", ("", "jobs still queued", "RSS", "RSS max", "max over idle"), rows)


def _weigh(server: Server, seconds: float) -> tuple[float, float]:
    with Program(python("worker"), {"BENCH_URL": server.url}) as program:
        program.event("ready", timeout=30)
        time.sleep(seconds)
        return program.rss(), program.rss(highest=True)
