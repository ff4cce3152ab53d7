"""Sidekiq's API in Ruby reads a worker of ours, its work and what became of its jobs, by values."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ruby.crew import Crew, Program, eventually

#: Seconds within which what was just done is dated.
LATELY = 300


@pytest.fixture(scope="module")
def crew(standing: Crew) -> Crew:
    """Tests of this file only look."""
    return standing


@pytest.fixture(scope="module")
def busy(crew: Crew) -> Iterator[Program]:
    """A worker that has done three jobs, failed two and holds one; the queue `default` it leaves alone."""
    worker = crew.mainspring(queues=["work", "low"], concurrency=3, tag="shop", labels=["blue", "eu"], wait=1000)
    worker.ready()
    app = crew.app
    for _ in range(3):
        app.enqueue("Echo", ["ä/</b>", 1, None], queue="work")
    app.enqueue("Doomed", ["böse"], queue="work")
    app.enqueue("Doomed", ["too late"], queue="work", retry=0)
    app.enqueue("Hold", ["größe"], queue="low")
    app.enqueue("Echo", [1])
    app.enqueue("Echo", [2])
    app.enqueue("Echo", [3], at=datetime.now(UTC) + timedelta(hours=1))
    eventually(lambda: len(crew.runs("done")) == 3 and app.retries.size == 1 and app.dead.size == 1)
    eventually(lambda: crew.ruby.ask("stats")["workers_size"] == 1 and crew.ruby.ask("stats")["processed"] == 5)
    yield worker
    crew.release("größe")
    eventually(lambda: not crew.in_flight())


def lately(moment: float) -> bool:
    """Return whether *moment* was within the last minute."""
    return time.time() - LATELY < moment <= time.time()


def test_the_statistics(crew: Crew, busy: Program):
    stats = crew.ruby.ask("stats")

    assert 0 < stats.pop("default_queue_latency") < LATELY
    assert stats == {
        "processed": 5,
        "failed": 2,
        "enqueued": 2,
        "scheduled_size": 1,
        "retry_size": 1,
        "dead_size": 1,
        "processes_size": 1,
        "workers_size": 1,
        "queues": {"default": 2, "work": 0, "low": 0},
    }


def test_the_history_of_days(crew: Crew, busy: Program):
    history = crew.ruby.ask("history", 2)

    for counts, total in ((history["processed"], 5), (history["failed"], 2)):
        assert len(counts) == 2
        # Midnight may have come in between.
        assert sum(counts.values()) == total
    assert crew.app.stats().processed == 5


def test_the_process(crew: Crew, busy: Program):
    processes = crew.ruby.ask("processes")

    assert (processes["size"], processes["threads"], processes["leader"]) == (1, 3, "")
    [process] = processes["each"]
    assert processes["rss"] == process["rss"]
    assert 5_000 < process.pop("rss") < 1_000_000
    assert 0 < process.pop("rtt_us") < 60_000_000
    assert lately(process.pop("started_at"))
    assert lately(process.pop("beat"))
    assert process == {
        "identity": busy.identity,
        "hostname": socket.gethostname(),
        "pid": busy.pid,
        "tag": "shop",
        "concurrency": 3,
        "queues": ["work", "low"],
        "labels": ["blue", "eu"],
        "busy": 1,
        "quiet": "false",
        "stopping": False,
    }


def test_the_work(crew: Crew, busy: Program):
    works = crew.ruby.ask("works")

    assert works["size"] == 1
    [work] = works["each"]
    assert work["process"] == busy.identity
    assert work["thread"]
    assert work["queue"] == "low"
    assert isinstance(work["run_at"], int)
    assert lately(work["run_at"])
    assert (work["payload"]["class"], work["payload"]["args"]) == ("Hold", ["größe"])
    [started] = [line for line in crew.runs("start") if line.get("name") == "größe"]
    assert work["payload"]["jid"] == started["jid"]


def test_a_retry(crew: Crew, busy: Program):
    [job] = crew.ruby.ask("set", "retry")["jobs"]

    assert (job["klass"], job["display_class"], job["args"], job["queue"]) == ("Doomed", "Doomed", ["böse"], "work")
    assert (job["is_error"], job["error_class"], job["error_message"]) == (True, "ValueError", "böse")
    assert (job["retry_count"], job["retried_at"]) == (0, None)
    assert lately(job["failed_at"])
    assert 900 < job["at"] - time.time() < 1000
    assert job["at"] == pytest.approx(job["score"], abs=1e-3)
    assert any("program.py" in line and "doomed" in line for line in job["backtrace"])
    assert crew.ruby.ask("find", "retry", job["jid"]) | {"latency": 0} == job | {"latency": 0}
    assert [each["jid"] for each in crew.ruby.ask("scan", "retry", "böse")] == [job["jid"]]
    assert [each["jid"] for each in crew.ruby.ask("fetch", "retry", job["score"])] == [job["jid"]]


def test_a_dead_job(crew: Crew, busy: Program):
    [job] = crew.ruby.ask("set", "dead")["jobs"]

    assert (job["klass"], job["args"], job["error_message"]) == ("Doomed", ["too late"], "too late")
    assert lately(job["at"])
    assert crew.ruby.ask("find", "dead", job["jid"])["value"] == job["value"]


def test_a_scheduled_job(crew: Crew, busy: Program):
    [job] = crew.ruby.ask("set", "schedule")["jobs"]

    assert (job["klass"], job["args"], job["queue"], job["is_error"]) == ("Echo", [3], "default", False)
    assert 3500 < job["at"] - time.time() < 3600
    assert job["enqueued_at"] is None
    assert lately(job["created_at"])


def test_the_jobs_of_a_queue(crew: Crew, busy: Program):
    assert crew.ruby.ask("queues") == ["default", "low", "work"]

    queue = crew.ruby.ask("queue", "default")

    # Ruby shows the newest first.
    assert [job["args"] for job in queue["jobs"]] == [[2], [1]]
    assert (queue["size"], queue["paused"]) == (2, False)
    assert queue["jobs"][1]["latency"] == pytest.approx(queue["latency"], abs=5)
    assert lately(queue["jobs"][0]["enqueued_at"])
    assert [job["value"].encode() for job in queue["jobs"]] == crew.payloads("queue:default")
