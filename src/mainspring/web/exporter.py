"""What `/-/metrics` tells of the cluster: read from the store by whoever is asked, and not told by each process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Final

from mainspring.api import exposed
from mainspring.api.exposed import Exposed
from mainspring.api.overview import Snapshot
from mainspring.app import App
from mainspring.base.errors import StoreError
from mainspring.metrics import questions
from mainspring.metrics.growth import Grown, grown
from mainspring.metrics.histogram import BOUNDS
from mainspring.metrics.series import JobTotals, Totals
from mainspring.web.pace import Pace
from mainspring.web.prometheus import Histogram, Histograms, Metric, single, text

#: Classes that are told apart, those that ran most; the label must not have any number of values.
CLASSES: Final = 100
_SHARES: Final = (0.5, 0.95, 0.99)
#: Classes, and queues, whose durations are told apart; more are put together.
APART: Final = 50
#: Upper bounds of buckets, in seconds: some of those that the store counts by, so that nothing is guessed.
LE: Final = (0.005, 0.02, 0.1, 0.335, 1.1, 3.8, 13.0, 45.0, 150.0, 500.0, 1700.0, 5750.0)
#: Where durations of a bucket of the store's lie, for sums that it does not keep; the last has no end.
MIDDLES: Final = tuple((low + high) / 2 for low, high in pairwise((0.0, *BOUNDS, BOUNDS[-1])))


class Exporter:
    """Tells of one store; its counters begin at 0 when it does, and grow by what it finds from look to look."""

    def __init__(self, app: App) -> None:
        """Tell of *app*'s store; nothing is asked yet."""
        self._app = app
        self._lock = threading.Lock()
        self._counted = {family: Grown(family, APART) for family in ("jobs", "queues")}
        self._enqueued: dict[str, tuple[float, float]] = {}
        self._pace = Pace(app)

    def exposition(self, snapshot: Snapshot | None) -> str:
        """Return all metrics as text.

        Args:
            snapshot: What was read just now; None if the store does not answer.
        """
        try:
            with self._lock:
                metrics = [] if snapshot is None else list(self._metrics(snapshot))
        except StoreError:
            metrics = []
        up = single("store_up", "gauge", "Whether the store answers.", float(bool(metrics)))
        return text([up, *metrics])

    def _metrics(self, snapshot: Snapshot) -> Iterator[Metric | Histograms]:
        app, now = self._app, self._app.time.now()
        classes = questions.jobs("5m", now, CLASSES, by="runs")
        jobs, queues = self._counted["jobs"].ask(now), self._counted["queues"].ask(now)
        asked = (classes, jobs, queues)
        names = [queue.name for queue in snapshot.queues]
        sent = app.time.monotonic()
        found = exposed.look(app.store, names, [command for each in asked for command in each.commands])
        rtt = app.time.monotonic() - sent
        yield single("store_round_trip_seconds", "gauge", "How long this look at the store took.", rtt)
        yield from _server(exposed.server(app.store))
        yield from _totals(snapshot, found)
        yield from _queues(snapshot, found)
        yield self._came(found)
        yield from _processes(snapshot)
        first, second = len(classes.commands), len(classes.commands) + len(jobs.commands)
        yield from _classes(classes.answer(found.others[:first]))
        yield from _durations("job", "class", jobs.answer(found.others[first:second]))
        yield from _durations("queue", "queue", queues.answer(found.others[second:]))
        yield from self._pace.metrics()

    def _came(self, found: Exposed) -> Metric:
        # No push counts itself: what came is what was taken, and by how much the queue has grown.
        counts = {name: float(each.taken + each.size) for name, each in found.standings.items()}
        told = "Jobs that came into a queue since this process looked first, retries among them."
        return Metric("jobs_enqueued_total", "counter", told, _by("queue", grown(self._enqueued, counts)))


def _server(info: Mapping[str, str]) -> Iterator[Metric]:
    for name, field, told in (
        ("store_memory_bytes", "used_memory", "Memory that the store's data takes."),
        ("store_memory_limit_bytes", "maxmemory", "Memory that it may take; 0 for no limit."),
        ("store_clients", "connected_clients", "Connections to the store."),
    ):
        if info.get(field, "").isdecimal():
            yield single(name, "gauge", told, float(info[field]))


