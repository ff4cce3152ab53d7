"""A producer and a worker by hand: every call is made again until its answer was read, as the real ones do."""

from __future__ import annotations

import json
from typing import TypeVar

import redis

from mainspring.base.errors import StoreUnavailable
from mainspring.store import keys, processes, queues, sets
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.queues import Settlement

T = TypeVar("T")

ME = "host:1:aaaaaaaaaaaa"
NOW, PAST, FUTURE = 1_790_000_000.5, 1000.0, 4_000_000_000.0
DAY = "2026-11-22"

#: The scripts that a round calls.
CALLED = (
    "job_push", "set_add", "jobs_fetch", "jobs_done", "job_mark", "job_settle", "jobs_return",
    "set_forward", "set_move", "process_register", "process_beat", "process_leave",
)  # fmt: skip


class Hand:
    """One who pushes, fetches, fails, returns and forwards jobs, whatever becomes of the answers.

    Attributes:
        again: How many calls were made again.
        rounds: How many rounds were made.
    """

    def __init__(self, url: str, client: redis.Redis) -> None:
        """Work on the store at *url*; *client* looks at it without being disturbed."""
        self.store = Store(url, timeout=2.0)
        self.client = client
        self.again = self.rounds = 0
        self._made = self._asked = 0

    def insist(self, command: Command[T]) -> T:
        """Make a call until its answer was read."""
        while True:
            try:
                return self.store.run(command)
            except StoreUnavailable:
                self.again += 1

    def round(self) -> None:
        """Do everything once, and check that each did what it does once."""
        self.insist(processes.register("default", ME, 60_000))
        assert self.insist(processes.beat("default", ME, 60_000)) == 1
        jobs = [self._job() for _ in range(4)]
        self.insist(queues.push("default", jobs, token=json.loads(jobs[0])["jid"]))
        self._has(queue=4)
        held = self._fetch(4)
        assert [raw for _, raw in held] == jobs, "another's jobs, or in another order"
        (first, _), (second, raw), (third, _), (fourth, _) = held
        self.insist(queues.done("default", ME, [first], DAY))
        self.insist(queues.mark("default", ME, second))
        failed = Settlement(keys.RETRY, PAST, raw + b" ", fails=True)
        self.insist(queues.settle("default", ME, second, failed, now=NOW, day=DAY))
        self._has(held=2, retry=1)
        self.insist(queues.give_back("default", ME, [third]))
        self._has(queue=1, held=1, retry=1)
        self.insist(sets.forward(keys.RETRY, "default", [(raw + b" ", raw)]))
        self._has(queue=2, held=1)
        self._later()
        self.insist(processes.leave("default", ME))
        self._has(queue=3)
        again = self._fetch(3)
        self.insist(queues.done("default", ME, [seq for seq, _ in again], DAY))
        self._has()
        assert fourth < min(seq for seq, _ in again)
        self.rounds += 1

    def _later(self) -> None:
        """Schedule a job, let it be due at another time, and drop it."""
        job = self._job()
        self.insist(sets.add([(FUTURE, job)], queue="default", token=json.loads(job)["jid"]))
        self.insist(sets.move(keys.SCHEDULE, keys.DEAD, job, job, NOW))
        assert self.client.zrange(keys.DEAD, 0, -1) == [job]
        assert not self.client.exists(keys.SCHEDULE)
        self.client.delete(keys.DEAD)

    def _job(self) -> bytes:
        self._made += 1
        return json.dumps({"class": "a", "jid": f"{self._made:024x}", "args": []}).encode()

    def _fetch(self, n: int) -> list[tuple[int, bytes]]:
        self._asked += 1
        return list(self.insist(queues.fetch("default", ME, n, str(self._asked), "_req")).jobs)

    def _has(self, **wanted: int) -> None:
        """Check how many jobs lie where: ``queue``, ``held``, ``retry``."""
        found = {
            "queue": self.client.llen(keys.queue("default")),
            "held": sum(field.isdigit() for field in self.client.hkeys(keys.inflight("default", ME))),
            "retry": self.client.zcard(keys.RETRY),
        }
        assert found == {"queue": 0, "held": 0, "retry": 0} | wanted, found

    def miscounted(self) -> int:
        """Return how many runs were counted too many: a round has five, one of which failed."""
        return int(self.client.get(keys.STAT_PROCESSED) or 0) - self.rounds * 5
