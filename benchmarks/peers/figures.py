"""What a subject showed over all rounds, and the bars that mainspring set itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks import table


@dataclass
class Figures:
    """One line of the table; lists hold one value a round.

    Attributes:
        name: What the table shows.
        version: Its version.
        setting: Its setting in words.
        keeps: True if a job stays in the store until it has run.
        rates: Jobs run a second.
        cpu: Seconds of the worker's CPU a job.
        rss: MB at most.
        enqueued: Jobs enqueued a second, one by one.
        twice: How many jobs ran more than once, in all rounds.
    """

    name: str
    version: str
    setting: str
    keeps: bool
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    rss: list[float] = field(default_factory=list)
    enqueued: list[float] = field(default_factory=list)
    twice: int = 0

    @property
    def rate(self) -> float:
        """The median of jobs run a second."""
        return median(self.rates)

    @property
    def enqueue(self) -> float:
        """The median of jobs enqueued a second."""
        return median(self.enqueued)


@dataclass(frozen=True)
class Ours:
    """Our own lines, and Sidekiq's."""

    sync: Figures
    awaited: Figures
    limit: Figures
    sidekiq: Figures
    many: list[float] = field(default_factory=list)
    pipelined: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Bar:
    """One bar: what is compared, how it came out, and what it must be at least."""

    text: str
    reached: float
    least: float

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Its line of the table."""
        return (
            self.text,
            table.ratio(self.reached),
            table.ratio(self.least),
            "yes" if self.reached >= self.least else "NO",
        )


BAR_HEADS = ("", "measured", "bar", "reached")
HEADS = ("", "version", "jobs/s", "lowest - highest", "CPU a job", "RSS max", "enqueue/s", "mainspring is", "kept")


def rows(figures: Sequence[Figures], ours: Figures) -> list[tuple[str, ...]]:
    """Return the lines of the table."""
    return [
        (
            each.name,
            each.version,
            table.count(each.rate),
            f"{table.count(min(each.rates))} - {table.count(max(each.rates))}",
            table.micro(median(each.cpu)),
            f"{max(each.rss):.0f} MB" if max(each.rss) else "",
            table.count(each.enqueue) if each.enqueued else "",
            table.ratio(ours.rate / each.rate),
            "yes" if each.keeps else "no",
        )
        for each in figures
    ]


def bars(ours: Ours, peers: Sequence[Figures]) -> list[Bar]:
    """Compare with the bars; those beside peers are left out where none ran."""
    found = [
        Bar("def beside Sidekiq", ours.sync.rate / ours.sidekiq.rate, 10),
        Bar("async def beside Sidekiq", ours.awaited.rate / ours.sidekiq.rate, 6),
        Bar("def beside its limit, fetch and acknowledge alone", ours.sync.rate / ours.limit.rate, 0.5),
        Bar("enqueue_many beside bare LPUSH, pipelined", median(ours.many) / median(ours.pipelined), 0.5),
    ]
    if peers:
        fastest = max(peers, key=lambda each: each.rate)
        quickest = max((*peers, ours.sidekiq), key=lambda each: each.enqueue)
        found.insert(1, Bar(f"def beside the fastest in Python, {fastest.name}", ours.sync.rate / fastest.rate, 25))
        found.append(Bar(f"enqueue beside the quickest, {quickest.name}", ours.sync.enqueue / quickest.enqueue, 1))
    return found


def record(figures: Sequence[Figures]) -> list[Mapping[str, object]]:
    """Return what goes into the JSON file."""
    return [vars(each) | {"median_rate": each.rate} for each in figures]
