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
        enqueue_cpu: Seconds of the client's CPU for each of them.
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
    enqueue_cpu: list[float] = field(default_factory=list)
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
    """Our own lines and Sidekiq's, and what bounds both: the limit of running, and the bare command of enqueueing."""

    sync: Figures
    awaited: Figures
    limit: Figures
    sidekiq: Figures
    bare: Figures
    many: list[float] = field(default_factory=list)
    pipelined: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    @property
    def lines(self) -> list[Figures]:
        """All lines, in the order of the table."""
        return [self.sync, self.awaited, self.limit, self.sidekiq, self.bare]


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
HEADS = ("", "version", "jobs/s", "lowest - highest", "CPU a job", "RSS max", "mainspring is", "by CPU", "kept")
ENQUEUE_HEADS = ("", "enqueue/s", "lowest - highest", "CPU each", "mainspring is", "by CPU")


def rows(figures: Sequence[Figures], ours: Figures) -> list[tuple[str, ...]]:
    """Return the lines of the table of jobs run."""
    return [
        (
            each.name,
            each.version,
            table.count(each.rate),
            _spread(each.rates),
            table.micro(median(each.cpu)),
            f"{max(each.rss):.0f} MB" if max(each.rss) else "",
            table.ratio(ours.rate / each.rate),
            table.ratio(median(each.cpu) / median(ours.cpu)),
            "yes" if each.keeps else "no",
        )
        for each in figures
        if each.rates
    ]


def enqueue_rows(figures: Sequence[Figures], ours: Figures) -> list[tuple[str, ...]]:
    """Return the lines of the table of jobs enqueued."""
    return [
        (
            each.name,
            table.count(each.enqueue),
            _spread(each.enqueued),
            table.micro(median(each.enqueue_cpu)) if each.enqueue_cpu else "",
            table.ratio(ours.enqueue / each.enqueue),
            table.ratio(median(each.enqueue_cpu) / median(ours.enqueue_cpu)) if each.enqueue_cpu else "",
        )
        for each in figures
        if each.enqueued
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
        quickest = max(peers, key=lambda each: each.enqueue)
        found.insert(1, Bar(f"def beside the fastest in Python, {fastest.name}", ours.sync.rate / fastest.rate, 25))
        found.append(
            Bar(f"enqueue beside the quickest in Python, {quickest.name}", ours.sync.enqueue / quickest.enqueue, 1)
        )
    return found


def _spread(rates: Sequence[float]) -> str:
    return f"{table.count(min(rates))} - {table.count(max(rates))}"


def record(figures: Sequence[Figures]) -> list[Mapping[str, object]]:
    """Return what goes into the JSON file."""
    return [vars(each) for each in figures]
