"""The numbers of the whole cluster, at one moment and over the last days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mainspring.api.processes import Processes
from mainspring.api.queues import Queues
from mainspring.base.errors import InvalidOption
from mainspring.base.timesource import TimeSource
from mainspring.store import keys, sets
from mainspring.store import stats as verbs
from mainspring.store.connection import Store

_YEARS = 5 * 366


@dataclass(frozen=True, slots=True)
class Day:
    """One UTC day.

    Attributes:
        processed: Runs, failed ones included.
        failed: Failed runs.
    """

    processed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Stats:
    """The cluster at one moment.

    Attributes:
        processed: Runs so far, failed ones included.
        failed: Failed runs so far.
        expired: Jobs dropped so far, since they were not started in time.
        enqueued: Jobs that wait in queues.
        scheduled: Jobs for later.
        retries: Jobs that will be tried again.
        dead: Jobs that will not.
        processes: Processes that show themselves.
        busy: Jobs that run.
        queues: Jobs that wait, by queue.
        default_queue_latency: Seconds for which the next job of the queue ``default`` has waited.
        history: The last days, newest first, by date as ``YYYY-MM-DD``.
    """

    processed: int
    failed: int
    expired: int
    enqueued: int
    scheduled: int
    retries: int
    dead: int
    processes: int
    busy: int
    queues: Mapping[str, int]
    default_queue_latency: float
    history: Mapping[str, Day]


def read_stats(store: Store, time: TimeSource, *, days: int = 30) -> Stats:
    """Read the cluster's numbers, in five round trips.

    Args:
        store: The store.
        time: The machine's clocks.
        days: How many days the history has, today being the first; at most five years, for which they are kept.

    Raises:
        InvalidOption: If *days* is out of bounds.
    """
    if not 0 <= days <= _YEARS:
        raise InvalidOption(f"days={days!r}: the history has 0 to {_YEARS} days")
    dates = _dates(time.now(), days)
    sizes = map(sets.size, (keys.SCHEDULE, keys.RETRY, keys.DEAD))
    answers = store.pipeline([verbs.counters(dates), verbs.tally("expired"), *sizes])
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    counters, expired, scheduled, retries, dead = answers
    states = {state.name: state for state in Queues(store, time).states()}
    processes = list(Processes(store, time))
    return Stats(
        processed=counters[0],
        failed=counters[1],
        expired=expired,
        enqueued=sum(state.size for state in states.values()),
        scheduled=scheduled,
        retries=retries,
        dead=dead,
        processes=len(processes),
        busy=sum(process.busy for process in processes),
        queues={name: state.size for name, state in states.items()},
        default_queue_latency=states["default"].latency if "default" in states else 0.0,
        history={
            date: Day(processed, failed)
            for date, processed, failed in zip(dates, counters[2::2], counters[3::2], strict=True)
        },
    )


def _dates(now: float, days: int) -> Sequence[str]:
    today = datetime.fromtimestamp(now, UTC).date()
    return [(today - timedelta(days=back)).isoformat() for back in range(days)]
