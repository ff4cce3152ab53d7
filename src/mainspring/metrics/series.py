"""What metrics answer: a course in time, and sums over a period. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Literal, TypeAlias

from mainspring.base.errors import InvalidOption
from mainspring.metrics.histogram import BUCKETS, quantile
from mainspring.store.metrics import Record

#: How many durations fell into each of the buckets of `metrics.histogram.BOUNDS_MS`.
Histogram: TypeAlias = tuple[int, ...]
#: Which durations: of runs, or of waiting in a queue before the first of them.
What: TypeAlias = Literal["run", "wait"]

_NONE: Record = (0, 0, 0)


def histogram(record: Record, what: What) -> Histogram:
    """Return one of the two histograms of a record.

    Raises:
        InvalidOption: If *what* is neither ``run`` nor ``wait``.
    """
    if what not in {"run", "wait"}:
        raise InvalidOption(f"{what!r}: metrics know of 'run' and 'wait'")
    first = 0 if what == "run" else BUCKETS
    counts = [0] * BUCKETS
    for number, count in zip(record[3::2], record[4::2], strict=True):
        if first <= number < first + BUCKETS:
            counts[number - first] += count
    return tuple(counts)


def together(records: Iterable[Record]) -> Record:
    """Return the sum of records as one."""
    ok = failed = run_ms = 0
    counts: dict[int, int] = {}
    for record in records:
        ok, failed, run_ms = ok + record[0], failed + record[1], run_ms + record[2]
        for place in range(3, len(record), 2):
            number = record[place]
            counts[number] = counts.get(number, 0) + record[place + 1]
    return (ok, failed, run_ms, *chain.from_iterable(sorted(counts.items())))


@dataclass(frozen=True)
class Totals:
    """Sums over a period. Histograms are added up when they are asked for: of many jobs few are looked at.

    Attributes:
        ok: Runs that did not fail.
        failed: Runs that failed.
        run_seconds: How long those that did not fail took together.
        records: What was counted in each bucket of the period in which something was.
    """

    ok: int
    failed: int
    run_seconds: float
    records: tuple[Record, ...] = field(repr=False)

    @classmethod
    def of(cls, records: Iterable[Record]) -> Totals:
        """Return the sums of records."""
        found = tuple(records)
        return Totals(
            sum([record[0] for record in found]),
            sum([record[1] for record in found]),
            sum([record[2] for record in found]) / 1000,
            found,
        )

    @cached_property
    def _sum(self) -> Record:
        return together(self.records)

    @cached_property
    def run(self) -> Histogram:
        """How many runs took how long; failed ones are not in it."""
        return histogram(self._sum, "run")

    @cached_property
    def wait(self) -> Histogram:
        """How many jobs waited how long in their queue before their first run; retries are not in it."""
        return histogram(self._sum, "wait")

    @property
    def processed(self) -> int:
        """All runs."""
        return self.ok + self.failed

    @property
    def failure_rate(self) -> float:
        """The share of runs that failed, from 0 to 1; 0 if nothing ran."""
        return self.failed / self.processed if self.processed else 0.0

    def percentile(self, what: What, share: float) -> float | None:
        """Return the duration below which *share* of them lies, in milliseconds; None if there are none.

        See `metrics.histogram.quantile` for how exact that is.
        """
        return quantile(self.run if what == "run" else self.wait, share)


@dataclass(frozen=True, slots=True)
class Series:
    """What happened in each of some buckets of time that follow one another.

    Attributes:
        step: Seconds in a bucket.
        times: When each began, in unix seconds.
        records: What was counted in each; None where nothing was.
        is_unfinished: True if the last bucket is not over yet.
    """

    step: int
    times: tuple[int, ...]
    records: tuple[Record | None, ...]
    is_unfinished: bool = True

    @property
    def ok(self) -> tuple[int, ...]:
        """Runs that did not fail, by bucket; 0 where nothing was counted."""
        return tuple(record[0] if record else 0 for record in self.records)

    @property
    def failed(self) -> tuple[int, ...]:
        """Runs that failed, by bucket."""
        return tuple(record[1] if record else 0 for record in self.records)

    @property
    def run_ms(self) -> tuple[int, ...]:
        """How long those that did not fail took together, in milliseconds, by bucket."""
        return tuple(record[2] if record else 0 for record in self.records)

    @property
    def run(self) -> tuple[Histogram, ...]:
        """How many runs took how long, by bucket."""
        return tuple(histogram(record or _NONE, "run") for record in self.records)

    @property
    def wait(self) -> tuple[Histogram, ...]:
        """How many jobs waited how long before their first run, by bucket."""
        return tuple(histogram(record or _NONE, "wait") for record in self.records)

    def percentile(self, what: What, share: float) -> tuple[float | None, ...]:
        """Return a percentile by bucket, in milliseconds; None where there is nothing to take it of."""
        return tuple(None if record is None else quantile(histogram(record, what), share) for record in self.records)

    def rates(self, now: float) -> tuple[float, ...]:
        """Return runs a second by bucket, failed ones included; the last counts for as long as it has run at *now*."""
        lengths = [self.step] * len(self.times)
        if self.is_unfinished and lengths:
            lengths[-1] = int(min(max(now - self.times[-1], 1), self.step))
        return tuple((ok + bad) / n for ok, bad, n in zip(self.ok, self.failed, lengths, strict=True))

    def total(self) -> Totals:
        """Return the sums over all buckets."""
        return Totals.of(record for record in self.records if record)


@dataclass(frozen=True)
class JobTotals(Totals):
    """The sums of one job, or of one queue, over a period.

    Attributes:
        name: Its name; ``(others)`` for those beyond the 500 that are told apart.
        share: Its part of the run time of all in the period, from 0 to 1.
    """

    name: str
    share: float

    @property
    def run_p50(self) -> float | None:
        """The median of its runs, in milliseconds."""
        return self.percentile("run", 0.5)

    @property
    def run_p95(self) -> float | None:
        """What 95 % of its runs took less than, in milliseconds."""
        return self.percentile("run", 0.95)

    @property
    def run_p99(self) -> float | None:
        """What 99 % of its runs took less than, in milliseconds."""
        return self.percentile("run", 0.99)

    @property
    def wait_p95(self) -> float | None:
        """What 95 % of its jobs waited less than, in milliseconds."""
        return self.percentile("wait", 0.95)


def shared(found: Mapping[str, Totals]) -> dict[str, JobTotals]:
    """Return sums by name, each with its share of all."""
    seconds = sum(each.run_seconds for each in found.values())
    return {
        name: JobTotals(
            each.ok,
            each.failed,
            each.run_seconds,
            each.records,
            name=name,
            share=each.run_seconds / seconds if seconds else 0.0,
        )
        for name, each in found.items()
    }


@dataclass(frozen=True, slots=True)
class Deploy:
    """A deploy that was marked.

    Attributes:
        at: When, in unix seconds, to the minute.
        label: Which release, or whatever else it was marked as.
    """

    at: float
    label: str
