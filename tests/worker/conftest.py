"""What tests of the worker share: an App on a real server, and workers in this process that are always stopped."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mainspring import App
from mainspring.config import Timing
from mainspring.store import keys
from mainspring.worker import Worker
from servers import Server
from support import until

#: Short enough for a test, and long enough for two busy cores.
TIMING = Timing(beat=0.5, lease=3.0, sweep=0.5, grace=1.0, reconcile=60.0)


class Bench:
    """One App, its server, and the workers that a test starts on it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client = server.client
        self.app = App(server.url)
        self.workers: list[Worker] = []

    def job(self, function: Callable[..., Any], **options: Any) -> Any:
        """Make *function* a job under its own short name, before a worker is started."""
        return self.app.job(name=function.__name__, **options)(function)

    def work(self, concurrency: int = 2, queues: tuple[str, ...] = ("default",), **options: Any) -> Worker:
        """Start a worker."""
        if any(job.options.runs_in == "process" for job in self.app.jobs.values()):
            # It forks this process, which must have no threads; those of tests before end with their connections.
            until(lambda: threading.active_count() == 1, 30)
        worker = Worker(self.app, concurrency, queues, **({"timing": TIMING, "timeout": 1.0} | options))
        self.workers.append(worker)
        worker.start()
        return worker

    def run(self, *, timeout: float = 10.0, **options: Any) -> Worker:
        """Start a worker, and stop it when nothing waits and nothing is in flight."""
        worker = self.work(**options)
        self.drained(timeout)
        worker.stop()
        return worker

    def drained(self, timeout: float = 10.0) -> None:
        """Return when no queue holds a job and nothing is in flight."""
        until(lambda: not self.waiting() and not self.in_flight(), timeout)

    def waiting(self) -> int:
        """Count the jobs in all queues."""
        return sum(self.client.llen(key) for key in self.client.scan_iter("queue:*"))

    def in_flight(self) -> int:
        """Count the jobs in flight."""
        found = self.client.scan_iter("{queue:*}:p:*")
        return sum(field.isdigit() for key in found for field in self.client.hkeys(key))

    def push_raw(self, *texts: bytes | str, queue: str = "default") -> None:
        """Push texts as another program would."""
        self.client.sadd("queues", queue)
        self.client.lpush(f"queue:{queue}", *texts)

    def push(self, name: str, *args: Any, queue: str = "default", **fields: Any) -> str:
        """Push a job as Ruby would, with more fields if they are given."""
        jid = fields.pop("jid", f"{len(args):012d}{self.client.incr('stat:pushed-by-tests'):012d}")
        self.client.expire("stat:pushed-by-tests", 60)
        record = {"retry": True, "queue": queue, "class": name, "args": list(args), "jid": jid, "created_at": 1.5}
        self.push_raw(json.dumps(record | {"enqueued_at": 1.5} | fields), queue=queue)
        return jid

    def found(self, key: str) -> list[tuple[dict[str, Any], float]]:
        """Return the jobs of a set, with their scores."""
        return [(json.loads(raw), score) for raw, score in self.client.zrange(key, 0, -1, withscores=True)]

    def only(self, key: str) -> dict[str, Any]:
        """Return the one job of a set."""
        ((record, _),) = self.found(key)
        return record

    def counted(self) -> tuple[int, int]:
        """Return how many runs were counted, and how many failed ones."""
        return int(self.client.get(keys.STAT_PROCESSED) or 0), int(self.client.get(keys.STAT_FAILED) or 0)

    def close(self) -> None:
        for worker in self.workers:
            worker.stop(0.2)
        self.app.close()


@pytest.fixture
def bench(server: Server) -> Iterator[Bench]:
    """Give an App and a way to work for it."""
    made = Bench(server)
    yield made
    made.close()


@pytest.fixture
def spoken(caplog: pytest.LogCaptureFixture) -> Callable[[str], list[dict[str, Any]]]:
    """Return a function that gives the facts of all records of one event."""
    caplog.set_level(logging.INFO, logger="mainspring")

    def facts(event: str) -> list[dict[str, Any]]:
        return [record.facts for record in caplog.records if getattr(record, "event", "") == event]

    return facts
