"""No-op jobs a second of one worker process, beside other queues for Python and Sidekiq.

Each peer runs in an environment of its own, in the fastest setting that its documentation
offers for short jobs in one process. All use one server and take turns, round by round.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from benchmarks import table, throughput
from benchmarks.peers import environments, report
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.peers.figures import BAR_HEADS, HEADS, Figures, Ours, bars, rows
from benchmarks.peers.measure import TIMED, measure
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
    parser.add_argument("--jobs", type=int, default=50_000, help="jobs in a round of mainspring")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times the usual jobs in a round of others")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each, taken in turns")
    parser.add_argument("--cache", type=Path, default=environments.CACHE, help="where environments are kept")
    parser.add_argument("--write", type=Path, help="a directory for peers.md, peers.svg and peers.json")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print, and write the page if it is asked for."""
    wanted = set(arguments.only.split(","))
    peers = [peer for peer in PEERS if peer.package in wanted]
    programs = {peer.package: environments.executables(peer.package, arguments.cache) for peer in peers}
    lines = {peer.name: _line(peer) for peer in peers}
    ours = _our_lines()
    with Server() as server:
        for _ in range(arguments.rounds):
            _our_round(server, ours, arguments)
            for peer in peers:
                found = measure(server, peer, programs[peer.package], max(2, int(peer.jobs * arguments.scale)))
                _note(lines[peer.name], found.rate, found.cpu, found.rss)
                lines[peer.name].enqueued.append(found.enqueued)
                lines[peer.name].twice += found.twice
        title = f"No-op jobs, one worker process, redis-server {server.version}, medians of {arguments.rounds} rounds"
    _show(title, ours, lines)
    if arguments.write:
        report.write(arguments.write, title, ours, list(lines.values()))


def _line(peer: Peer) -> Figures:
    return Figures(peer.name, environments.version(peer.package), peer.setting, peer.keeps)


def _our_lines() -> Ours:
    slots = f"{_SLOTS} slots, retries, statistics and histograms on"
    return Ours(
        Figures("mainspring def", __version__, slots, keeps=True),
        Figures("mainspring async def", __version__, slots, keeps=True),
        Figures("mainspring's limit", __version__, "the same scripts with no job run in between", keeps=True),
        Figures("Sidekiq", SIDEKIQ.name.rpartition(" ")[2], f"{_SLOTS} threads", keeps=False),
    )


def _our_round(server: Server, ours: Ours, arguments: argparse.Namespace) -> None:
    few = max(2, int(20_000 * arguments.scale))
    subjects = ((ours.sidekiq, SIDEKIQ, few), (ours.sync, SYNC, arguments.jobs), (ours.awaited, ASYNC, arguments.jobs))
    for line, subject, jobs in (*subjects, (ours.limit, LIMIT, arguments.jobs)):
        found = throughput.measure(server, subject, jobs, _SLOTS)
        _note(line, found.rate, found.cpu, found.rss)
    rates = _enqueue(server, python("enqueue"))
    ours.sync.enqueued.append(rates["one"])
    ours.awaited.enqueued.append(rates["awaited"])
    ours.many.append(rates["many"])
    ours.pipelined.append(rates["pipelined"])
    ours.sidekiq.enqueued.append(_enqueue(server, ["ruby", str(PROGRAMS / "sidekiq_enqueue.rb")])["one"])


def _enqueue(server: Server, command: list[str]) -> Mapping[str, float]:
    server.client.flushall()
    environment = {"BENCH_URL": server.url, "REDIS_URL": server.url}
    environment |= {"BENCH_JOBS": str(TIMED), "BENCH_MANY": str(_MANY)}
    with Program(command, environment) as program:
        rates: Mapping[str, float] = program.event("rates", timeout=120)["rates"]
    return rates


def _note(line: Figures, rate: float, cpu: float, rss: float) -> None:
    line.rates.append(rate)
    line.cpu.append(cpu)
    line.rss.append(rss)


def _show(title: str, ours: Ours, lines: Mapping[str, Figures]) -> None:
    peers = sorted(lines.values(), key=lambda each: -each.rate)
    table.show(title, HEADS, rows([ours.sync, ours.awaited, ours.limit, ours.sidekiq, *peers], ours.sync))
    for each in peers:
        if each.twice:
            print(f"{each.name} ran {each.twice} jobs twice")
    table.show("The bars", BAR_HEADS, [bar.cells for bar in bars(ours, peers)])
