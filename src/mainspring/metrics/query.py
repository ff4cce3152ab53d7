"""Asks the store what was counted: by period, of a queue, of a job, of all.

Each method is one round trip. What several would ask can be asked in one: `Metrics.ask`
takes questions, which the functions of `metrics.questions` write down.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mainspring.base.timesource import TimeSource
from mainspring.metrics import deploys, questions, sampler
from mainspring.metrics.questions import By, Question
from mainspring.metrics.series import Deploy, JobTotals, Series
from mainspring.store.connection import Store
from mainspring.store.metrics import ALL
from mainspring.store.tiers import PERIODS as _PERIODS

#: The periods that can be asked for, and how many seconds each has.
PERIODS: Final = MappingProxyType({name: period.seconds for name, period in _PERIODS.items()})


class Metrics:
    """How long jobs waited and ran, and how many failed; `App.metrics` makes one."""

    def __init__(self, store: Store, time: TimeSource) -> None:
        """Look at the metrics of *store*."""
        self._store = store
        self._time = time

    def series(self, period: str = "1h", *, queue: str | None = None, job: str | None = None) -> Series:
        """Return the course of a queue, of a job, or of everything.

        Args:
            period: ``5m`` or ``1h`` by minute, ``24h`` by 5 minutes, ``7d`` by hour, ``90d`` by day.
            queue: A queue's name.
            job: A job's name.

        Raises:
            InvalidOption: If there is no such period, or both a queue and a job are named.
            StoreError: If the store does not answer.
        """
        return self._one(questions.series(period, self._time.now(), queue=queue, job=job))

    def queues(self, period: str = "1h") -> Mapping[str, Series]:
        """Return the courses of all queues that ran something, by name, in coarser buckets than `series` has.

        Args:
            period: ``5m`` by minute, ``1h`` by 5 minutes, ``24h`` by hour, ``7d`` by day, ``90d`` by week.

        Raises:
            InvalidOption: If there is no such period.
            StoreError: If the store does not answer.
        """
        return self._one(questions.queues(period, self._time.now()))

    def jobs(self, period: str = "1h", count: int = 20, *, by: By = "time") -> list[JobTotals]:
        """Return the sums of the jobs that ran most in a period, whose buckets are those of `queues`.

        Args:
            period: As for `queues`.
            count: How many at most.
            by: What they are ordered by, the greatest first: ``time`` for their run time, ``failed`` for failed
                runs (those without any are left out), ``runs`` for all runs, ``name``.

        Raises:
            InvalidOption: If there is no such period or order.
            StoreError: If the store does not answer.
        """
        return self._one(questions.jobs(period, self._time.now(), count, by=by))

    def failing(self, period: str = "1h", count: int = 20) -> list[JobTotals]:
        """Return the sums of the jobs that failed most in a period; see `jobs`."""
        return self.jobs(period, count, by="failed")

    def oldest(self, queue: str = ALL, period: str = "1h") -> list[tuple[int, float]]:
        """Return how long the oldest job of a queue had waited, at its worst in each bucket of `series`.

        A wait that was counted is one that is over: this is what grows while a queue stands still.

        Args:
            queue: A queue's name; of all queues if left out.
            period: As for `series`.

        Returns:
            When each bucket began, in unix seconds, and the age in seconds; buckets without a sample are left out.

        Raises:
            InvalidOption: If there is no such period.
            StoreError: If the store does not answer.
        """
        return self._one(questions.oldest(queue, period, self._time.now()))

    def deploys(self, period: str = "24h") -> list[Deploy]:
        """Return the deploys that were marked in a period, by us or by Sidekiq, oldest first.

        Raises:
            InvalidOption: If there is no such period.
            StoreError: If the store does not answer.
        """
        return self._one(questions.deploys(period, self._time.now()))

    def mark_deploy(self, label: str, at: float | None = None) -> Deploy:
        """Mark a deploy, for charts to show; Sidekiq's pages show it too.

        Args:
            label: Which release, as people call it.
            at: When, in unix seconds; now if None.

        Returns:
            The mark. If that minute has one of another label, the next free minute.

        Raises:
            InvalidOption: If the label is empty or longer than 200 characters, or so are the marks of five minutes.
            StoreError: If the store does not answer.
        """
        return deploys.mark(self._store, label, self._time.now() if at is None else at)

    def sample(self) -> bool:
        """Take this minute's sample of the oldest jobs, as workers and clocks do; for where none may run.

        Returns:
            True if this call took it; False if somebody had.

        Raises:
            StoreError: If the store does not answer.
        """
        return sampler.sample(self._store, self._time.now())

    def ask(self, *asked: Question[object]) -> list[object]:
        """Return the answers to several questions, in one round trip.

        Raises:
            StoreError: If the store does not answer one of them.
        """
        return questions.ask(self._store, asked)

    def _one(self, question: Question[questions.A]) -> questions.A:
        return question.answer(questions.told(self._store.pipeline(question.commands)))
