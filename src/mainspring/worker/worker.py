"""The worker: builds the parts, and starts, quiets and stops them in order."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Final, Self

from mainspring import config
from mainspring.__about__ import __version__
from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidOption
from mainspring.base.loggers import Log
from mainspring.worker import parts
from mainspring.worker.cancelled import CancelledBatches
from mainspring.worker.capsule import Capsule
from mainspring.worker.display import Display
from mainspring.worker.executor import Executor
from mainspring.worker.farewell import give_back, say_farewell
from mainspring.worker.forwarder import Forwarder
from mainspring.worker.gatekeeper import Gatekeeper
from mainspring.worker.heartbeat import Heartbeat
from mainspring.worker.host import Companion, Host
from mainspring.worker.leader import Leader
from mainspring.worker.lease import Lease
from mainspring.worker.nursery import Nursery
from mainspring.worker.operator import Operator
from mainspring.worker.pace import Pace
from mainspring.worker.recoverer import Recoverer
from mainspring.worker.report import Reporter
from mainspring.worker.runners.forks import Home
from mainspring.worker.settings import CapsuleSettings
from mainspring.worker.signals import Signals, dump_stacks, end_now
from mainspring.worker.steering import Steering

_log: Final = Log("mainspring.worker")

#: Seconds that jobs get to finish at the end, and to end once they were cut short.
TIMEOUT: Final = 25.0
CUT_TIMEOUT: Final = 3.0
#: The same after a second INT: those that listen at all end at once.
HURRY: Final = 0.3
_WORDS: Final = MappingProxyType(
    {"ready": "taking jobs", "quiet": "no new jobs", "stopping": "jobs may finish", "stopped": "bye"}
)

#: Seconds for all that is said to the store at the end.
FAREWELL: Final = 5.0


class Worker:
    """Runs the jobs of an App until it is stopped. A worker runs once.

    Example:
        .. code-block:: python

            with Worker(app, concurrency=2):
                serve_web_requests()

    Attributes:
        capsules: Its capsules.
        became: Called with ``ready``, ``quiet``, ``stopping`` and ``stopped``; tests wait on it.
    """

    def __init__(
        self,
        app: Host,
        concurrency: int = 10,
        queues: Sequence[str] = ("default",),
        *,
        capsules: Sequence[CapsuleSettings] = (),
        timeout: Duration = TIMEOUT,
        timing: config.Timing | None = None,
        companions: Sequence[Companion] = (),
        log_starts: bool = False,
        tag: str = "",
        labels: Sequence[str] = (),
    ) -> None:
        """Build a worker; nothing is sent yet.

        Args:
            app: The App whose jobs it runs.
            concurrency: How many jobs at once.
            queues: Names, in order, or ``"name,weight"``; see `CapsuleSettings`.
            capsules: More groups of slots with queues of their own.
            timeout: A duration: how long running jobs may go on when it is stopped.
            timing: Heartbeat, lease and recovery; what the environment says if None.
            companions: Services that live as long as the worker.
            log_starts: Whether the beginning of each run is a line in the log.
            tag: A name for people; the App's if empty.
            labels: Words for people.

        Raises:
            InvalidOption: If two capsules have one name, or a setting cannot mean anything.
            InvalidName: If a queue cannot have its name.
            EncryptionUnavailable: If the arguments of a job are encrypted, and there is no key or no library.
        """
        first = CapsuleSettings.of(queues, concurrency=concurrency)
        settings = (first, *capsules)
        if len({each.name for each in settings}) < len(settings):
            raise InvalidOption(f"two capsules have one name: {', '.join(each.name for each in settings)}")
        self.became: Callable[[str], None] = _nothing
        self._app = app
        self._timeout = durations.seconds(timeout)
        self._timing = timing or config.timing()
        self._companions, self._home = tuple(companions), Home()
        self._signals = Signals()
        self._is_quiet = self._is_stopping = self._is_stopped = False
        self._is_embedded = True
        self._tag, self._labels, self._rng = tag or app.name, labels, random.Random()
        self._gatekeeper = Gatekeeper(app.jobs, settings, app.store)
        self._build(settings, log_starts=log_starts)

    def _build(self, settings: Sequence[CapsuleSettings], *, log_starts: bool) -> None:
        app, rng, timing = self._app, self._rng, self._timing
        self._lease = Lease(app.time, timing.lease)
        reporter, self._cancelled = Reporter(app.time, starts=log_starts), CancelledBatches(app.store)
        self._steering = Steering(
            app.store,
            lease=self._lease,
            is_stopping=lambda: self._is_stopping,
            is_quiet=lambda: self._is_quiet,
            grace=timing.stuck,
            time=app.time,
            rng=rng,
        )
        executor, memory = self._make_executor(reporter), config.process_memory()
        self._nursery = Nursery(app, executor, steering=self._steering, memory=memory, rng=rng)
        self.capsules = [
            Capsule(
                each,
                store=app.store,
                slots=self._nursery.slots,
                reporter=reporter,
                lease=self._lease,
                gatekeeper=self._gatekeeper,
                fenced=lambda: self._heartbeat.wake(),  # noqa: PLW0108 - it is made at the start
                reconcile_every=timing.reconcile,
                time=app.time,
                rng=rng,
            )
            for each in settings
        ]
        self._holdings = [(each.name, queue) for each in settings for queue in each.names]
        patience = self._timeout + CUT_TIMEOUT + 1.5
        self._pace = Pace(app.store, lease=self._lease, holdings=self._holdings, timing=timing, patience=patience)
        served, operator = [queue for _, queue in self._holdings], Operator(app, rng=rng)
        self._forwarder = Forwarder(app.store, limit=app.client.limit, operate=operator.notice, rng=rng)
        leader = Leader(app.store, identity=lambda: self.identity, handlers=app.handlers, rng=rng)
        self._companions = (*self._companions, leader, operator)
        self._recoverer = Recoverer(
            app.store, every=timing.sweep, grace=timing.grace, known=lambda: served, time=app.time, rng=rng
        )

    def _make_executor(self, reporter: Reporter) -> Executor:
        return parts.executor(
            self._app,
            outer=(self._cancelled.guard,),
            holding=self._steering.holding,
            cancellations=self._steering.cancellations,
            limits=self._steering.limits,
            lease=self._lease,
            reporter=reporter,
            is_stopping=lambda: self._is_stopping,
            rng=self._rng,
        )

    def _make_heartbeat(self) -> Heartbeat:
        display = Display(
            lease=self._lease,
            capsules=self.capsules,
            role="worker",
            tag=self._tag,
            labels=self._labels,
            version=__version__,
            is_quiet=lambda: self._is_quiet,
            is_embedded=self._is_embedded,
            time=self._app.time,
        )
        return Heartbeat(
            store=self._app.store,
            lease=self._lease,
            holdings=self._holdings,
            display=display,
            every=self._timing.beat,
            signalled=self._was_signalled,
            beaten=self._was_beaten,
            time=self._app.time,
            rng=self._rng,
        )

    # --- life ----------------------------------------------------------------------

    @property
    def identity(self) -> str:
        """The identity under which this process is known; it changes if it was declared dead."""
        return self._lease.identity

    @property
    def is_quiet(self) -> bool:
        """True once it starts no more jobs."""
        return self._is_quiet

    def busy(self) -> int:
        """Count the jobs that run."""
        return sum(len(capsule.busy()) for capsule in self.capsules)

    def start(self) -> None:
        """Register, and begin to run jobs; returns when it is ready.

        Raises:
            StoreError: If the store does not answer.
        """
        # Before there are threads, which what a handler starts may have.
        self._nursery.start()
        self._app.handlers.fire("startup", may_raise=True)
        self._heartbeat = self._make_heartbeat()
        self._heartbeat.register()
        self._gatekeeper.define(self.identity)
        if not self._is_embedded:
            # Before the first job: from then on a death must not go unseen.
            self._pace.keep()
        for service in (self._heartbeat, *self.capsules, self._forwarder, self._recoverer, *self._companions):
            service.start()
        self._steering.start(self.capsules)
        self._tell("ready")

    def quiet(self) -> None:
        """Start no more jobs, and give back those that wait here; what runs goes on. Cannot be undone."""
        if self._is_quiet:
            return
        self._is_quiet = True
        for capsule in self.capsules:
            capsule.quiet()
        self._forwarder.stop()
        self._app.handlers.fire("quiet")
        self._tell("quiet")

    def stop(self, timeout: float | None = None) -> bool:
        """Stop: quiet, let jobs finish, cut short what has not, give back what is left.

        Args:
            timeout: Seconds that running jobs get to finish; the worker's if None.

        Returns:
            True if every job had ended; False if some still run, in threads that cannot be ended. They stay
            this worker's until they end, or the process does; it may be stopped again. In a forked child, which
            has a copy of the worker and none of its threads, nothing happens.
        """
        if self._is_stopped or self._home.is_left:
            return True
        if not self._is_stopping:
            self._begin_stop()
        self._wait(self._timeout if timeout is None else timeout)
        return self._finish_stop()

    def __enter__(self) -> Self:
        """Start, within a process that does something else."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def run(self) -> int:
        """Run in this process until a signal ends it; only its main thread may call this.

        TSTP quiets, TERM and INT stop, a second INT gives up on running jobs, TTIN writes all stacks to the log.

        Returns:
            The exit code: 0, or 130 after a second INT. If jobs still run in threads that cannot be ended,
            the process ends here with that code.

        Raises:
            StoreError: If the store does not answer at the start.
        """
        self._is_embedded = False
        self._signals.listen()
        self._pace.alarm = self._signals.alarm()
        self.start()
        # What there is now stays to the end, so the collector need not go through it again and again.
        gc.freeze()
        self._until_told()
        self._begin_stop()
        code = 130 if self._wait(self._timeout) else 0
        has_ended = self._finish_stop(HURRY if code else CUT_TIMEOUT)
        if not has_ended or self._steering.stuck():
            end_now(code, _nothing if has_ended else self._leave)
        return code

    def _until_told(self) -> None:
        while True:
            match self._signals.next():
                case "TSTP":
                    self.quiet()
                case "TTIN":
                    self._dump()
                case "TERM" | "INT":
                    return

    def _was_beaten(self) -> None:
        """Keep the pacemaker informed, and let the App's handlers know."""
        if not self._is_embedded:
            self._pace.keep()
            if not self._is_stopping:
                self._pace.assure()
        self._cancelled.look()
        self._gatekeeper.beat(self.identity)
        self._app.handlers.fire("beat")

    def _was_signalled(self, name: str) -> None:
        """Take a signal that came through the store; who is embedded cannot be ended by it, and goes quiet."""
        if not self._is_embedded:
            self._signals.send(name)
        elif name == "TTIN":
            self._dump()
        else:
            self.quiet()

    # --- the end -----------------------------------------------------------------------

    def _begin_stop(self) -> None:
        self._is_stopping = True
        for companion in self._companions:
            companion.stop()
        self.quiet()
        self._recoverer.stop()
        self._app.handlers.fire("shutdown")
        self._tell("stopping")

    def _wait(self, seconds: float) -> bool:
        """Wait until all jobs have ended; True if a second INT ended the wait."""
        deadline = self._app.time.monotonic() + seconds
        while not self._is_idle and self._app.time.monotonic() < deadline:
            # The wait is short, because nothing rings when the last job ends.
            match self._signals.next(0.02):
                case "INT":
                    return True
                case "TTIN":
                    self._dump()
        return False

    def _dump(self) -> None:
        dump_stacks(task for capsule in self.capsules for task in capsule.slots.tasks())

    @property
    def _is_idle(self) -> bool:
        return all(capsule.is_idle for capsule in self.capsules)

    def _finish_stop(self, patience: float = CUT_TIMEOUT) -> bool:
        left = self.busy()
        if left:
            _log.warning(
                "%d jobs did not finish in time; they are cut short and run again",
                left,
                extra={"event": "process.cut", "facts": {"jobs": left}},
            )
            for capsule in self.capsules:
                capsule.slots.cut()
            self._wait(patience)
        has_ended = self.busy() == 0
        if self._is_embedded and not has_ended:
            return False  # this process lives on, and so do they: they stay ours, lest they run twice at a time
        if not self._is_embedded:
            # What follows may take its time if the store is gone.
            self._pace.patience = 3 * FAREWELL
            self._pace.keep()
        self._steering.stop()
        for capsule in self.capsules:
            capsule.stop()
        for capsule in self.capsules:
            capsule.join(FAREWELL)
        self._nursery.stop()
        self._heartbeat.stop()
        self._heartbeat.join(FAREWELL)
        if has_ended:
            self._pace.stop()
            say_farewell(self._app.store, self._lease, self._holdings)
        self._app.handlers.fire("exit")
        self._is_stopped = True
        self._tell("stopped")
        return has_ended

    def _leave(self) -> None:
        """Give back jobs that run on, as the last act: now they may run elsewhere too, until this process is gone."""
        self._pace.stop()
        give_back(self._app.store, self._lease, self._holdings)

    def _tell(self, state: str) -> None:
        facts = {"identity": self.identity, "busy": self.busy()}
        _log.info(_WORDS[state], extra={"event": f"process.{state}", "facts": facts})
        self.became(state)


def _nothing(*_: object) -> None:
    """Stand where nobody listens, or nothing is left to do."""
