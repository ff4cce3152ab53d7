"""How long an import and a boot take, beside an empty Python, and what an idle worker weighs.

All start in turns, so that what else the machine does hits them alike; the ratios are what counts.
On a shared machine the lowest times say more than the medians: nothing makes a start faster than it is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from statistics import median

from benchmarks import table
from benchmarks.process import ROOT, Program, clean_environment
from benchmarks.server import Server
from benchmarks.subjects import COMMAND

_EMPTY, _IMPORT, _READY = "python -c pass", "python -c 'import mainspring'", "mainspring worker, to ready"


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--settle", type=float, default=2.0, help="seconds before an idle worker is weighed")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    times: dict[str, list[float]] = defaultdict(list)
    with Server() as server:
        for turn in range(arguments.rounds + 1):
            found = {_EMPTY: _script("pass"), _IMPORT: _script("import mainspring")}
            found[_READY], _, _ = _worker(server, 0.0)
            if turn > 0:  # the first fills the caches of files and of bytecode
                for name, seconds in found.items():
                    times[name].append(seconds)
        _, weight, child = _worker(server, arguments.settle)
    rows = [_row(name, found, times[_EMPTY]) for name, found in times.items()]
    rows.append(("RSS of an idle worker", f"{weight:.1f} MB", "", "", ""))
    rows.append(("RSS of its pacemaker", f"{child:.1f} MB", "", "", ""))
    heads = ("", "median", "of an empty Python", "lowest", "of an empty Python")
    table.show(f"Boot: {arguments.rounds} rounds", heads, rows)


def _row(name: str, found: list[float], base: list[float]) -> tuple[str, ...]:
    cells: list[str] = []
    for choose in (median, min):
        cells += (table.milli(choose(found)), table.ratio(choose(found) / choose(base)))
    return (name, *cells)


def _script(code: str) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean_environment(), check=True)
    return time.monotonic() - began


def _worker(server: Server, settle: float) -> tuple[float, float, float]:
    """Return the seconds to ready, and after *settle* seconds more the weight in MB, and its child's."""
    server.client.flushall()
    with Program(COMMAND, {"BENCH_URL": server.url}) as program:
        program.event("process.ready", timeout=60)
        seconds = time.monotonic() - program.started
        time.sleep(settle)
        weights = program.rss(), program.children_rss()
        # In peace, so that nothing of it runs on into the next measurement.
        program.end()
    return seconds, *weights
