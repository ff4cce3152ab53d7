"""No-op jobs a second of one worker process, beside Sidekiq's.

Each round fills a queue, starts one process, and takes from it when its first and its last
job ran, by its own clocks. A round counts only if as many jobs ran as were pushed, by the
job's own count and by the store's, and if nothing is left anywhere.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass
from statistics import median

from benchmarks import table
from benchmarks.process import Program
from benchmarks.server import Server
from benchmarks.subjects import ASYNC, LIMIT, SIDEKIQ, SYNC, Subject
from mainspring import App


@dataclass(frozen=True)
class Round:
    """What one round of one subject showed: jobs a second, seconds of CPU a job, and MB at most."""

    rate: float
    cpu: float
    server_cpu: float
    rss: float


class Unequal(Exception):
    """Not as many jobs ran as were pushed."""


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each subject, taken in turns")
    parser.add_argument("--jobs", type=int, default=100_000, help="jobs in a round")
    parser.add_argument("--sidekiq-jobs", type=int, default=20_000, help="jobs in a round of Sidekiq, which is slower")
    parser.add_argument("--concurrency", type=int, default=10)


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    rounds: dict[str, list[Round]] = defaultdict(list)
    with Server() as server:
        title = f"No-op jobs, one process, {arguments.concurrency} slots, redis-server {server.version}"
        for _ in range(arguments.rounds):
            for subject in (SIDEKIQ, SYNC, ASYNC, LIMIT):
                jobs = arguments.sidekiq_jobs if subject is SIDEKIQ else arguments.jobs
                rounds[subject.name].append(measure(server, subject, jobs, arguments.concurrency))
    base = median(each.rate for each in rounds[SIDEKIQ.name])
    heads = ("", "jobs/s", "of Sidekiq", "lowest - highest", "CPU a job", "server CPU a job", "RSS max")
    table.show(
        f"{title}: medians of {arguments.rounds} rounds, executed = pushed in each",
        heads,
        [_row(name, found, base) for name, found in rounds.items()],
    )


def measure(server: Server, subject: Subject, jobs: int, concurrency: int) -> Round:
    """Run one round.

    Raises:
        Unequal: If not exactly the jobs that were pushed have run.
    """
    fill(server, subject.job, jobs)
    environment = {
        "BENCH_URL": server.url,
        "REDIS_URL": server.url,
        "BENCH_JOBS": str(jobs),
        "BENCH_CONCURRENCY": str(concurrency),
    }
    before = server.cpu()
    with Program(subject.command(concurrency), environment) as program:
        done = program.event("done", timeout=120)
        server_cpu = server.cpu() - before
        rss = program.rss(highest=True) if subject.is_endless else 0.0
        if subject.is_endless:
            program.end()
        total = program.event("total", timeout=30)["count"]
    _check(server, subject, jobs, total)
    return Round(jobs / done["seconds"], done["cpu"] / jobs, server_cpu / jobs, rss)


def fill(server: Server, job: str, jobs: int) -> None:
    """Empty the server, and push *jobs* jobs with one integer each; the same bytes for all but the class."""
    server.client.flushall()
    app = App(server.url)

    @app.job(name=job)
    def nop(number: int) -> None: ...

    nop.enqueue_many((number,) for number in range(jobs))
    app.close()


def _check(server: Server, subject: Subject, jobs: int, total: int) -> None:
    processed = int(server.client.get("stat:processed") or 0)
    left = server.left()
    if total != jobs or processed != jobs or left:
        raise Unequal(f"{subject.name}: {jobs} pushed, {total} ran, {processed} counted by the store, {left} left")


def _row(name: str, rounds: list[Round], base: float) -> tuple[str, ...]:
    rates = [each.rate for each in rounds]
    rss = max(each.rss for each in rounds)
    return (
        name,
        table.count(median(rates)),
        table.ratio(median(rates) / base),
        f"{table.count(min(rates))} - {table.count(max(rates))}",
        table.micro(median(each.cpu for each in rounds)),
        table.micro(median(each.server_cpu for each in rounds)),
        f"{rss:.1f} MB" if rss else "",
    )
