"""What every step of the machine does: the same call to the model and to the server, then a look from outside."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import TypeVar

from hypothesis.stateful import RuleBasedStateMachine, invariant
from msgspec.structs import replace

from machine import seen
from machine.model import Model, digest_of
from mainspring.base import codec, payload
from mainspring.base.errors import StoreRefused
from mainspring.store import queues
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.ties import UNREAD, Ties
from servers import Server

T = TypeVar("T")

NOW = 1_790_000_000.5
DAY = "2026-09-21"
#: Due since 1970, and not due before 2096.
DUE, FAR = 1000.0, 4_000_000_000.0
#: Longer than any run: only the machine lets a lease run out, and a lock fade.
LEASE_MS = UNIQUE_MS = 3_600_000


class Base(RuleBasedStateMachine):
    """A store, its model, and the ledger of what was accepted and what is finished.

    The ledger is kept by the server's answers alone, so that it does not share the model's errors.
    """

    def __init__(self, server: Server) -> None:
        """Begin with an empty server."""
        super().__init__()
        self.server = server
        server.flush()
        self.store = Store(server.url)
        self.model = Model()
        self.before = copied(self.model)
        self.looker = seen.Looker(server.client)
        self.last = self.looker.look()
        self.accepted: set[str] = set()
        self.gone: set[str] = set()
        self.is_full = False
        self.count = 0

    def teardown(self) -> None:
        """Leave the server as it was found."""
        self.store.close()
        self.server.client.config_set("maxmemory", 0)

    # --- steps -----------------------------------------------------------------------

    def call(self, command: Command[T], promise: Callable[[Model], T]) -> T:
        """Make a call, and check that it gives what the model promises."""
        promised = promise(self.model)
        answer = self.store.run(command)
        assert answer == promised, f"{command.name} answered {answer!r}, not {promised!r}"
        return answer

    def write(self, command: Command[T], promise: Callable[[Model], T]) -> T | None:
        """Make a call that fills memory: a full server refuses it, unless there is nothing to be written."""
        if not self.is_full:
            return self.call(command, promise)
        trial = copied(self.model)
        promised = promise(trial)
        try:
            answer = self.store.run(command)
        except StoreRefused as refused:
            return _for_want_of_memory(refused)
        assert trial == self.model, f"a full server took {command.name}"
        assert answer == promised, f"{command.name} answered {answer!r}, not {promised!r}"
        return answer

    def enqueue(self, queue: str, n: int, *, times: int = 1) -> None:
        """Push jobs that were never pushed; more than once if the answer was lost."""
        jobs = self.new_jobs(queue, n)
        token = payload.read(jobs[0]).jid if times > 1 else ""
        command = queues.push(queue, jobs, token=token)
        for _ in range(times):
            if self.write(command, lambda model: model.push(queue, jobs, token)):
                self.accept(jobs)

    # --- the ledger ------------------------------------------------------------------

    def new_jobs(self, queue: str, n: int) -> list[bytes]:
        """Make jobs that were never pushed."""
        return [self.new_job(queue) for _ in range(n)]

    def new_job(self, queue: str, digest: str = "") -> bytes:
        """Make a job, a unique one if a *digest* is given; processes have died of every other: one more buries it."""
        self.count += 1
        job = {"class": "letter", "args": [], "jid": f"{self.count:024x}", "queue": queue}
        if self.count % 2 == 0:
            job["recovered"] = [NOW - 2, NOW - 1]
        if digest:
            job["flow"] = {"lock": digest, "unique_for": UNIQUE_MS / 1000}
        return codec.encode(job)

    def accept(self, jobs: Iterable[bytes]) -> None:
        """Note jobs whose push was answered."""
        self.accepted |= {payload.read(job).jid for job in jobs}

    def finish(self, jobs: Iterable[bytes]) -> None:
        """Note jobs that by the server's answer have ended."""
        self.gone |= {payload.read(job).jid for job in jobs}

    # --- what must be true -----------------------------------------------------------

    @invariant()
    def the_store_keeps_its_promises(self) -> None:
        """Look at everything from outside."""
        now = self.looker.look()
        seen.conservation(now, self.accepted, self.gone)
        seen.locks(now)
        seen.ownership(now)
        seen.visibility(now)
        seen.lifetimes(now)
        seen.fences(now, self.last)
        if self.model == self.before:
            assert now.values == self.last.values, "a call without effect wrote something"
        else:
            self.before = copied(self.model)
        promised = seen.expected(self.model, DAY)
        different = {key for key in now.values | promised if now.values.get(key) != promised.get(key)}
        assert not different, {key: (now.values.get(key), promised.get(key)) for key in different}
        self.last = now


def copied(model: Model) -> Model:
    """Return an equal model that shares nothing with it; several times faster than `copy.deepcopy`, once a step."""
    made: Model = pickle.loads(pickle.dumps(model, pickle.HIGHEST_PROTOCOL))
    return made


def _for_want_of_memory(refused: StoreRefused) -> None:
    assert (refused.code, refused.applied) == ("OOM", False)


def settlement(kind: str, job: bytes, at: float) -> queues.Settlement:
    """Return what the worker's executor makes of a job that ended so."""
    tried = payload.changed(job, {"retry_count": (payload.read(job).retry_count or 0) + 1})
    made = {
        "retry": queues.Settlement("retry", at, tried, fails=True, what="failed"),
        "dead": queues.Settlement("dead", NOW, tried, fails=True, what="dead"),
        "snooze": queues.Settlement("schedule", at, job, runs=False, what="later"),
        "discard": queues.Settlement(fails=True, what="dropped"),
        "success": queues.Settlement(),
        "unreadable": queues.Settlement("dead", NOW, b"", fails=True, what="dead", ties=UNREAD),
    }[kind]
    return made if made.ties else replace(made, ties=ties_of(job))


def ties_of(job: bytes) -> Ties | None:
    """Return what hangs on a job: a lock, or nothing."""
    digest = digest_of(job)
    return Ties(payload.read(job).jid, digest, UNIQUE_MS) if digest else None


KINDS = ("retry", "dead", "snooze", "discard", "success", "unreadable")
