"""A day on which everybody who calls the store does so, each script included; and what must be true in the evening.

Producers push, blocking and awaiting; a worker runs, retries, finds a dead one, and leaves; a clock ticks; a person
looks after a queue, the sets and the schedule. Every call goes over a `faultwire.Wire`. Whoever calls for people meets an error of
the store and calls again; whoever is a loop must go on by itself.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from mainspring import App, PushAmbiguous, PushFailed, Retry, current_job
from mainspring.api.filters import JobFilter
from mainspring.base.errors import StoreRefused, StoreUnavailable, UnknownEntry
from mainspring.clock import Clock
from mainspring.config import Timing
from mainspring.job import Enqueued
from mainspring.store import keys, processes, queues, scripts
from mainspring.store.connection import Store
from mainspring.worker import Worker
from scenarios import faultlanes, faultpeople, faultties
from scenarios.faultwire import SCRIPTS, Wire
from servers import Server
from support import until

T = TypeVar("T")

TIMING = Timing(beat=0.3, lease=6.0, sweep=0.2, grace=0.5, reconcile=60.0)
DEAD = "elsewhere:1:dddddddddddd"
#: Seconds between two ticks.
PERIOD = 0.4
#: Seconds that a call waits for its answer here.
PATIENCE = 0.5


class Day:
    """Everybody's work, and an account of it.

    Attributes:
        ran: How often each job was run to its end.
        stored: Jobs that a push has confirmed.
        unknown: Jobs of which a push could not tell.
        refused: Jobs that a push said are not stored.
        errors: What callers met.
    """

    def __init__(self, server: Server, wire: Wire) -> None:
        """Prepare; nobody has begun."""
        self.server, self.wire, self.client = server, wire, server.client
        for name in SCRIPTS:
            self.client.script_load(scripts.load(name).source)
        self.app = App(wire.url, name="day")
        # What hangs shall hang for moments here.
        self.app.store.timeout = self.app.async_store.timeout = PATIENCE
        self.ran: Counter[str] = Counter()
        self.runs = 0
        self.stored: set[str] = set()
        self.unknown: set[str] = set()
        self.refused: set[str] = set()
        self.errors: list[Exception] = []
        self.ticked: list[str] = []
        self.released = threading.Event()
        self.holding: list[str] = []
        self.mine: list[bool] = []
        self.workers: list[Worker] = []
        self._lock = threading.Lock()
        self._make_jobs()
        self.clock = Clock(self.app)
        self.clock.ticked = lambda tick: self.ticked.append(tick.jid) if tick.won else None

    def _make_jobs(self) -> None:
        def ran() -> None:
            with self._lock:
                self.ran[current_job().jid] += 1
                self.runs += 1

        def work() -> None:
            ran()

        async def awork() -> None:
            ran()

        def flaky() -> None:
            if current_job().attempt == 1:
                with self._lock:
                    self.runs += 1
                raise ValueError("the first time")
            ran()

        def hold() -> None:
            self.holding.append(current_job().jid)
            self.released.wait(30)
            ran()

        def crawl(cursor: int | None) -> Iterator[int]:
            yield 1
            if current_job().attempt == 1:
                with self._lock:
                    self.runs += 1
                raise ValueError("the first time")
            ran()

        faultlanes.make_jobs(self.app, ran)
        faultties.make_jobs(self.app, ran)
        self.app.job(name="crawl", iterable=True, retry=Retry(backoff="fixed", base=0.1))(crawl)
        self.app.on("leader", lambda: None)
        for function in (work, awork, flaky, hold):
            self.app.job(name=function.__name__, retry=Retry(backoff="fixed", base=0.1))(function)
        # What came due while an answer was waited for is made up for, each tick of it.
        self.app.every(PERIOD, self.app.jobs["work"], name="ticker", missed="all")

    # --- people and programs, who call again -----------------------------------------------

    def push(self, call: Callable[[], Enqueued | list[Enqueued]]) -> None:
        """Push, and push other jobs in their place if they are certainly not stored."""
        for _ in range(5):
            try:
                made = call()
            except PushFailed as error:
                self.refused |= set(error.jids)
                self.errors.append(error)
            except PushAmbiguous as error:
                self.unknown |= set(error.jids)
                self.errors.append(error)
                return
            else:
                self.stored |= {each.jid for each in (made if isinstance(made, list) else [made])}
                return
        raise AssertionError(f"pushed five times in vain: {self.errors}")

    def apush(self, call: Callable[[], Awaitable[Enqueued | list[Enqueued]]]) -> None:
        """Push from a coroutine."""

        async def awaited() -> Enqueued | list[Enqueued]:
            return await call()

        self.push(lambda: asyncio.run(awaited()))

    def insist(self, call: Callable[[], T]) -> T:
        """Call, and call again after an error of the store."""
        for _ in range(8):
            try:
                return call()
            except (StoreUnavailable, StoreRefused, PushFailed, PushAmbiguous) as error:
                self.errors.append(error)
        raise AssertionError(f"called eight times in vain: {self.errors}")

    # --- the day -----------------------------------------------------------------------------

    def run(self) -> None:
        """Let everybody work, and return when all is done."""
        self._plant_the_dead()
        self.clock.start()
        first = self.hire()
        self._produce()
        self._plant_nonsense()
        self._look_after()
        faultpeople.look_around(self)
        faultpeople.operate(self)
        self._keep_the_schedule()
        self._limit()
        faultlanes.wait_in_lanes(self)
        faultties.lock_and_gather(self)
        self._until_done()
        self._quiet(first)
        self.hire()
        until(lambda: len(self.ticked) >= 2, 20)
        self.assert_alive()
        self.clock.stop()
        self.stored |= set(self.ticked)
        self._until_done()
        self.assert_alive()

    def _plant_the_dead(self) -> None:
        """Leave three jobs with a process that shows no sign of life."""
        store = Store(self.server.url)
        jobs = [_record("work", f"orphan-{number}") for number in range(3)]
        store.run(processes.register("default", DEAD, 60_000))
        store.run(queues.push("default", jobs))
        store.run(queues.fetch("default", DEAD, 3, "1", "_req"))
        store.close()
        self.client.delete(keys.lease("default", DEAD))
        self.stored |= {f"orphan-{number}" for number in range(3)}

    def hire(self) -> Worker:
        """Start a worker."""
        worker = Worker(self.app, 2, timing=TIMING, timeout=1.0)
        self.insist(worker.start)
        self.workers.append(worker)
        return worker

    def _produce(self) -> None:
        work, awork, flaky = (self.app.jobs[name] for name in ("work", "awork", "flaky"))
        for _ in range(3):
            self.push(work.enqueue)
            self.push(lambda: work.enqueue_in(0.2))
            self.apush(awork.aenqueue)
            self.apush(lambda: awork.aenqueue_in(0.2))
        self.push(lambda: work.enqueue_many([()] * 20))
        self.apush(lambda: awork.aenqueue_many([()] * 20))
        for _ in range(3):
            self.push(flaky.enqueue)
            self.push(self.app.jobs["crawl"].enqueue)

    def _plant_nonsense(self) -> None:
        self.client.zadd(keys.SCHEDULE, {"no job at all": 1.0})
        until(lambda: self.client.zscore(keys.DEAD, "no job at all"), 20)
        self.insist(self.app.dead.clear)

    def _look_after(self) -> None:
        """Look after a queue that no worker serves, and after the sets, as a person does."""
        shelf = self.app.jobs["work"].using(queue="shelf")
        self.insist(lambda: shelf.enqueue_many([()] * 130))
        queue = self.app.queue("shelf")
        for number, job in enumerate(self.insist(lambda: self._walked(queue))):
            if number == 0:
                self.insist(job.kill)
        self.insist(lambda: queue.kill_all(JobFilter(name="work")))
        self.insist(lambda: shelf.enqueue_many([()] * 3))
        self.insist(queue.clear)
        self.insist(self.app.dead.clear)
        self._fail_once()
        later = self.insist(lambda: shelf.enqueue_in("1h"))
        self.insist(lambda: self.app.scheduled.reschedule(later.jid, time.time() + 7200))
        self.insist(lambda: self.app.scheduled.kill(later.jid))
        self.insist(lambda: self.app.dead.retry(later.jid))
        self.insist(queue.clear)

    def _fail_once(self) -> None:
        """Begin what is to be done once, and fail in it."""

        def fail() -> None:
            with suppress(ZeroDivisionError), self.app.once("import", "1m") as mine:
                self.mine.append(mine)
                raise ZeroDivisionError

        self.insist(fail)
        # Whatever happened to the calls, nobody else was told before.
        assert self.mine[0]

    def _keep_the_schedule(self) -> None:
        """Put an entry that is not due yet, pause it, resume it, run it now, and delete it."""
        schedule = self.app.periodic
        self.insist(lambda: schedule.put("audit", "work", every="1h", skip_first_run=True))
        self.insist(lambda: schedule.pause("audit"))
        assert self.insist(lambda: schedule["audit"].is_paused)
        self.insist(lambda: schedule.resume("audit"))
        self.stored.add(self.insist(lambda: schedule.trigger("audit")).jid)
        self.insist(self._delete_audit)
        assert "audit" not in self.insist(lambda: list(schedule))

    def _delete_audit(self) -> None:
        # It is gone if only the answer was lost.
        with suppress(UnknownEntry):
            self.app.periodic.delete("audit")

    def _limit(self) -> None:
        """Take of two limiters together, hold a slot for longer, correct an estimate, look, and give back."""
        slots, points = self.app.limiter.concurrent("day", 100), self.app.limiter.points("day", 100, 1.0)
        permit = self.insist(self.app.limiter.all(slots, points).acquire)
        assert self.insist(permit.renew)
        self.insist(lambda: permit.points_used(2))
        assert len(self.insist(self.app.limiters.states)) == 2
        permit.release()

    @staticmethod
    def _walked(queue: Any) -> list[Any]:
        """Walk over a queue of which the job that was read last vanishes."""
        walk, seen = iter(queue), []
        for number, job in enumerate(walk):
            seen.append(job)
            if number == 99:
                job.delete()
        return seen

    def _quiet(self, worker: Worker) -> None:
        """Let suspects wait for each other, and send the worker away meanwhile: it gives back those that wait."""
        self.released.clear()
        jids = [f"suspect-{number}" for number in range(3)]
        raw = [_record("hold", jid, recovered=[time.time() - 1]) for jid in jids]
        self.client.lpush(keys.queue("default"), *raw)
        self.stored |= set(jids)
        until(lambda: self.holding and len(self._suspects()) > len(self.holding), 20)
        faultties.cancel_what_runs(self)
        self.assert_alive()
        worker.quiet()
        until(lambda: len(self._suspects()) == len(self.holding), 20)
        self.released.set()
        worker.stop(5)

    def _until_done(self) -> None:
        self.released.set()
        until(lambda: self.stored <= set(self.ran), 25)
        until(self._is_drained, 25)

    def _is_drained(self) -> bool:
        sets = self.client.zcard(keys.SCHEDULE), self.client.zcard(keys.RETRY), self.client.llen(keys.queue("default"))
        return not any(sets) and not self._in_flight() and not faultlanes.has_lanes(self)

    def _in_flight(self) -> list[bytes]:
        hashes = [self.client.hgetall(key) for key in self.client.scan_iter("{queue:*}:p:*")]
        return [raw for held in hashes for seq, raw in held.items() if seq.isdigit()]

    def _suspects(self) -> list[bytes]:
        return [raw for raw in self._in_flight() if b"suspect-" in raw]

    # --- the evening -------------------------------------------------------------------------

    def assert_alive(self) -> None:
        """Fail if a loop has ended that nobody stopped."""
        for worker in self.workers:
            if worker.is_quiet:
                continue
            lookers = [looker for capsule in worker.capsules for looker in capsule._lookers.values()]
            services = [worker._heartbeat, worker._forwarder, worker._recoverer, *worker.capsules, *lookers]
            ended = [service.name for service in services if service.join(0)]
            assert not ended, f"loops have ended: {ended}"
        assert self.clock._is_stopping or self.clock._thread.is_alive()

    def verdict(self) -> dict[str, int]:
        """Return what became of the jobs, in numbers; all but the first shall be 0."""
        ticks = [past.tick.timestamp() for past in self.app.periodic["ticker"].history(100)]
        return {
            "pushed": len(self.stored),
            "lost": len(self.stored - set(self.ran)),
            "dup": sum(count - 1 for count in self.ran.values()),
            "refused_and_run": len(self.refused & set(self.ran)),
            "ticked_twice": len(ticks) - len(set(ticks)),
            "not_ticked": round((max(ticks) - min(ticks)) / PERIOD) + 1 - len(set(ticks)),
            "miscounted": int(self.client.get(keys.STAT_PROCESSED) or 0) - self.runs,
        }

    def close(self) -> None:
        """Send everybody home."""
        self.wire.be_good()
        self.released.set()
        self.clock.stop()
        for worker in self.workers:
            worker.stop(1)
        self.app.close()


def _record(name: str, jid: str, **fields: object) -> bytes:
    record = {"class": name, "args": [], "jid": jid, "queue": "default", "retry": True, "created_at": 1.5}
    return json.dumps(record | fields).encode()
