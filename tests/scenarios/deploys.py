"""The story of twenty-five deploys a day: when machines are up, what their clocks enqueue, and what naive ones would.

Two machines with a clock each are restarted twenty-five times a day, at random moments, and while that goes on no
worker takes a job. Our clocks run on simulated time; of the naive ones it is simple enough to say what they do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mainspring import App
from mainspring.base.payload import unix
from mainspring.testing.simulation import Simulation
from scenarios.deploylines import DAY, LINES, MINUTE, Line, define, ideal

#: Fourteen days in which clocks are put back, in Europe on the second and in America on the ninth.
START = datetime(2026, 10, 23, 7, 3, 20, tzinfo=UTC).timestamp()
DAYS = 14
DEPLOYS_A_DAY = 25
MACHINES = ("a", "b")
#: Seconds from one deploy to the next at least.
APART = 240.0
#: What came due so many seconds before a clock began, it takes for its own, and not for missed.
MOMENT = 5.0
#: For how long workers take no jobs at each, in seconds.
STOPPED = 120.0


@dataclass(frozen=True, order=True)
class Span:
    """From when to when something was, in unix seconds.

    Attributes:
        since: When it began.
        until: When it ended.
        machine: Whose clock it was, if it was one's.
    """

    since: float
    until: float
    machine: str = ""


@dataclass(frozen=True)
class Count:
    """What became of the ticks of one line.

    Attributes:
        line: The line.
        wanted: Ticks that should be enqueued.
        enqueued: Jobs that were.
        missing: Ticks without a job.
        double: Jobs more than one for a tick, and jobs for no tick.
        naive: Jobs of the naive clocks.
        naive_missing: Ticks for which the naive clocks enqueued nothing; None where nobody could say which job is
            that of which tick.
    """

    line: Line
    wanted: int
    enqueued: int
    missing: int
    double: int
    naive: int
    naive_missing: int | None


@dataclass(frozen=True)
class Story:
    """What happened.

    Attributes:
        seed: Where chance began.
        start: When it began, in unix seconds.
        end: When it ended.
        deploys: The moments at which machines were restarted.
        spans: When each clock process lived.
        gaps: When none did.
        ideal: The ticks that should be enqueued, by line.
        ours: Those that were, in order.
        naive: When naive clocks enqueued each line.
        late: The most seconds by which a job came after its time, while there was a clock.
        counts: What became of the ticks of each line.
    """

    seed: int
    start: float
    end: float
    deploys: Sequence[float]
    spans: Sequence[Span]
    gaps: Sequence[Span]
    ideal: Mapping[str, Sequence[float]]
    ours: Mapping[str, Sequence[float]]
    naive: Mapping[str, Sequence[float]]
    late: float
    counts: Sequence[Count]


def tell(seed: int, days: float = DAYS) -> Story:
    """Let it happen."""
    rng, end = random.Random(seed), START + days * DAY
    moments = deploys(rng, START, end)
    spans = lives(rng, moments, START, end)
    none = gaps(spans)
    stops = [Span(moment, moment + STOPPED) for moment in moments]
    simulation = simulate(spans, stops, end)
    ticks = {line.name: ideal(line, START, end) for line in LINES}
    expected = {line.name: wanted(line, ticks[line.name], none) for line in LINES}
    theirs = {line.name: naive(line, spans, ticks[line.name]) for line in LINES}
    ours: dict[str, list[float]] = {line.name: [] for line in LINES}
    for pushed in simulation.pushed:
        ours[pushed.job.name].append(float(pushed.job.periodic["tick"]))
    return Story(
        seed=seed,
        start=START,
        end=end,
        deploys=moments,
        spans=spans,
        gaps=none,
        ideal=expected,
        ours=ours,
        naive={name: [when for when, _ in fired] for name, fired in theirs.items()},
        late=max(_lateness(simulation, none)),
        counts=[count(line, expected[line.name], ours[line.name], theirs[line.name]) for line in LINES],
    )


# --- when machines are up ----------------------------------------------------------------


def deploys(rng: random.Random, start: float, end: float) -> list[float]:
    """Return random moments, `DEPLOYS_A_DAY` of them a day."""
    number = round((end - start) / DAY * DEPLOYS_A_DAY)
    # Drawn from what is left of the time when each has its distance, so that none need be drawn again.
    drawn = sorted(rng.uniform(APART, end - start - (number + 1) * APART) for _ in range(number))
    return [start + moment + n * APART for n, moment in enumerate(drawn)]


def lives(rng: random.Random, moments: Sequence[float], start: float, end: float) -> list[Span]:
    """Return when each clock process lived, if both machines were restarted at each of the *moments*.

    Four deploys of five are rolling: one machine after the other, each with its new clock started up to
    20 s before or after its old one ends. At every fifth both machines are down for up to a minute.
    """
    born = dict.fromkeys(MACHINES, start)
    found: list[Span] = []
    for number, moment in enumerate(moments):
        for machine, (ends, begins) in zip(MACHINES, _swaps(rng, moment, is_rolling=number % 5 != 4), strict=True):
            found.append(Span(born[machine], ends, machine))
            born[machine] = begins
    return sorted([*found, *(Span(since, end, machine) for machine, since in born.items())])


def _swaps(rng: random.Random, moment: float, *, is_rolling: bool) -> Iterator[tuple[float, float]]:
    """Yield for each machine when its old clock ends, and when its new one begins."""
    if is_rolling:
        for n in range(len(MACHINES)):
            ends = moment + 40 * n + rng.uniform(20, 40)
            yield ends, ends + rng.uniform(-20, 20)
        return
    back = moment + 10 + rng.uniform(5, 60)
    yield moment + rng.uniform(0, 10), back
    yield moment + 10, back + rng.uniform(0, 10)


def gaps(spans: Sequence[Span]) -> list[Span]:
    """Return when no clock lived, between the first and the last."""
    found, until = [], spans[0].until
    for span in spans:
        if span.since > until:
            found.append(Span(until, span.since))
        until = max(until, span.until)
    return found


# --- what comes out -----------------------------------------------------------------------


def simulate(spans: Sequence[Span], stops: Sequence[Span], end: float) -> Simulation:
    """Let clocks live through *spans*, with workers that take no job during *stops*."""
    app = App("redis://127.0.0.1:1/0")
    define(app)
    simulation = Simulation(app, spans[0].since)
    moments = [(span.since, "begin", f"{span.machine}{number}") for number, span in enumerate(spans)]
    moments += [(span.until, "end", f"{span.machine}{number}") for number, span in enumerate(spans)]
    moments += [(stop.since, "stop", "") for stop in stops] + [(stop.until, "go on", "") for stop in stops]
    for moment, what, name in sorted(moments):
        simulation.run(moment)
        if what == "begin":
            simulation.begin(name)
        elif what == "end":
            simulation.end(name)
        else:
            simulation.is_stopped = what == "stop"
    simulation.run(end)
    return simulation


def _lateness(simulation: Simulation, none: Sequence[Span]) -> Iterator[float]:
    """Yield by how many seconds each job came after it was due, if a clock was there then."""
    for pushed in simulation.pushed:
        late = float(pushed.job.periodic["late"])
        due = unix(pushed.job.created_at) - late
        if not any(gap.since <= due <= gap.until for gap in none):
            yield late


def wanted(line: Line, ticks: Sequence[float], none: Sequence[Span]) -> list[float]:
    """Return those of the ideal *ticks* that shall be enqueued, when no clock lived in the gaps *none*.

    A gap is a minute at most, so that one tick of a line falls into it, and is not too late when it ends.
    """
    if line.options.get("missed") != "skip":
        return list(ticks)
    return [tick for tick in ticks if not any(gap.since < tick < gap.until - MOMENT for gap in none)]


def count(
    line: Line, expected: Sequence[float], found: Sequence[float], theirs: Sequence[tuple[float, float]]
) -> Count:
    """Hold what was enqueued against what should have been."""
    missing = len(set(expected) - set(found))
    return Count(
        line=line,
        wanted=len(expected),
        enqueued=len(found),
        missing=missing,
        double=len(found) - (len(expected) - missing),
        naive=len(theirs),
        naive_missing=None if line.is_due is None else len(set(expected) - {tick for _, tick in theirs}),
    )


# --- the naive clock ------------------------------------------------------------------------


def naive(line: Line, spans: Sequence[Span], ticks: Sequence[float]) -> list[tuple[float, float]]:
    """Return when naive clocks that live through *spans* enqueue *line*, and for which instant.

    It is clockwork's way: nothing is remembered, and nobody asked. A period runs when the process starts and each
    period from then on; a time of day runs if the process looks within its minute, and has not run it yet.
    """
    return sorted(pair for span in spans for pair in _naive(line, span, ticks))


def _naive(line: Line, span: Span, ticks: Sequence[float]) -> Iterator[tuple[float, float]]:
    if line.is_due is None:
        assert line.every is not None
        times = int((span.until - span.since) // line.every) + 1
        yield from ((span.since + n * line.every,) * 2 for n in range(times))
        return
    for tick in ticks:
        when = max(tick, span.since)
        if when < min(tick + MINUTE, span.until):
            yield when, tick
