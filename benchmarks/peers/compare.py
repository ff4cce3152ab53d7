"""No-op jobs a second of one worker process, beside other queues for Python and Sidekiq.

Each peer runs in an environment of its own, in the fastest setting that its documentation
offers for short jobs in one process. All use one server and take turns, round by round.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import redis

from benchmarks import table, throughput
from benchmarks.peers import environments, neighbours, report
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.peers.figures import BAR_HEADS, ENQUEUE_HEADS, HEADS, Figures, Ours, bars, enqueue_rows, rows
from benchmarks.peers.measure import TIMED, Fill, Run, fill, measure
from benchmarks.process import Program
from benchmarks.server import Server
from benchmarks.subjects import ASYNC, LIMIT, PROGRAMS, SIDEKIQ, SYNC, python
from mainspring import __version__

_MANY = 20_000
_SLOTS = 10


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    names = sorted({peer.package for peer in PEERS})
    parser.add_argument("--only", default=",".join(names), help="peers, separated by commas; of all: %(default)s")
    parser.add_argument("--jobs", type=int, default=100_000, help="jobs in a round of mainspring")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times the usual jobs in a round of others")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each, taken in turns")
    parser.add_argument("--patience", type=float, default=0.0, help="seconds to wait for a calm machine, each time")
    parser.add_argument("--cache", type=Path, default=environments.CACHE, help="where environments are kept")
    parser.add_argument("--write", type=Path, help="a directory for peers.md, peers.svg and peers.json")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print, and write the page if it is asked for."""
    wanted = set(arguments.only.split(","))
    chosen = [peer for peer in PEERS if peer.package in wanted]
    programs = {peer.package: environments.executables(peer.package, arguments.cache) for peer in chosen}
    lines = {peer.name: _line(peer) for peer in chosen}
    ours = _our_lines()
    with Server() as server:
        title = f"No-op jobs, one worker process, redis-server {server.version}, medians of {arguments.rounds} rounds"
        for _ in range(arguments.rounds):
            _our_round(server, ours, arguments)
            for peer in chosen:
                ours.busy.append(neighbours.wait(arguments.patience))
                jobs = max(2, int(peer.jobs * arguments.scale))
                filled, found = measure(server, peer, programs[peer.package], jobs)
                _note(lines[peer.name], found)
                _note_fill(lines[peer.name], filled)
    title += f", others used {median(ours.busy):.0%} of the machine" if chosen else ""
    peers = sorted(lines.values(), key=lambda each: -each.rate)
    _show(title, ours, peers)
    if arguments.write:
        report.write(arguments.write, title, ours, peers)


def _line(peer: Peer) -> Figures:
    return Figures(peer.name, environments.version(peer.package), peer.setting, peer.keeps)


def _our_lines() -> Ours:
    slots = f"{_SLOTS} slots, retries, statistics and histograms on"
    return Ours(
        Figures("mainspring def", __version__, slots, keeps=True),
        Figures("mainspring async def", __version__, slots, keeps=True),
        Figures("mainspring's limit", __version__, "the same scripts with no job run in between", keeps=True),
        Figures("Sidekiq", SIDEKIQ.name.rpartition(" ")[2], f"{_SLOTS} threads", keeps=False),
        Figures("bare LPUSH, redis-py", redis.__version__, "the bytes of one of our jobs", keeps=False),
    )


def _our_round(server: Server, ours: Ours, arguments: argparse.Namespace) -> None:
    few = max(2, int(20_000 * arguments.scale))
    subjects = ((ours.sidekiq, SIDEKIQ, few), (ours.sync, SYNC, arguments.jobs), (ours.awaited, ASYNC, arguments.jobs))
    for line, subject, jobs in (*subjects, (ours.limit, LIMIT, arguments.jobs)):
        ours.busy.append(neighbours.wait(arguments.patience))
        found = throughput.measure(server, subject, jobs, _SLOTS)
        _note(line, Run(found.rate, found.cpu, found.rss))
    for line, client in ((ours.sync, "sync"), (ours.awaited, "async"), (ours.bare, "bare")):
        ours.busy.append(neighbours.wait(arguments.patience))
        _note_fill(line, fill(server, sys.executable, "ours", TIMED + 1, {"BENCH_CLIENT": client}))
    ours.sidekiq.enqueued.append(_enqueue(server, ["ruby", str(PROGRAMS / "sidekiq_enqueue.rb")])["one"])
    rates = _enqueue(server, python("enqueue"))
    ours.many.append(rates["many"])
    ours.pipelined.append(rates["pipelined"])


def _enqueue(server: Server, command: list[str]) -> Mapping[str, float]:
    server.client.flushall()
    environment = {"BENCH_URL": server.url, "REDIS_URL": server.url}
    environment |= {"BENCH_JOBS": str(TIMED), "BENCH_MANY": str(_MANY)}
    with Program(command, environment) as program:
        rates: Mapping[str, float] = program.event("rates", timeout=120)["rates"]
    return rates


def _note(line: Figures, found: Run) -> None:
    line.rates.append(found.rate)
    line.cpu.append(found.cpu)
    line.rss.append(found.rss)
    line.twice += found.twice


def _note_fill(line: Figures, found: Fill) -> None:
    line.enqueued.append(found.rate)
    line.enqueue_cpu.append(found.cpu)


def _show(title: str, ours: Ours, peers: Sequence[Figures]) -> None:
    every = [*ours.lines, *peers]
    table.show(title, HEADS, rows(every, ours.sync))
    table.show("Enqueued one by one, in the same rounds", ENQUEUE_HEADS, enqueue_rows(every, ours.sync))
    for each in peers:
        if each.twice:
            print(f"{each.name} ran {each.twice} jobs twice")
    table.show("The bars", BAR_HEADS, [bar.cells for bar in bars(ours, peers)])
