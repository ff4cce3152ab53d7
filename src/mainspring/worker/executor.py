"""One run of one job, as a list of steps: admit, prepare, call, judge, report.

What can be computed once for a job's class is computed at registration (`Plan`),
so that a plain job costs a few microseconds here.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context, ContextVar
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeAlias

from mainspring.base import durations, retry
from mainspring.base.errors import Discard, JobCut, Kill, LeaseLost, Snooze, UnknownJob
from mainspring.base.flow import Flow
from mainspring.base.flow import read as read_flow
from mainspring.base.payload import Payload, unix
from mainspring.base.retry import Retry
from mainspring.base.timesource import TimeSource
from mainspring.context import Holding, JobContext, enter
from mainspring.events import Handlers
from mainspring.features.results import Packer
from mainspring.job import Job
from mainspring.middleware import Middleware, around, around_async
from mainspring.store import keys
from mainspring.store.queues import Settlement
from mainspring.store.ties import Ties
from mainspring.worker import outcome as outcomes
from mainspring.worker.delivery import Delivery
from mainspring.worker.lease import Lease
from mainspring.worker.outcome import Dead, Discarded, Done, GivenBack, Outcome, Parked, Retried, Snoozed
from mainspring.worker.report import Reporter

_DONE: Final = Done()
_GIVEN_BACK: Final = GivenBack()
_NO_FLOW: Final = Flow()
#: Bounds of what is believed of a stranger's numbers: retries, and seconds.
_MANY: Final = 1_000_000
_FOREVER: Final = 1e10


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is known of a job's class before one of its jobs comes.

    Attributes:
        job: The job.
        call: Runs one job in a thread, middleware included; None for ``async def``.
        acall: Runs one job on an event loop; None for ``def``.
        prepare: Converts arguments and sets carried variables; None if there is nothing to do.
        packer: Makes the result that is kept of what the function returned; None if none ever is.
        is_guarded: True if the guards are asked even of a job that carries nothing of flow control.
    """

    job: Job[Any, Any]
    call: Callable[[JobContext], object] | None
    acall: Callable[[JobContext], Awaitable[object]] | None
    prepare: Callable[[JobContext], None] | None
    packer: Packer | None = None
    is_guarded: bool = False


#: Asked before a job runs that carries something of flow control: what becomes of it instead; None if it may run.
Guard: TypeAlias = Callable[[Delivery, Flow, JobContext], Outcome | None]


def plan(
    job: Job[Any, Any],
    middlewares: tuple[Middleware, ...],
    carried: Mapping[str, ContextVar[Any]],
    packer: Packer | None = None,
) -> Plan:
    """Return the plan of *job*."""
    function = job.function
    prepare = _preparation(job, carried)
    # Else one that says nothing of encryption, though it holds a ciphertext, would get it for an argument.
    is_guarded = bool(job.options.encrypt)
    if job.is_async:

        async def acall(context: JobContext) -> object:
            return await function(*context.args, **context.kwargs)

        return Plan(job, None, around_async(middlewares, acall), prepare, packer, is_guarded)

    def call(context: JobContext) -> object:
        return function(*context.args, **context.kwargs)

    return Plan(job, around(middlewares, call), None, prepare, packer, is_guarded)


def _preparation(job: Job[Any, Any], carried: Mapping[str, ContextVar[Any]]) -> Callable[[JobContext], None] | None:
    if not carried and job.arguments.is_plain:
        return None

    def prepare(context: JobContext) -> None:
        values = context.carry
        for name, variable in carried.items():
            if name in values:
                variable.set(values[name])
        if not job.arguments.is_plain:
            context.args, context.kwargs = job.arguments.restore(context.args, context.kwargs)

    return prepare


