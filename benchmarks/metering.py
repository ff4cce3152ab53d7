"""What metrics cost: jobs a second with and without them, the time of a flush and of a question, and room.

Metrics are counted in every other turn of 50 ms of one process, and in none of a control, whose turns show how far
two of a kind differ: processes with the same code do so by several percent. The room is the server's own count, of
buckets filled as they are when a job or a queue has run in each of them for as long as they are kept.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from statistics import median

from benchmarks import table
from benchmarks.process import ROOT, Program
from benchmarks.server import Server
from benchmarks.subjects import Subject, python
from benchmarks.throughput import _check
from mainspring import App
from mainspring.base.timesource import TimeSource
from mainspring.metrics.histogram import BUCKETS
from mainspring.metrics.query import PERIODS, Metrics
from mainspring.store import keys, metrics, tiers
from mainspring.store.connection import Store
from mainspring.store.metrics import ALL, Delta, Record

_DAY = 86_400


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--rounds", type=int, default=9, help="rounds")
    parser.add_argument("--jobs", type=int, default=400_000, help="jobs in a round")
    parser.add_argument("--concurrency", type=int, default=10)


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    with Server() as server:
        _throughput(server, arguments)
        _flushes(server)
        _questions(server)
        _room(server)


# --- throughput ----------------------------------------------------------------------


def _throughput(server: Server, arguments: argparse.Namespace) -> None:
    found: dict[str, list[_Round]] = {"turns": [], "control": [], "timed": []}
    for _ in range(arguments.rounds):
        for how, rounds in found.items():
            rounds.append(_round(server, how, arguments))
    rows = [
        (
            name,
            *(show(median(pick(each)[side] for each in found["turns"])) for side in (1, 0)),
            *(f"{median(pick(each)[1] / pick(each)[0] for each in found[how]):.3f} x" for how in ("turns", "control")),
        )
        for name, pick, show in (
            ("jobs/s", attrgetter("rates"), table.count),
            ("CPU a job", attrgetter("cpus"), table.micro),
        )
    ]
    meter, share = (median(getattr(each, field) for each in found["timed"]) for field in ("meter", "share"))
    table.show(
        f"No-op jobs, {arguments.concurrency} slots, metrics in every other turn of 50 ms of a process: medians of"
        f" {arguments.rounds}",
        ("", "with metrics", "without", "with / without", "without / without"),
        [*rows, ("of it to count", f"{meter * 1e9:.0f} ns", "", f"{share:.1%} of CPU", "")],
    )


@dataclass(frozen=True)
class _Round:
    """What one round showed, of turns without metrics and with them.

    Attributes:
        rates: Jobs a second.
        cpus: Seconds of CPU a job.
        meter: Those of them that it took to count, if that was timed.
    """

    rates: Sequence[float]
    cpus: Sequence[float]
    meter: float

    @property
    def share(self) -> float:
        """The meter's part of the CPU."""
        return self.meter / self.cpus[1]


def _round(server: Server, how: str, arguments: argparse.Namespace) -> _Round:
    jobs = arguments.jobs
    server.client.flushall()
    app = App(server.url)
    app.job(name="nop")(lambda _: None).enqueue_many((number,) for number in range(jobs))
    app.close()
    environment = {
        "BENCH_URL": server.url,
        "BENCH_JOBS": str(jobs),
        "BENCH_CONCURRENCY": str(arguments.concurrency),
        "BENCH_METER": how,
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    }
    with Program(python("metering"), environment) as running:
        running.event("done", timeout=120)
        running.end()
        total = running.event("total", timeout=30)["count"]
        said = running.event("meter", timeout=30)
    _check(server, Subject(how, "nop", lambda _: []), jobs, total)
    rates = [count / seconds for count, seconds in zip(said["jobs"], said["seconds"], strict=True)]
    cpus = [cpu / count for count, cpu in zip(said["jobs"], said["cpu"], strict=True)]
    return _Round(rates, cpus, said["meter"] / jobs)


# --- flushes and questions -----------------------------------------------------------


