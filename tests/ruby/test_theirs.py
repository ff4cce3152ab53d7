"""Our API reads a real `sidekiq` process and its jobs by values, and steers both; nothing is doubled or lost."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter

import pytest

from ruby.crew import Crew, Program, eventually

MANY = 500
LATELY = 300


@pytest.fixture
def sidekiq(crew: Crew) -> Program:
    """A `sidekiq` that runs jobs."""
    return crew.sidekiq("-q", "default", "-q", "low", "-g", "shop", labels="blue,eu").ready()


def lately(moment: float | None) -> bool:
    """Return whether *moment* was within the last minute."""
    return moment is not None and time.time() - LATELY < moment <= time.time()


def left(crew: Crew) -> int:
    """Count the jobs in queues and sets."""
    return sum(crew.stored().values())


def test_the_process_and_its_work(crew: Crew, sidekiq: Program):
    jid = crew.app.enqueue("Hold", ["größe"], queue="low").jid
    eventually(lambda: [process.busy for process in crew.app.processes] == [1])

    [process] = crew.app.processes

    assert (process.identity, process.role, process.host) == (sidekiq.identity, "worker", socket.gethostname())
    assert (process.pid, process.tag) == (sidekiq.pid, "shop")
    assert (list(process.queues), list(process.labels)) == (["default", "low"], ["blue", "eu"])
    assert (process.busy, process.concurrency, process.is_quiet) == (1, 5, False)
    assert lately(process.started_at)
    assert lately(process.beat)
    assert 5_000 < process.rss_kb < 1_000_000
    assert process.rtt_us > 0
    [running] = process.work
    assert (running.queue, running.job.jid, running.job.name, running.job.args) == ("low", jid, "Hold", ["größe"])
    assert running.job.place == "running"
    assert lately(running.run_at)
    found = crew.app.find(jid)
    assert (found.place, found.process) == ("running", sidekiq.identity)
    assert not found.delete()
    crew.release("größe")
    eventually(lambda: crew.runs("done", jid))


def test_its_statistics_and_what_became_of_its_jobs(crew: Crew, sidekiq: Program):
    doomed = {"class": "Doomed", "backtrace": True}
    retried = crew.ruby.ask("push", doomed | {"args": ["böse"]})
    dead = crew.ruby.ask("push", doomed | {"args": ["too late"], "retry": 0, "tags": ["a"]})
    for number in range(3):
        crew.ruby.ask("push", {"class": "Echo", "args": [number]})
    crew.ruby.ask("push", {"class": "Echo", "args": [], "queue": "other"})
    eventually(lambda: crew.app.stats().processed == 5)

    stats = crew.app.stats()
    [retry], [died] = crew.app.retries, crew.app.dead

    assert (stats.processed, stats.failed, stats.enqueued) == (5, 2, 1)
    assert (stats.scheduled, stats.retries, stats.dead, stats.processes, stats.busy) == (0, 1, 1, 1, 0)
    assert stats.queues == {"default": 0, "other": 1}
    # Midnight may have come in between.
    assert sum(day.processed for day in stats.history.values()) == 5
    assert sum(day.failed for day in stats.history.values()) == 2
    assert 0 < crew.app.queue("other").latency < LATELY
    assert (retry.jid, retry.name, retry.args, retry.queue) == (retried, "Doomed", ["böse"], "default")
    assert (retry.error_class, retry.error_message, retry.retry_count) == ("ArgumentError", "böse", 0)
    assert any("shared.rb" in line for line in retry.backtrace)
    assert lately(retry.failed_at)
    assert lately(retry.created_at)
    # Sidekiq's curve, without what chance adds.
    assert retry.at - retry.failed_at == pytest.approx(15, abs=2)
    assert (died.jid, died.tags, died.error_message) == (dead, ["a"], "too late")
    assert lately(died.at)
    assert crew.app.find(dead).place == "dead"


def test_each_of_its_jobs_can_be_steered(crew: Crew, sidekiq: Program):
    jids = [crew.ruby.ask("push", {"class": "Doomed", "args": [str(number)]}) for number in range(4)]
    eventually(lambda: crew.app.retries.size == 4)
    again, later, gone, killed = jids
    when = time.time() + 5000

    assert crew.app.retries.retry(again)
    assert crew.app.retries.reschedule(later, when)
    assert crew.app.retries.delete(gone)
    assert crew.app.retries.kill(killed)

    eventually(lambda: len(crew.runs("start", again)) == 2 and crew.app.retries.size == 2)
    assert {job.jid: job.retry_count for job in crew.app.retries} == {again: 0, later: 0}
    assert crew.app.retries.find(later).at == pytest.approx(when, abs=0.01)
    assert [job["jid"] for job in crew.ruby.ask("set", "dead")["jobs"]] == [killed]
    assert crew.app.find(gone) is None
    assert crew.app.dead.retry(killed)
    eventually(lambda: len(crew.runs("start", killed)) == 2 and crew.app.retries.size == 3)
    assert left(crew) == 3


def test_retry_all_while_its_scheduler_moves_them_too(crew: Crew, sidekiq: Program):
    for number in range(MANY):
        crew.ruby.ask("push", {"class": "Tally", "args": [number, True]})
    eventually(lambda: len(crew.runs("start")) >= MANY)
    # The first were due, and moved, before the last had failed.
    crew.app.retries.retry_all()

    eventually(lambda: len(crew.runs("done")) >= MANY and not left(crew))
    for event, times in (("start", 2), ("done", 1)):
        assert Counter(line["number"] for line in crew.runs(event)) == dict.fromkeys(range(MANY), times)


def test_delete_all_while_its_scheduler_moves_them(crew: Crew, sidekiq: Program):
    # All due now: Ruby moves one after the other.
    items = {"class": "Tally", "at": time.time() + 0.5}
    for number in range(MANY):
        crew.ruby.ask("push", items | {"args": [number]})

    eventually(lambda: crew.runs("forwarded"))
    deleted = crew.app.scheduled.delete_all()

    eventually(lambda: len(crew.runs("done")) + deleted == MANY and not left(crew))
    assert max(Counter(line["number"] for line in crew.runs("done")).values()) == 1


def test_it_is_looked_into_quieted_and_stopped(crew: Crew, sidekiq: Program):
    jid = crew.app.enqueue("Hold", ["until told"]).jid
    eventually(lambda: crew.runs("start", jid))
    [process] = crew.app.processes

    process.dump()

    eventually(lambda: "Thread TID-" in sidekiq.log.read_text() and "heartbeat" in sidekiq.log.read_text())
    process.quiet()

    sidekiq.became("quiet")
    eventually(lambda: [each.is_quiet for each in crew.app.processes] == [True])
    crew.release("until told")
    eventually(lambda: crew.runs("done", jid))
    process.stop()
    assert sidekiq.wait() == 0
    # A beat of its heart that falls between its farewell and its end lists it once more, until that expires.
    eventually(lambda: list(crew.app.processes) == [])
    assert left(crew) == 0


def test_what_it_gives_back_at_its_end_runs_here(crew: Crew):
    # Longer than the two seconds for which its idle threads wait at the queue: they would take it, and die with it.
    sidekiq = crew.sidekiq("-t", "3").ready()
    jid = crew.app.enqueue("Hold", ["until told"]).jid
    eventually(lambda: crew.runs("start", jid))

    sidekiq.popen.terminate()
    assert sidekiq.wait() == 0
    crew.release("until told")
    crew.mainspring().ready()

    eventually(lambda: crew.runs("done", jid))
    assert [line["side"] for line in crew.runs("start", jid)] == ["ruby", "python"]
    eventually(lambda: not left(crew))


def test_text_that_is_no_job_is_put_aside_by_either_side(crew: Crew, sidekiq: Program):
    crew.server.client.lpush("queue:default", "no job")
    eventually(lambda: crew.app.dead.size == 1)
    sidekiq.popen.terminate()
    assert sidekiq.wait() == 0
    crew.mainspring().ready()
    crew.server.client.lpush("queue:default", "none either")
    eventually(lambda: crew.app.dead.size == 2)

    assert {job.raw for job in crew.app.dead} == {b"no job", b"none either"}
    shown = crew.ruby.ask("set", "dead")["jobs"]
    assert {json.dumps(job["args"]) for job in shown} == {'["no job"]', '["none either"]'}
    assert crew.app.dead.delete_all() == 2
