"""Decides what becomes of a job whose run ended with an error, and lets its owner hear of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from mainspring.base import durations, retry
from mainspring.base.ends import JobCancelled, JobCut, JobInterrupted
from mainspring.base.errors import Discard, Kill, LeaseLost, OutOfMemory, OverLimit, Snooze
from mainspring.base.payload import Payload, unix
from mainspring.base.retry import Retry
from mainspring.base.timesource import TimeSource
from mainspring.context import JobContext
from mainspring.events import Handlers
from mainspring.features.limits import after_limit
from mainspring.job import Job
from mainspring.worker.delivery import Delivery
from mainspring.worker.outcome import Dead, Discarded, GivenBack, Outcome, Retried, Snoozed

#: What becomes of a job that somebody cancelled.
CANCELLED: Final = Discarded("cancelled")
_GIVEN_BACK: Final = GivenBack()
_INTERRUPTED: Final = GivenBack(is_planned=True)
#: Bounds of what is believed of a stranger's numbers: retries, and seconds.
_MANY: Final = 1_000_000
_FOREVER: Final = 1e10


class Judge:
    """Knows the jobs' policies; asked by whatever ran a job."""

    def __init__(
        self,
        *,
        handlers: Handlers,
        cancelled: Mapping[str, float],
        is_stopping: Callable[[], bool],
        time: TimeSource,
        rng: random.Random,
        memory: int = 0,
    ) -> None:
        """Prepare to judge.

        Args:
            handlers: What to call on errors and deaths.
            cancelled: The ids of jobs that somebody cancelled.
            is_stopping: Whether the worker is shutting down.
            time: The clocks.
            rng: The source of jitter.
            memory: Bytes that a job may have here; 0 for any.
        """
        self._memory = memory
        self._handlers = handlers
        self._cancelled = cancelled
        self._is_stopping = is_stopping
        self._time = time
        self._rng = rng

    def outcome(self, error: BaseException, job: Job[Any, Any], delivery: Delivery, context: JobContext) -> Outcome:
        """Return what becomes of a job whose run ended with *error*."""
        if isinstance(error, LeaseLost):
            return _GIVEN_BACK
        if isinstance(error, JobCancelled) or delivery.jid in self._cancelled:
            return CANCELLED
        if self._memory and isinstance(error, MemoryError):
            error = _out_of_memory(error, self._memory)
        now = self._time.now()
        match error:
            case Snooze(delay=delay):
                return self._snoozed(delay, now, error, job, delivery, context)
            case OverLimit() if (snoozed := self._too_early(error, now, delivery)) is not None:
                return snoozed
            case Discard(reason=reason):
                return Discarded(reason)
            case JobInterrupted():
                return _INTERRUPTED
            case JobCut():
                return _GIVEN_BACK
            case _ if self._is_stopping() and type(error).__name__ == "CancelledError":
                return _GIVEN_BACK
            case _:
                self._handlers.error(error, context)
                return self._failed(error, job, delivery, context, now)

    def _snoozed(
        self,
        delay: durations.Duration,
        now: float,
        error: BaseException,
        job: Job[Any, Any],
        delivery: Delivery,
        context: JobContext,
    ) -> Outcome:
        try:
            return Snoozed(now + durations.seconds(delay))
        except ValueError as wrong:
            wrong.__cause__ = error
            return self._failed(wrong, job, delivery, context, now)

    def _too_early(self, error: OverLimit, now: float, delivery: Delivery) -> Outcome | None:
        """Snooze a job that a limiter gave nothing; None if it has been often enough, and now has failed."""
        count = 0 if delivery.flow is None else delivery.flow.limited
        wait = after_limit(error, count, rng=self._rng)
        return None if wait is None else Snoozed(now + wait, error.name, count + 1)

    def _failed(
        self, error: BaseException, job: Job[Any, Any], delivery: Delivery, context: JobContext, now: float
    ) -> Outcome:
        decided = self._policy(error, job, delivery, context, now)
        if isinstance(decided, retry.Retried):
            if decided.trouble is not None:
                self._handlers.error(decided.trouble, context)
            return Retried(decided.at, error)
        if isinstance(decided, retry.Dead):
            return self._ended(Dead(error, "killed" if isinstance(error, Kill) else "exhausted"), job, context, error)
        return self._ended(Discarded("no retries", error), job, context, error)

    def _policy(
        self, error: BaseException, job: Job[Any, Any], delivery: Delivery, context: JobContext, now: float
    ) -> retry.Retried | retry.Dead | retry.Discarded:
        assert delivery.payload is not None  # noqa: S101 - without one, nothing has run
        payload = delivery.payload
        decided = retry.after_failure(
            _limited(job.options.retry, payload),
            attempt=_failures(payload),
            failed_at=unix(payload.failed_at),
            error=error,
            job=context,
            now=now,
            rng=self._rng,
        )
        return retry.Discarded() if isinstance(decided, retry.Dead) and payload.dead is False else decided

    def _ended(self, verdict: Outcome, job: Job[Any, Any], context: JobContext, error: BaseException) -> Outcome:
        """Let the job's owner hear of its end, and perhaps drop it."""
        if job.exhausted is not None:
            try:
                if job.exhausted(context, error) == "discard":
                    verdict = Discarded("dropped by its on_exhausted", error)
            except BaseException as worse:  # noqa: BLE001 - a handler must not change what becomes of a job
                self._handlers.error(worse, context)
        self._handlers.death(context, error)
        return verdict


def _out_of_memory(error: MemoryError, memory: int) -> OutOfMemory:
    told = OutOfMemory(f"ran out of memory: it may have {memory / 1e6:,.0f} MB")
    told.__cause__ = error
    return told.with_traceback(error.__traceback__)


# A stranger's fields may hold anything; what makes no sense counts as if it were not there.


def _limited(policy: Retry, payload: Payload) -> Retry:
    """Return *policy* as far as the job itself does not say otherwise."""
    most, seconds = payload.retry, payload.retry_for
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < _FOREVER:
        return replace(policy, max=retry.USUAL, for_=float(seconds))
    if isinstance(most, int) and most is not True and most >= 0:
        return policy.limited(most)
    return policy


def _failures(payload: Payload) -> int:
    """Return how often the job has failed before."""
    count = payload.retry_count
    return min(count + 1, _MANY) if isinstance(count, int) and count >= 0 else 0
