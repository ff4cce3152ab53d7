"""How soon a job runs again after kill -9 of the only worker, beside what becomes of it with the peers.

A worker runs one job, is killed with all its processes, and a fresh one is started at once, as
a supervisor does. Each trial has a server of its own, and all wait at the same time.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from benchmarks import table
from benchmarks.peers import environments
from benchmarks.recovery import page
from benchmarks.recovery.subjects import OURS, PEERS, SIDEKIQ, Subject
from benchmarks.recovery.trial import Outcome, trial


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    names = sorted({peer.package for peer in PEERS})
    parser.add_argument("--only", default=",".join(names), help="peers, separated by commas; of all: %(default)s")
    parser.add_argument("--tries", type=int, default=3, help="trials of each peer")
    parser.add_argument("--ours", type=int, default=100, help="trials of mainspring, in each of its ways to die")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds to wait for a job")
    parser.add_argument("--cache", type=Path, default=environments.CACHE, help="where environments are kept")
    parser.add_argument("--write", type=Path, help="a directory for recovery.md, recovery.svg and recovery.json")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print, and write the page if it is asked for."""
    wanted = set(arguments.only.split(","))
    plan = [(peer, arguments.tries) for peer in (*PEERS, SIDEKIQ) if peer.package in wanted | {""}]
    plan += [(ours, arguments.ours) for ours in OURS]
    found = _try_all(plan, arguments)
    lines = [page.Line(subject, _version(subject), found[subject.name]) for subject, count in plan if count]
    lines.sort(key=page.Line.rank)
    table.show(f"After kill -9 of the only worker, waited {arguments.limit:.0f} s", page.HEADS, page.rows(lines))
    if arguments.write:
        page.write(arguments.write, lines, arguments.limit)


def _try_all(plan: list[tuple[Subject, int]], arguments: argparse.Namespace) -> dict[str, list[Outcome]]:
    trials = [subject for subject, count in plan for _ in range(count)]
    programs = {
        name: environments.executables(name, arguments.cache) for name in {subject.package for subject in trials} - {""}
    }
    gate = threading.Lock()

    def attempt(subject: Subject) -> Outcome:
        return trial(subject, programs.get(subject.package), arguments.limit, random.Random(), gate)

    with ThreadPoolExecutor(max(1, len(trials))) as pool:
        futures: list[tuple[Subject, Future[Outcome]]] = [
            (subject, pool.submit(attempt, subject)) for subject in trials
        ]
        found: dict[str, list[Outcome]] = defaultdict(list)
        for subject, future in futures:
            found[subject.name].append(future.result())
            print(f"{subject.name}: {found[subject.name][-1]}", file=sys.stderr, flush=True)
    return found


def _version(subject: Subject) -> str:
    if subject.package:
        return environments.version(subject.package)
    return page.version_of_ours() if subject.is_ours else page.SIDEKIQ_VERSION
