"""Questions about metrics: which buckets are read, and what is made of them. Pure but for `ask`.

A question is written down before it is asked, so that a page can ask all of its own in
one round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from mainspring.base.errors import InvalidOption, StoreError
from mainspring.metrics.series import Deploy, JobTotals, Series, Totals, shared
from mainspring.store import marks, metrics
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.metrics import ALL, Family, Record
from mainspring.store.tiers import PERIODS, Period, Tier

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
#: What jobs can be ordered by.
By: TypeAlias = Literal["time", "failed", "runs", "name"]


@dataclass(frozen=True, slots=True)
class Question(Generic[A_co]):
    """What is asked of the store, and what its answers mean.

    Attributes:
        commands: The calls.
        answer: Makes the answer of what they return.
    """

    commands: Sequence[Command[Any]]
    answer: Callable[[Sequence[Any]], A_co]


def ask(store: Store, questions: Sequence[Question[object]]) -> list[object]:
    """Return the answers to several questions, in one round trip.

    Raises:
        StoreError: If the store does not answer one of them.
    """
    replies = told(store.pipeline([command for question in questions for command in question.commands]))
    answers, first = [], 0
    for question in questions:
        last = first + len(question.commands)
        answers.append(question.answer(replies[first:last]))
        first = last
    return answers


def told(replies: Sequence[Any]) -> Sequence[Any]:
    """Return the replies of a pipeline.

    Raises:
        StoreError: If one of them is a refusal.
    """
    for reply in replies:
        if isinstance(reply, StoreError):
            raise reply
    return replies


def period_named(name: str) -> Period:
    """Return a period.

    Raises:
        InvalidOption: If there is none of that name.
    """
    found = PERIODS.get(name)
    if found is None:
        raise InvalidOption(f"{name!r} is no period of the metrics; there are {', '.join(PERIODS)}")
    return found


def series(period: str, now: float, *, queue: str | None = None, job: str | None = None) -> Question[Series]:
    """Ask for the course of a queue, of a job, or of everything; see `Metrics.series`."""
    if queue is not None and job is not None:
        raise InvalidOption("metrics are kept by queue and by job, not by both: name one of them")
    family: Family = "queues" if job is None else "jobs"
    name = job if job is not None else queue if queue is not None else ALL
    chosen = period_named(period)
    times = chosen.fine.starts(chosen.seconds, now)
    return Question(
        [metrics.record(family, chosen.fine, start, name) for start in times],
        lambda replies: Series(chosen.fine.step, times, tuple(replies)),
    )


def queues(period: str, now: float) -> Question[Mapping[str, Series]]:
    """Ask for the courses of all queues; see `Metrics.queues`."""
    tier, times = _coarse(period, now)

    def answer(replies: Sequence[dict[str, Record]]) -> Mapping[str, Series]:
        names = sorted({name for reply in replies for name in reply} - {ALL})
        return {name: Series(tier.step, times, tuple(reply.get(name) for reply in replies)) for name in names}

    return Question([metrics.records("queues", tier, start) for start in times], answer)


def jobs(period: str, now: float, count: int = 20, *, by: By = "time") -> Question[list[JobTotals]]:
    """Ask for the sums of the jobs that ran most; see `Metrics.jobs`."""
    if by not in {"time", "failed", "runs", "name"}:
        raise InvalidOption(f"by={by!r}: jobs are ordered by 'time', 'failed', 'runs' or 'name'")
    tier, times = _coarse(period, now)
    return Question(
        [metrics.records("jobs", tier, start) for start in times],
        lambda replies: _greatest(replies, max(0, count), by),
    )


def _greatest(replies: Sequence[dict[str, Record]], count: int, by: By) -> list[JobTotals]:
    found: dict[str, list[Record]] = {}
    for reply in replies:
        for name, record in reply.items():
            found.setdefault(name, []).append(record)
    sums = shared({name: Totals.of(records) for name, records in found.items()})
    wanted = [each for each in sums.values() if each.failed or by != "failed"]
    orders: Mapping[By, Callable[[JobTotals], tuple[object, ...]]] = {
        "time": lambda each: (-each.run_seconds, -each.ok, each.name),
        "failed": lambda each: (-each.failed, each.name),
        "runs": lambda each: (-each.processed, each.name),
        "name": lambda each: (each.name,),
    }
    return sorted(wanted, key=orders[by])[:count]


def oldest(queue: str, period: str, now: float) -> Question[list[tuple[int, float]]]:
    """Ask for the sampled ages of the oldest job of a queue; see `Metrics.oldest`."""
    chosen = period_named(period)
    times = chosen.fine.starts(chosen.seconds, now)
    return Question(
        [metrics.age(chosen.fine, start, queue) for start in times],
        lambda replies: [(at, age) for at, age in zip(times, replies, strict=True) if age is not None],
    )


def deploys(period: str, now: float) -> Question[list[Deploy]]:
    """Ask for the deploys that were marked; see `Metrics.deploys`."""
    since = now - period_named(period).seconds
    days = range(int(since // marks.DAY) * marks.DAY, int(now) + 1, marks.DAY)

    def answer(replies: Sequence[Mapping[str, str]]) -> list[Deploy]:
        marked = [(_moment(minute), label) for reply in replies for minute, label in reply.items()]
        found = [Deploy(at, label) for at, label in marked if at is not None and since - 60 <= at]
        return sorted(found, key=lambda deploy: deploy.at)

    return Question([marks.of_day(day) for day in days], answer)


def _moment(minute: str) -> float | None:
    try:
        when = datetime.fromisoformat(minute)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _coarse(period: str, now: float) -> tuple[Tier, tuple[int, ...]]:
    chosen = period_named(period)
    return chosen.coarse, chosen.coarse.starts(chosen.seconds, now)