def _record(rng: random.Random, runs: int) -> Record:
    """Return what a job has that takes from 10 ms to some seconds: five buckets of runs, three of waits."""
    run = sorted(rng.sample(range(5, 20), 5))
    wait = sorted(rng.sample(range(BUCKETS, BUCKETS + 12), 3))
    pairs = [word for number in (*run, *wait) for word in (number, max(1, runs // 5))]
    return (runs, runs // 50, runs * 130, *pairs)


def _names(kind: str, count: int) -> list[str]:
    return [f"shop.billing.{kind}{number}" for number in range(count)]


def _flushes(server: Server) -> None:
    store, rows, many = Store(server.url), [], 40
    for jobs, queues in ((5, 2), (50, 10), (500, 200)):
        server.client.flushall()
        calls = [metrics.add(_delta(jobs, queues, number)) for number in range(many + 1)]
        store.run(calls.pop())
        before = server.cpu()
        for call in calls:
            store.run(call)
        rows.append((f"{jobs} jobs in {queues} queues", table.milli((server.cpu() - before) / many)))
    store.close()
    table.show("A flush, of which a process makes one in 10 s", ("", "CPU of the server"), rows)


def _delta(jobs: int, queues: int, number: int) -> Delta:
    rng = random.Random(number)
    return Delta(
        str(number),
        time.time(),
        {name: _record(rng, 20) for name in _names("Job", jobs)},
        {name: _record(rng, 20) for name in [*_names("queue", queues), ALL]},
    )


def _fill(server: Server, jobs: int, queues: int, tier: tiers.Tier, seconds: float, now: float) -> None:
    rng = random.Random(1)
    for at in tier.starts(seconds, now):
        pipeline = server.client.pipeline(transaction=False)
        families = {"jobs": _names("Job", jobs), "queues": [*_names("queue", queues), ALL]}
        for family, names in families.items():
            packed = {name: metrics.packed(_record(rng, tier.step // 60 * 20)) for name in names}
            if packed:
                pipeline.hset(keys.metrics(family, tier.name, at), mapping=packed)  # type: ignore[arg-type]  # bytes
        pipeline.execute()


def _questions(server: Server) -> None:
    sizes = ((50, 10), (500, 200))
    found = [_asked(server, jobs, queues) for jobs, queues in sizes]
    heads = ("", *(f"{jobs} jobs, {queues} queues" for jobs, queues in sizes))
    table.show(
        "A question, its round trip included: fastest of 15",
        heads,
        [(name, *(side[name] for side in found)) for name in found[0]],
    )


def _asked(server: Server, jobs: int, queues: int) -> dict[str, str]:
    now = time.time()
    server.client.flushall()
    for period in tiers.PERIODS.values():
        _fill(server, jobs, queues, period.coarse, period.seconds, now)
        _fill(server, 1, 1, period.fine, period.seconds, now)
    metrics = Metrics(Store(server.url), TimeSource())
    asked: dict[str, Callable[[str], object]] = {
        "series": metrics.series,
        "queues": metrics.queues,
        "jobs": metrics.jobs,
        "oldest, of one queue": partial(metrics.oldest, "queue0"),
        "deploys": metrics.deploys,
    }
    return {
        f"{name}, {period}": _fastest(partial(question, period))
        for name, question in asked.items()
        for period in PERIODS
    }


def _fastest(ask: Callable[[], object]) -> str:
    took = []
    for _ in range(15):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return table.milli(min(took))


# --- room ----------------------------------------------------------------------------


def _room(server: Server) -> None:
    """Show what one more job takes in each tier, if it runs in every bucket."""
    rows, most, fewest = [], 60, 20
    total = 0.0
    for tier in tiers.TIERS:
        a_bucket = (_used(server, tier, most) - _used(server, tier, fewest)) / (most - fewest)
        kept = tier.keep / tier.step
        total += a_bucket * kept
        rows.append((tier.name, f"{a_bucket:.0f} B", _bytes(a_bucket * _DAY / tier.step), _bytes(a_bucket * kept)))
    table.show(
        "Room of a job, or of a queue, that runs in every bucket",
        ("tier", "a bucket", "a day", "as long as it is kept"),
        [*rows, ("all", "", "", _bytes(total))],
    )


def _used(server: Server, tier: tiers.Tier, jobs: int) -> float:
    """Return the bytes of a bucket with so many jobs."""
    server.client.flushall()
    _fill(server, jobs, 0, tier, tier.step * 10, time.time())
    sizes = [
        server.client.memory_usage(keys.metrics("jobs", tier.name, at), samples=0)
        for at in tier.starts(tier.step * 10, time.time())
    ]
    return median(size or 0 for size in sizes)


def _bytes(number: float) -> str:
    return f"{number / 1000:,.1f} kB"