def _totals(snapshot: Snapshot, found: Exposed) -> Iterator[Metric]:
    outcomes = {"ok": snapshot.processed - snapshot.failed, "failed": snapshot.failed, "expired": found.expired}
    yield Metric("jobs_total", "counter", "Runs by how they ended.", _by("outcome", outcomes))
    sets = {"scheduled": snapshot.scheduled, "retry": snapshot.retries, "dead": snapshot.dead}
    yield Metric("set_size", "gauge", "Jobs in each set.", _by("set", sets))
    yield single("periodic_entries", "gauge", "Entries of the schedule.", snapshot.periodic)
    yield single("batches", "gauge", "Batches that are remembered.", snapshot.batches)


def _queues(snapshot: Snapshot, found: Exposed) -> Iterator[Metric]:
    shown = {queue.name: queue for queue in snapshot.queues if queue.name in found.standings}
    targets = {name: each.target for name, each in found.standings.items() if each.target is not None}
    taken = {name: each.taken for name, each in found.standings.items()}
    sizes = {name: queue.size for name, queue in shown.items()}
    ages = {name: queue.latency for name, queue in shown.items()}
    lanes = {name: queue.in_lanes for name, queue in shown.items()}
    paused = {name: float(queue.is_paused) for name, queue in shown.items()}
    yield Metric("queue_size", "gauge", "Jobs that wait in a queue.", _by("queue", sizes))
    yield Metric("queue_waiting_by_limits", "gauge", "Jobs that wait by limits, in lanes.", _by("queue", lanes))
    yield Metric("queue_oldest_seconds", "gauge", "For how long the oldest job has waited.", _by("queue", ages))
    yield Metric("queue_target_seconds", "gauge", "For how long jobs may wait.", _by("queue", targets))
    yield Metric("queue_paused", "gauge", "Whether a queue is paused.", _by("queue", paused))
    yield Metric("queue_taken_total", "counter", "Jobs of a queue that were handed to workers.", _by("queue", taken))


def _processes(snapshot: Snapshot) -> Iterator[Metric]:
    roles = Counter(process.role for process in snapshot.processes)
    memory: Counter[str] = Counter()
    for process in snapshot.processes:
        memory[process.role] += max(0, process.rss_kb) * 1024
    yield Metric("processes", "gauge", "Processes that show themselves.", _by("role", roles))
    yield Metric("process_rss_bytes", "gauge", "Memory of all processes of a role.", _by("role", memory))
    yield single("workers_busy", "gauge", "Jobs that run.", snapshot.busy)
    yield single("workers_capacity", "gauge", "Jobs that can run at once.", snapshot.capacity)


def _classes(totals: Sequence[JobTotals]) -> Iterator[Metric]:
    runs = [
        ({"class": each.name, "outcome": outcome}, float(count))
        for each in totals
        for outcome, count in (("ok", each.ok), ("failed", each.failed))
    ]
    yield Metric("class_runs_5m", "gauge", "Runs of a class in the last five minutes.", runs)
    for what in ("run", "wait"):
        values = [
            ({"class": each.name, "quantile": str(share)}, found / 1000)
            for each in totals
            for share in _SHARES
            if (found := each.percentile("run" if what == "run" else "wait", share)) is not None
        ]
        told = f"How long jobs of a class {'ran' if what == 'run' else 'waited'} in the last five minutes."
        yield Metric(f"class_{what}_seconds_5m", "gauge", told, values)


def _durations(prefix: str, label: str, totals: Mapping[str, Totals]) -> Iterator[Histograms]:
    for what, did in (("run", "ran"), ("wait", "waited before their first run")):
        values = []
        for name, each in totals.items():
            counts = each.run if what == "run" else each.wait
            seconds = each.run_seconds if what == "run" else sum(n * m for n, m in zip(counts, MIDDLES, strict=True))
            values.append(Histogram({label: name}, _at_most(counts), sum(counts), seconds))
        told = f"For how long jobs {did}, since this process looked first."
        yield Histograms(f"{prefix}_{what}_seconds", told, values)


def _at_most(counts: Sequence[int]) -> list[tuple[float, int]]:
    sums = list(accumulate(counts))
    return [(bound, sums[BOUNDS.index(bound)]) for bound in LE]


def _by(label: str, values: Mapping[str, float]) -> list[tuple[Mapping[str, str], float]]:
    return [({label: name}, float(value)) for name, value in values.items()]
