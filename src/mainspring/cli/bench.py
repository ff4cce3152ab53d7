"""``mainspring bench``: what your own server and machine can do, without disturbing anybody."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import click

from mainspring.app import App
from mainspring.base.durations import in_words
from mainspring.cli import boot
from mainspring.cli.failure import Failure
from mainspring.cli.options import app_option, debug_option, examples, json_option
from mainspring.cli.output import listing, print_json
from mainspring.push import new_jid
from mainspring.store import stats
from mainspring.worker import Worker

#: Jobs that are enqueued one by one, to a worker that has nothing else to do.
_PROBES: Final = 200
#: Seconds without any progress after which a run is given up.
_STUCK: Final = 30.0


@dataclass(frozen=True, slots=True)
class Result:
    """What a run measured.

    Attributes:
        jobs: How many were pushed.
        executed: How many ran.
        counted: How many the store counted.
        concurrency: How many could run at once.
        pushed_per_s: Jobs pushed in a second, 1,000 in a call.
        executed_per_s: Jobs run in a second, by one process.
        latency_p50_ms: From an enqueue to the start of the job on an idle worker: the median.
        latency_p99_ms: The same: what one in a hundred exceeds.
    """

    jobs: int
    executed: int
    counted: int
    concurrency: int
    pushed_per_s: int
    executed_per_s: int
    latency_p50_ms: float
    latency_p99_ms: float


class Run:
    """One measurement, in keys of its own, which are removed at its end."""

    def __init__(self, url: str, jobs: int, concurrency: int) -> None:
        """Prepare a run of *jobs* no-op jobs; nothing is sent yet."""
        # With a prefix, counters, queues and processes of others stay as they are.
        self.prefix = f"mainspring-bench-{new_jid()[:8]}/"
        self.app = App(url, prefix=self.prefix, name="bench")
        self._jobs = jobs
        self._concurrency = concurrency
        self._count = itertools.count(1)
        self._all_ran = threading.Event()
        self._started = threading.Event()
        self._at = 0.0
        self.noop = self.app.job(name="bench.noop")(self._noop)
        self.probe = self.app.job(name="bench.probe")(self._probe)
        self.executed = 0

    def _noop(self) -> None:
        # The count is one step of the interpreter, so threads cannot miscount.
        self.executed = number = next(self._count)
        if number == self._jobs:
            self._all_ran.set()

    def _probe(self) -> None:
        self._at = time.monotonic()
        self._started.set()

    def measure(self, say: Callable[[str], None]) -> Result:
        """Push, run, count; return what was measured.

        Raises:
            Failure: If jobs stop running before all have.
        """
        pushing = self._push()
        say(f"pushed {self._jobs:,} jobs in {in_words(pushing)}")
        worker = Worker(self.app, self._concurrency, timeout=1)
        begun = time.monotonic()
        with worker:
            self._wait(say)
            running = time.monotonic() - begun
            say(f"ran them in {in_words(running)}")
            waits = sorted(self._probes())
        counted = self.app.store.run(stats.counters())[0] - len(waits)
        return Result(
            jobs=self._jobs,
            executed=self.executed,
            counted=counted,
            concurrency=self._concurrency,
            pushed_per_s=round(self._jobs / pushing),
            executed_per_s=round(self._jobs / running),
            latency_p50_ms=_quantile(waits, 0.5),
            latency_p99_ms=_quantile(waits, 0.99),
        )

    def _push(self) -> float:
        begun = time.monotonic()
        self.noop.enqueue_many(itertools.repeat(self.noop.call(), self._jobs))
        return time.monotonic() - begun

    def _wait(self, say: Callable[[str], None]) -> None:
        before = -1
        while not self._all_ran.wait(_STUCK if before == self.executed else 5):
            if before == self.executed:
                raise Failure(f"{self.executed:,} of {self._jobs:,} jobs ran, and no more for {_STUCK:.0f} s")
            before = self.executed
            say(f"{before:,} of {self._jobs:,} ran")

    def _probes(self) -> Iterator[float]:
        for _ in range(_PROBES):
            self._started.clear()
            sent = time.monotonic()
            self.probe.enqueue()
            if not self._started.wait(_STUCK):
                raise Failure(f"a job that was enqueued to an idle worker did not start within {_STUCK:.0f} s")
            yield max(0.0, self._at - sent)

    def clean(self) -> None:
        """Remove every key of this run."""
        store = App(self.app.url).store
        cursor = -1
        while cursor != 0:
            cursor, names = store.run(stats.keys_with(self.prefix, max(cursor, 0)))
            if names:
                store.run(stats.drop(names))
        self.app.close()


def _quantile(values: Sequence[float], share: float) -> float:
    return round(values[min(len(values) - 1, int(len(values) * share))] * 1000, 3)


@click.command(
    epilog=examples("mainspring bench", "mainspring bench --jobs 200000 -c 25", "mainspring bench -A shop.jobs --json")
)
@app_option
@click.option(
    "--jobs", type=click.IntRange(1, 10_000_000), default=50_000, show_default=True, help="How many no-op jobs."
)
@click.option(
    *("-c", "--concurrency"), type=click.IntRange(1, 1000), default=10, show_default=True, help="How many at once."
)
@json_option
@debug_option
def bench(*, app_name: str | None, jobs: int, concurrency: int, as_json: bool) -> int:
    """Measure what your server and this machine can do: no-op jobs through one worker process.

    The jobs have keys of their own, which are removed at the end; other jobs are not touched.
    """
    run = Run(boot.any_app(app_name).url, jobs, concurrency)
    try:
        result = run.measure(lambda line: click.echo(line, err=True))
    finally:
        run.clean()
    if as_json:
        print_json(asdict(result))
    else:
        click.echo(listing(_facts(result)))
    if not result.jobs == result.executed == result.counted:
        raise Failure(f"{result.jobs:,} jobs were pushed, {result.executed:,} ran and {result.counted:,} were counted")
    return 0


def _facts(result: Result) -> Iterator[tuple[str, object]]:
    yield "push", f"{result.pushed_per_s:,} jobs/s in calls of 1,000"
    yield "run", f"{result.executed_per_s:,} jobs/s, {result.concurrency} slots, python {sys.version.split()[0]}"
    yield (
        "latency",
        f"p50 {result.latency_p50_ms} ms, p99 {result.latency_p99_ms} ms from enqueue to start, idle worker",
    )
    yield "executed", f"{result.executed:,} of {result.jobs:,} pushed"
