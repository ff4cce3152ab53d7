"""How long an import and a boot take, beside an empty Python, and what an idle worker weighs.

All start in turns, so that what else the machine does hits them alike; the ratios are what counts.
On a shared machine the seconds of CPU say more than those of the clock, and the lowest more than the median.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from benchmarks import table
from benchmarks.process import ROOT, Program, Silent, clean_environment
from benchmarks.server import Server
from benchmarks.subjects import COMMAND


@dataclass(frozen=True)
class Start:
    """How long a start took by the clock, and of the CPU, in seconds."""

    seconds: float
    cpu: float


_EMPTY, _IMPORT, _READY = "python -c pass", "python -c 'import mainspring'", "mainspring worker, to ready"


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--settle", type=float, default=2.0, help="seconds before an idle worker is weighed")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    starts: dict[str, list[Start]] = defaultdict(list)
    with Server() as server:
        _turn(server)  # fills the caches of files and of bytecode
        for _ in range(arguments.rounds):
            for name, start in _turn(server).items():
                starts[name].append(start)
        _, weight, child = _worker(server, arguments.settle)
    rows = [_row(name, found, starts[_EMPTY]) for name, found in starts.items()]
    rows.append(("RSS of an idle worker", f"{weight:.1f} MB", "", "", ""))
    rows.append(("RSS of its pacemaker", f"{child:.1f} MB", "", "", ""))
    heads = ("", "median", "of an empty Python", "CPU, lowest", "of an empty Python")
    table.show(f"Boot: {arguments.rounds} rounds", heads, rows)


def _row(name: str, found: list[Start], base: list[Start]) -> tuple[str, ...]:
    mine, empty = median(each.seconds for each in found), median(each.seconds for each in base)
    used, least = min(each.cpu for each in found), min(each.cpu for each in base)
    return (name, table.milli(mine), table.ratio(mine / empty), table.milli(used), table.ratio(used / least))


def _turn(server: Server) -> dict[str, Start]:
    worker, _, _ = _worker(server, 0.0)
    return {_EMPTY: _script("pass"), _IMPORT: _script("import mainspring"), _READY: worker}


def _script(code: str) -> Start:
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=clean_environment())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Silent(f"python -c {code!r} failed")
    return Start(time.monotonic() - began, used.ru_utime + used.ru_stime)


def _worker(server: Server, settle: float) -> tuple[Start, float, float]:
    """Return its start up to ready, and after *settle* seconds more its weight in MB, and its child's."""
    server.client.flushall()
    with Program(COMMAND, {"BENCH_URL": server.url}) as program:
        program.event("process.ready", timeout=60)
        start = Start(time.monotonic() - program.started, program.cpu())
        time.sleep(settle)
        weights = program.rss(), program.children_rss()
        # In peace, so that nothing of it runs on into the next measurement.
        program.end()
    return start, *weights
