"""One run of one job, as a list of steps: admit, prepare, call, judge, report.

What can be computed once for a job's class is computed at registration (`worker.plan`),
so that a plain job costs a few microseconds here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from functools import partial
from typing import Final, Protocol, TypeAlias

from msgspec.structs import replace

from mainspring.base.ends import JobTimeout
from mainspring.base.errors import UnknownJob
from mainspring.base.flow import Flow
from mainspring.base.timesource import TimeSource
from mainspring.context import Holding, JobContext, enter
from mainspring.events import Handlers
from mainspring.options import RunsIn
from mainspring.store import keys
from mainspring.store.queues import Settlement
from mainspring.store.ties import Ties, Trace
from mainspring.worker import outcome as outcomes
from mainspring.worker.cancellations import Cancellations
from mainspring.worker.delivery import Delivery
from mainspring.worker.judge import CANCELLED, Judge
from mainspring.worker.outcome import Dead, Discarded, Done, GivenBack, Outcome, Parked
from mainspring.worker.plan import Plan
from mainspring.worker.report import Reporter
from mainspring.worker.tracer import Tracer
from mainspring.worker.watch import Limits, SlotLeft, TaskWatch, ThreadWatch, overdue, task_stack, thread_stack

_DONE: Final = Done()
_NO_FLOW: Final = Flow()

#: Asked before a job runs that carries something of flow control: what becomes of it instead; None if it may run.
Guard: TypeAlias = Callable[[Delivery, Flow, JobContext], Outcome | None]


class Trust(Protocol):
    """The lease, as far as one who runs jobs must know it."""

    def covers(self, holder: str, now: float) -> bool:
        """Return True if jobs fetched under *holder* are still ours at *now*, on the monotonic clock."""


class Executor:
    """Runs deliveries and notes on each what shall become of it."""

    def __init__(
        self,
        plans: Mapping[str, Plan],
        *,
        judge: Judge,
        handlers: Handlers,
        guards: Sequence[Guard] = (),
        outer: Sequence[Guard] = (),
        holding: Callable[[str], Holding],
        cancellations: Cancellations,
        limits: Limits | None,
        lease: Trust,
        reporter: Reporter,
        time: TimeSource,
    ) -> None:
        """Prepare to run jobs.

        Args:
            plans: What may be run, by name. Nothing else ever is.
            judge: Says what becomes of a job that raised.
            handlers: What to call on errors.
            guards: Asked in turn whether a job that carries something of flow control may run; they do not wait.
            outer: Those of them that are asked here if the job runs in another process, which asks the rest.
            holding: Makes what all jobs have in common that run under one identity.
            cancellations: Which jobs somebody cancelled.
            limits: Ends what takes longer than it may; None if somebody else does.
            lease: Whether what was fetched is still ours.
            reporter: Says what became of each job.
            time: The clocks.
        """
        self._plans = plans
        self._judge = judge
        self._handlers = handlers
        self._guards, self._outer = tuple(guards), tuple(outer)
        self._make_holding = holding
        self._holdings: dict[str, Holding] = {}
        self._cancellations = cancellations
        # Asked for each job, and nearly always empty.
        self._cancelled, self._told = cancellations.asked, cancellations.told
        self._limits = limits
        self._lease = lease
        self._reporter = reporter
        self._time = time
        self._clock = time.monotonic
        self._tracer = Tracer(time)

    @property
    def elsewhere(self) -> Mapping[str, RunsIn]:
        """Where those jobs run that do not run in threads, by name."""
        return {name: found.runs_in for name, found in self._plans.items() if found.runs_in != "thread"}

    def run(self, delivery: Delivery) -> None:
        """Run a delivery in this thread.

        Raises:
            JobCut: Whenever the slot is cut short.
            SlotLeft: If the job has been given up meanwhile, and another thread has the slot.
        """
        found = self.admit(delivery)
        if found is None:
            return
        context = self._context(delivery)
        try:
            flow = delivery.flow
            if found.timeout is not None or (flow is not None and (flow.bounds_run or found.is_guarded)):
                if self._is_stopped(delivery, context, self._guards):
                    return
                seconds = self.limit(delivery, found)
                if seconds is not None and self._limits is not None:
                    self._run_watched(delivery, found, context, seconds, self._limits)
                    return
            # A context of its own: what a job sets in context variables must not reach the next.
            result = Context().run(_perform, found, context)
            self._succeed(delivery, found, result)
        except SlotLeft:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit in a job is that job's failure, not the worker's
            self._conclude(delivery, self._judge.outcome(error, found.job, delivery, context))

    def _run_watched(
        self, delivery: Delivery, found: Plan, context: JobContext, seconds: float, limits: Limits
    ) -> None:
        """Run a delivery in this thread, for at most *seconds*."""
        ident = threading.get_ident()

        def leave() -> None:
            error = overdue(delivery, seconds, limits.grace, thread_stack(ident))
            limits.left(delivery, partial(self._fail, error, delivery, found, context))

        watch = ThreadWatch(limits.grace, leave)
        try:
            try:
                limits.deadlines.put(watch, seconds)
                result = Context().run(_perform, found, context)
            finally:
                watch.close()
        except BaseException as error:  # noqa: BLE001 - as in `run`
            # Again, since the time may have been up just before the other; after this one nothing strikes any more.
            watch.close()
            if watch.is_left:
                raise SlotLeft from None
            limits.deadlines.withdraw(watch)
            self._fail(_named(error, seconds), delivery, found, context)
        else:
            if watch.is_left:
                raise SlotLeft
            limits.deadlines.withdraw(watch)
            self._succeed(delivery, found, result)

    async def arun(self, delivery: Delivery) -> None:
        """Run a delivery on this event loop; never raises but when the loop itself ends."""
        found = self.admit(delivery)
        if found is None:
            return
        context = self._context(delivery)
        watch: TaskWatch | None = None
        try:
            flow = delivery.flow
            if found.timeout is not None or (flow is not None and (flow.bounds_run or found.is_guarded)):
                if await self._is_stopped_on_loop(delivery, context):
                    return
                watch = self._task_watch(delivery, found, context)
            enter(context)
            if found.prepare is not None:
                found.prepare(context)
            assert found.acall is not None  # noqa: S101 - sync plans go to `run`
            result = await found.acall(context)
            if watch is None or watch.close():
                self._succeed(delivery, found, result)
        except BaseException as error:  # noqa: BLE001 - as in `run`
            if watch is None:
                self._fail(error, delivery, found, context)
            elif watch.close():
                self._fail(watch.named(error), delivery, found, context)

    def _task_watch(self, delivery: Delivery, found: Plan, context: JobContext) -> TaskWatch | None:
        """Begin to watch the run in this task, if it has a time limit."""
        seconds, limits = self.limit(delivery, found), self._limits
        if seconds is None or limits is None:
            return None

        def leave() -> None:
            error = overdue(delivery, seconds, limits.grace, task_stack(watch.task))
            limits.left(delivery, partial(self._fail, error, delivery, found, context))

        watch = TaskWatch(seconds, limits.grace, leave)
        return watch

    # --- for runs elsewhere ------------------------------------------------------------

    def limit(self, delivery: Delivery, found: Plan) -> float | None:
        """Return how many seconds a run may take; None for any."""
        flow = delivery.flow
        return found.timeout if flow is None or flow.timeout is None else flow.timeout

    def admit_elsewhere(self, delivery: Delivery) -> Plan | None:
        """Return the plan of a delivery that runs in another process; None as `admit`."""
        found = self.admit(delivery)
        return None if found is None or self._is_stopped(delivery, self._context(delivery), self._outer) else found

    def ended(
        self,
        delivery: Delivery,
        settlement: Settlement | None,
        *,
        trace: Trace | None = None,
        is_given_up: bool = False,
        is_gone: bool = False,
    ) -> None:
        """Note what a run elsewhere has come to, as it told."""
        delivery.ended = self._clock()
        delivery.settlement, delivery.trace = settlement, trace
        delivery.is_given_up, delivery.is_gone = is_given_up, is_gone
        if self._cancelled:
            self._cancellations.ended(delivery.jid)

    def fail(self, delivery: Delivery, error: BaseException) -> None:
        """Note that a run elsewhere has come to its end with *error*, which it could not tell itself."""
        found = self._plans[delivery.payload.name] if delivery.payload is not None else None
        if found is not None:
            self._fail(error, delivery, found, self._context(delivery))

    # --- the steps -----------------------------------------------------------------

    def admit(self, delivery: Delivery) -> Plan | None:
        """Return the delivery's plan; None if it cannot or must not run, and then it is settled here."""
        delivery.started = now = self._clock()
        if delivery.is_given_up or not self._lease.covers(delivery.holder, now):
            delivery.is_given_up = True
            return None
        payload = delivery.payload
        if payload is None:
            self._bury_unreadable(delivery)
            return None
        if payload.flow is not None and delivery.flow is None:
            delivery.flow = payload.flow
        if self._cancelled and payload.jid in self._cancelled:
            self._conclude(delivery, Discarded(CANCELLED.reason, tally="cancelled"))
            return None
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

    def _is_stopped(self, delivery: Delivery, context: JobContext, guards: Sequence[Guard]) -> bool:
        """Ask *guards* whether the job may run; if not, it is settled here."""
        if delivery.flow is None:
            return False
        for guard in guards:
            verdict = guard(delivery, delivery.flow, context)
            if verdict is not None:
                self._conclude(delivery, verdict)
                return True
        return False

    async def _is_stopped_on_loop(self, delivery: Delivery, context: JobContext) -> bool:
        """Ask the guards likewise; in a thread, if one of them has to ask the store."""
        if delivery.flow is not None and delivery.flow.until == "start":
            import asyncio

            return await asyncio.to_thread(self._is_stopped, delivery, context, self._guards)
        return self._is_stopped(delivery, context, self._guards)

    def _context(self, delivery: Delivery) -> JobContext:
        assert delivery.payload is not None  # noqa: S101 - `admit` has settled those without
        holder = delivery.holder
        holding = self._holdings.get(holder) or self._holdings.setdefault(holder, self._make_holding(holder))
        return JobContext(delivery.payload, delivery.queue, delivery.seq, holding)

    # --- concluding --------------------------------------------------------------------

    def _fail(self, error: BaseException, delivery: Delivery, found: Plan, context: JobContext) -> None:
        self._conclude(delivery, self._judge.outcome(error, found.job, delivery, context))

    def _succeed(self, delivery: Delivery, found: Plan, result: object) -> None:
        if self._cancelled and self._was_told(delivery):
            return
        delivery.ended = self._clock()
        flow = delivery.flow
        if flow is not None and (flow.result_ttl or delivery.is_suspect):
            kept = found.packer.given(delivery.jid, result) if flow.result_ttl and found.packer is not None else b""
            ties = Ties.of(delivery.jid, flow, result=kept)
            delivery.settlement = Settlement(ties=ties) if ties is not None else None
        if delivery.is_suspect and delivery.settlement is None:
            # The mark in the store goes with it.
            delivery.settlement = Settlement()
        job = delivery.payload
        if (job is not None and job.retry_count is not None) or (flow is not None and (flow.history or flow.entry)):
            # It has failed before, all its runs are kept, or its periodic entry is told of them.
            delivery.trace = self._tracer.trace(delivery, _DONE)
        elif delivery.settlement is None:
            delivery.kind = found
        if self._reporter.hears_success:
            self._reporter.finished(delivery, _DONE)

    def _was_told(self, delivery: Delivery) -> bool:
        """Drop a job that returned after it had learnt that somebody cancelled it; False for all others."""
        if delivery.jid not in self._told:
            self._cancellations.ended(delivery.jid)
            return False
        self._conclude(delivery, CANCELLED)
        return True

    def _conclude(self, delivery: Delivery, verdict: Outcome) -> None:
        delivery.ended = self._clock()
        if self._cancelled:
            self._cancellations.ended(delivery.jid)
        if isinstance(verdict, GivenBack):
            delivery.is_given_up = True
        elif isinstance(verdict, Parked):
            delivery.is_gone = True
        else:
            delivery.settlement = self._settlement(delivery, verdict)
        self._reporter.finished(delivery, verdict)

    def _settlement(self, delivery: Delivery, verdict: Outcome) -> Settlement | None:
        now = self._time.now()
        fault = self._tracer.fault(delivery, verdict)
        try:
            made = outcomes.settlement(delivery.raw, delivery.queue, verdict, now, fault)
        except ValueError:
            # It could be run and cannot be written again, such as for a foreign field that is nested without end.
            made, verdict = Settlement(keys.DEAD, now, delivery.raw, fails=True), Dead(ValueError(), "unwritable")
        if made is None:
            return made
        trace = self._tracer.trace(delivery, verdict, fault)
        if trace is not None:
            # The attempt is written with the settlement, the rest afterwards.
            made, delivery.trace = replace(made, trace=trace), replace(trace, attempt=b"")
        if delivery.flow is None:
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


def _named(error: BaseException, seconds: float) -> BaseException:
    """Return *error*; if it is the one that was raised here from outside, with the time that was up."""
    if isinstance(error, JobTimeout) and error.seconds is None:
        return JobTimeout(seconds).with_traceback(error.__traceback__)
    return error
