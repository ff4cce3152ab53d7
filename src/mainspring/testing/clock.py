"""What fires when: an App's schedule, run through in no time, without a server and without sleeping."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from mainspring.app import App
from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidOption
from mainspring.schedule.zones import zone
from mainspring.testing.simulation import Pushed, Simulation

#: From when to when no clock runs.
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Fired:
    """One job that the clock has enqueued.

    Attributes:
        name: The periodic entry.
        at: The nominal time of its tick, in the entry's zone.
        job: The job's name.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        queue: The queue that it went to.
        kind: ``"scheduled"``, or ``"caught_up"`` if it was missed.
        jid: The job's id, which is the same on every machine.
        late: Seconds from *at* to when it was enqueued, or to when it is to run: its jitter, or how long no clock ran.
    """

    name: str
    at: datetime
    job: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    queue: str
    kind: str
    jid: str
    late: float


def run_clock(
    app: App,
    start: datetime,
    end: datetime,
    *,
    runs: Mapping[str, Duration] | None = None,
    restarts: Iterable[datetime] = (),
    down: Iterable[Span] = (),
) -> list[Fired]:
    """Return what the clock of *app* enqueues from *start* to *end*, in that order.

    It is the real clock, on a time and a store that are simulated: conditions, hooks, enqueue
    middleware, jitter, exclusions and policies for missed ticks do what they do in life. Entries
    that live in the store only, as `App.periodic` makes them, are not there. No job runs.

    Example:
        .. code-block:: python

            def test_the_report_comes_once_a_day_however_often_we_deploy():
                deploys = [datetime(2026, 3, 2, hour, 30) for hour in range(24)]

                fired = run_clock(app, datetime(2026, 3, 2), datetime(2026, 3, 4), restarts=deploys)

                assert [each.at.hour for each in fired if each.name == "report"] == [9, 9]

    Args:
        app: The App; nothing of it is changed, and its store is not asked.
        start: When its clock starts, with an empty store: entries that count from their first registration
            count from here. A time without a zone is meant in the App's, here and below.
        end: Where the simulation ends; what is due at this instant is not run any more.
        runs: How long jobs run, by name, for entries that say something of overlaps; others are done at once. A
            worker is always free, so that none waits.
        restarts: When the clock is restarted; it is back at once.
        down: From when to when no clock runs at all.

    Raises:
        InvalidOption: If *end* does not lie after *start*, a restart or a downtime not between them, or
            there is no such job in *runs*.
    """
    within = zone(app.schedule.tz)
    first, last = _moment("start", start, within), _moment("end", end, within)
    if last <= first:
        raise InvalidOption(f"end: {end} does not lie after the start, {start}")
    frame = _Frame(first, last, within)
    gaps = [*(frame.span("down", *each) for each in down), *(frame.span("restarts", each) for each in restarts)]
    simulation = Simulation(app, first, runs=_seconds(app, runs or {}))
    for since, until in frame.lives(gaps):
        simulation.run(since)
        simulation.begin()
        simulation.run(until)
        simulation.end()
    return [_fired(each) for each in simulation.pushed]


@dataclass(frozen=True, slots=True)
class _Frame:
    """From when to when it goes, in unix seconds, and the zone of times that have none."""

    start: float
    end: float
    within: tzinfo

    def span(self, option: str, *moments: datetime) -> tuple[float, float]:
        """Return from when to when something is, or the one moment twice."""
        found = [_moment(option, each, self.within) for each in moments]
        if not self.start <= found[0] <= found[-1] <= self.end:
            shown = " to ".join(map(str, moments))
            raise InvalidOption(f"{option}: {shown} does not lie within the simulation")
        return found[0], found[-1]

    def lives(self, gaps: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
        """Yield from when to when a clock lives, one after the other; gaps may overlap, and be of no length."""
        since = self.start
        for stops, begins in sorted(gaps):
            if stops > since:
                yield since, stops
            since = max(since, begins)
        if since < self.end:
            yield since, self.end


def _seconds(app: App, runs: Mapping[str, Duration]) -> dict[str, float]:
    return {app.job_named(name).name: durations.seconds(length) for name, length in runs.items()}


def _moment(option: str, value: object, within: tzinfo) -> float:
    if not isinstance(value, datetime):
        raise InvalidOption(f"{option}: write a datetime, not {value!r}")
    return (value if value.tzinfo else value.replace(tzinfo=within)).timestamp()


def _fired(pushed: Pushed) -> Fired:
    job = pushed.job
    tick = float(job.periodic["tick"])
    return Fired(
        name=job.periodic["name"],
        at=datetime.fromtimestamp(tick, zone(job.periodic["tz"])),
        job=job.name,
        args=tuple(job.args),
        kwargs=job.kwargs,
        queue=pushed.queue,
        kind=job.periodic["kind"],
        jid=job.jid,
        late=round(pushed.due - tick, 3),
    )
