"""What flow control costs: no-op jobs a second, plain and with a lock, in a batch, behind a limit.

With ``--base DIR``, the sources of another checkout, such as of the release before, run the
same plain jobs in the same rounds, so that one sees what plain jobs pay for what they do not use.
"""

from __future__ import annotations

import argparse
import base64
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import table
from benchmarks.process import ROOT, Program
from benchmarks.server import Server
from benchmarks.subjects import Subject, python
from benchmarks.throughput import Round, _check
from mainspring import App

#: What a job of each kind asks for.
KINDS: Mapping[str, Callable[[App], Mapping[str, Any]]] = {
    "plain": lambda _: {},
    "unique": lambda _: {"unique_for": "1h"},
    "batch": lambda _: {},
    "window": lambda app: {"limits": [app.limiter.window("bench", 10_000, "10ms")]},
    "concurrency": lambda _: {"concurrency": 1_000_000},
    "timeout": lambda _: {"timeout": "1h"},
    "result": lambda _: {"result_ttl": "1h"},
    "expiry": lambda _: {"expires_in": "1h"},
    "encrypted": lambda _: {"encrypt": True},
}

#: What encrypts, in the program that pushes and in the one that works; it keeps no secret.
KEY = bytes(32)


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind, taken in turns")
    parser.add_argument("--jobs", type=int, default=50_000, help="jobs in a round")
    parser.add_argument("--concurrency", type=int, default=10)
    parser.add_argument("--kinds", default=",".join(KINDS), help="which, parted by commas")
    parser.add_argument("--base", type=Path, help="a checkout to run the plain jobs of as well")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    rounds: dict[str, list[Round]] = defaultdict(list)
    with Server() as server:
        for _ in range(arguments.rounds):
            for kind in arguments.kinds.split(","):
                rounds[kind].append(_round(server, kind, arguments, ROOT))
            if arguments.base:
                rounds["plain, base"].append(_round(server, "plain", arguments, arguments.base.resolve()))
    plain = median(each.rate for each in rounds["plain"])
    cpu = median(each.cpu for each in rounds["plain"])
    table.show(
        f"No-op jobs, {arguments.concurrency} slots: medians of {arguments.rounds} rounds, executed = pushed in each",
        ("", "jobs/s", "of plain", "CPU a job", "of plain", "server CPU a job"),
        [_row(kind, found, plain, cpu) for kind, found in rounds.items()],
    )


def _round(server: Server, kind: str, arguments: argparse.Namespace, sources: Path) -> Round:
    jobs = arguments.jobs
    _fill(server, kind, jobs)
    environment = {
        "BENCH_URL": server.url,
        "BENCH_JOBS": str(jobs),
        "BENCH_CONCURRENCY": str(arguments.concurrency),
        "BENCH_KIND": kind,
        "MAINSPRING_KEYS": f"1:{base64.b64encode(KEY).decode()}",
        "PYTHONPATH": f"{sources / 'src'}:{ROOT}",
    }
    before = server.cpu()
    with Program(python("worker"), environment) as program:
        done = program.event("done", timeout=120)
        server_cpu = server.cpu() - before
        program.end()
        total = program.event("total", timeout=30)["count"]
    _check(server, Subject(kind, "nop", lambda _: []), jobs, total)
    return Round(jobs / done["seconds"], done["cpu"] / jobs, server_cpu / jobs, 0.0)


def _fill(server: Server, kind: str, jobs: int) -> None:
    server.client.flushall()
    app = App(server.url, keys={1: KEY})

    @app.job(name="nop", **KINDS[kind](app))
    def nop(number: int) -> None: ...

    calls = ((number,) for number in range(jobs))
    if kind == "batch":
        with app.batch("bench", flush_every=1000):
            nop.enqueue_many(calls)
    else:
        nop.enqueue_many(calls)
    app.close()


def _row(name: str, rounds: list[Round], plain: float, cpu: float) -> tuple[str, ...]:
    rate, own = median(each.rate for each in rounds), median(each.cpu for each in rounds)
    return (
        name,
        table.count(rate),
        table.ratio(rate / plain),
        table.micro(own),
        table.ratio(own / cpu),
        table.micro(median(each.server_cpu for each in rounds)),
    )