class Executor:
    """Runs deliveries and notes on each what shall become of it."""

    def __init__(
        self,
        jobs: Mapping[str, Job[Any, Any]],
        middlewares: tuple[Middleware, ...],
        *,
        carried: Mapping[str, ContextVar[Any]],
        handlers: Handlers,
        guards: Sequence[Guard] = (),
        packer: Callable[[Job[Any, Any]], Packer] | None = None,
        lease: Lease,
        reporter: Reporter,
        is_stopping: Callable[[], bool],
        time: TimeSource,
        rng: random.Random,
    ) -> None:
        """Plan all *jobs*.

        Args:
            jobs: What may be run, by name. Nothing else ever is.
            middlewares: Links around each run, the first outermost.
            carried: Context variables that travel with jobs, by name.
            handlers: What to call on errors and deaths.
            guards: Asked in turn whether a job that carries something of flow control may run; they do not wait.
            packer: Makes what makes the results of a job; None if none are kept.
            lease: Whether what was fetched is still ours.
            reporter: Says what became of each job.
            is_stopping: Whether the worker is shutting down.
            time: The clocks.
            rng: The source of jitter.
        """
        self._plans = {
            name: plan(job, middlewares, carried, packer(job) if packer is not None else None)
            for name, job in jobs.items()
        }
        self._handlers = handlers
        self._guards = tuple(guards)
        self._lease = lease
        self._holdings: dict[str, Holding] = {}
        self._reporter = reporter
        self._is_stopping = is_stopping
        self._time = time
        self._clock = time.monotonic
        self._rng = rng

    @property
    def async_jobs(self) -> frozenset[str]:
        """The names of the jobs that need an event loop."""
        return frozenset(name for name, found in self._plans.items() if found.acall is not None)

    def run(self, delivery: Delivery) -> None:
        """Run a delivery in this thread; never raises but `JobCut`, which its slot awaits."""
        found = self._admit(delivery)
        if found is None:
            return
        context = self._context(delivery)
        if delivery.flow is not None and self._is_stopped(delivery, delivery.flow, context):
            return
        try:
            # A context of its own: what a job sets in context variables must not reach the next.
            result = Context().run(_perform, found, context)
        except BaseException as error:  # noqa: BLE001 - SystemExit in a job is that job's failure, not the worker's
            self._conclude(delivery, self._judge(error, found.job, delivery, context))
        else:
            self._succeed(delivery, found, result)

    async def arun(self, delivery: Delivery) -> None:
        """Run a delivery on this event loop; never raises but when the loop itself ends."""
        found = self._admit(delivery)
        if found is None:
            return
        context = self._context(delivery)
        if delivery.flow is not None and self._is_stopped(delivery, delivery.flow, context):
            return
        try:
            enter(context)
            if found.prepare is not None:
                found.prepare(context)
            assert found.acall is not None  # noqa: S101 - sync plans go to `run`
            result = await found.acall(context)
        except BaseException as error:  # noqa: BLE001 - as in `run`
            self._conclude(delivery, self._judge(error, found.job, delivery, context))
        else:
            self._succeed(delivery, found, result)

    # --- the steps -----------------------------------------------------------------

    def _admit(self, delivery: Delivery) -> Plan | None:
        """Return the delivery's plan; None if it cannot or must not run, and then it is settled here."""
        delivery.started = now = self._clock()
        if delivery.is_given_up or not self._lease.covers(delivery.holder, now):
            delivery.is_given_up = True
            return None
        payload = delivery.payload
        if payload is None:
            self._bury_unreadable(delivery)
            return None
        if payload.flow is not None:
            delivery.flow = read_flow(payload.flow)
        found = self._plans.get(payload.name)
        if found is None:
            # Looked up among the App's jobs, never imported: a payload must not choose what code is loaded.
            error = UnknownJob(payload.name)
            self._handlers.error(error, None)
            self._conclude(delivery, Dead(error, "unknown_class"))
            return None
        if found.is_guarded and delivery.flow is None:
            delivery.flow = _NO_FLOW
        if self._reporter.tells_starts:
            self._reporter.started(delivery)
        return found

    def _is_stopped(self, delivery: Delivery, flow: Flow, context: JobContext) -> bool:
        """Ask the guards whether the job may run; if not, it is settled here."""
        for guard in self._guards:
            verdict = guard(delivery, flow, context)
            if verdict is not None:
                self._conclude(delivery, verdict)
                return True
        return False

    def _context(self, delivery: Delivery) -> JobContext:
        assert delivery.payload is not None  # noqa: S101 - `_admit` has settled those without
        holder = delivery.holder
        holding = self._holdings.get(holder) or self._holding(holder)
        return JobContext(delivery.payload, delivery.queue, delivery.seq, holding)

    def _holding(self, holder: str) -> Holding:
        """Return what all jobs that *holder* runs have in common."""
        made = Holding(holder, partial(self._lease.is_lost, holder), self._is_stopping)
        return self._holdings.setdefault(holder, made)

    # --- judging ---------------------------------------------------------------------

    def _judge(self, error: BaseException, job: Job[Any, Any], delivery: Delivery, context: JobContext) -> Outcome:
        now = self._time.now()
        match error:
            case Snooze(delay=delay):
                return self._snoozed(delay, now, error, job, delivery, context)
            case Discard(reason=reason):
                return Discarded(reason)
            case JobCut() | LeaseLost():
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
        assert delivery.payload is not None  # noqa: S101 - `_admit` has settled those without
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

    # --- concluding --------------------------------------------------------------------

    def _succeed(self, delivery: Delivery, found: Plan, result: object) -> None:
        delivery.ended = self._clock()
        flow = delivery.flow
        if flow is not None:
            kept = found.packer.given(delivery.jid, result) if flow.result_ttl and found.packer is not None else b""
            ties = Ties.of(delivery.jid, flow, result=kept)
            delivery.settlement = Settlement(ties=ties) if ties is not None else None
        if delivery.is_suspect and delivery.settlement is None:
            # The mark in the store goes with it.
            delivery.settlement = Settlement()
        if self._reporter.hears_success:
            self._reporter.finished(delivery, _DONE)

    def _conclude(self, delivery: Delivery, verdict: Outcome) -> None:
        delivery.ended = self._clock()
        if verdict is _GIVEN_BACK:
            delivery.is_given_up = True
        elif isinstance(verdict, Parked):
            delivery.is_gone = True
        else:
            delivery.settlement = self._settlement(delivery, verdict)
        self._reporter.finished(delivery, verdict)

    def _settlement(self, delivery: Delivery, verdict: Outcome) -> Settlement | None:
        now = self._time.now()
        try:
            made = outcomes.settlement(delivery.raw, delivery.queue, verdict, now)
        except ValueError:
            # It could be run and cannot be written again, such as for a foreign field that is nested without end.
            made, verdict = Settlement(keys.DEAD, now, delivery.raw, fails=True), Dead(ValueError(), "unwritable")
        if made is None or delivery.flow is None:
            return made
        name = delivery.payload.name if delivery.payload is not None else ""
        kept = outcomes.epitaph(name, verdict, now) if delivery.flow.result_ttl else b""
        return replace(made, what=outcomes.what(verdict), ties=Ties.of(delivery.jid, delivery.flow, result=kept))

    def _bury_unreadable(self, delivery: Delivery) -> None:
        assert delivery.problem is not None  # noqa: S101 - no payload means a problem
        delivery.settlement = outcomes.unreadable(delivery.raw, delivery.problem, self._time.now())
        self._handlers.error(delivery.problem, None)
        self._reporter.finished(delivery, Dead(delivery.problem, delivery.problem.reason))


def _perform(found: Plan, context: JobContext) -> object:
    enter(context)
    if found.prepare is not None:
        found.prepare(context)
    assert found.call is not None  # noqa: S101 - async plans go to `arun`
    return found.call(context)


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
