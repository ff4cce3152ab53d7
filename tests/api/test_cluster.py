"""What the cluster does is shown as it is: processes, numbers, and one job wherever it lies."""

from __future__ import annotations

import json

import pytest

from api.still import NOW
from mainspring.api.find import find
from mainspring.api.processes import Processes
from mainspring.api.stats import Day, read_stats
from mainspring.base.errors import InvalidOption
from mainspring.store import keys
from mainspring.store.connection import Store

ME = "host:41:abcdefabcdef"
INFO = {
    "hostname": "host",
    "started_at": NOW - 100,
    "pid": 41,
    "tag": "shop",
    "concurrency": 10,
    "queues": ["default", "low"],
    "labels": ["reliable"],
    "identity": ME,
    "version": "8.1.7",
}


@pytest.fixture
def show(server):
    """Let a process show itself, as Sidekiq does."""

    def show(identity=ME, info=None, work=None, **fields):
        server.client.sadd(keys.PROCESSES, identity)
        description = {
            "info": json.dumps(info or INFO),
            "busy": 1,
            "beat": NOW,
            "rtt_us": 300,
            "rss": 45000,
            "quiet": "false",
        }
        server.client.hset(keys.process(identity), mapping=description | fields)
        server.client.expire(keys.process(identity), 60)
        if work:
            server.client.hset(keys.work(identity), mapping=work)
            server.client.expire(keys.work(identity), 60)

    return show


# --- processes -----------------------------------------------------------------------


def test_a_process_is_shown_with_what_it_runs(store, time, show, make):
    work = {"tid1": json.dumps({"queue": "low", "payload": make().decode(), "run_at": int(NOW)}), "tid2": "not json"}
    show(work=work, quiet="true")

    (process,) = Processes(store, time)

    assert (process.identity, process.host, process.pid, process.tag, process.role) == (
        ME,
        "host",
        41,
        "shop",
        "worker",
    )
    assert (process.busy, process.concurrency, process.rss_kb, process.rtt_us) == (1, 10, 45000, 300)
    assert (process.queues, process.labels, process.version) == (["default", "low"], ["reliable"], "8.1.7")
    assert process.is_quiet
    (running,) = process.work
    assert (running.slot, running.queue, running.run_at) == ("tid1", "low", int(NOW))
    assert (running.job.jid, running.job.place, running.job.process) == ("a" * 24, "running", ME)


def test_what_a_sidekiq_before_6_5_runs_is_read_from_its_older_key(server, store, time, show, make):
    show()
    work = {"queue": "low", "payload": make().decode(), "run_at": int(NOW)}
    server.client.hset(keys.workers(ME), mapping={"tid1": json.dumps(work)})
    server.client.expire(keys.workers(ME), 60)

    (process,) = Processes(store, time)

    assert [(running.slot, running.job.jid) for running in process.work] == [("tid1", "a" * 24)]


def test_a_process_that_shows_nonsense_is_shown_all_the_same(server, store, time):
    server.client.sadd(keys.PROCESSES, ME)
    server.client.hset(keys.process(ME), mapping={"info": "[", "busy": "many", "beat": "nan", "rss": "inf"})
    server.client.expire(keys.process(ME), 60)

    (process,) = Processes(store, time)

    assert (process.host, process.pid, process.busy, process.rss_kb, process.queues) == ("", 0, 0, 0, ())


def test_the_silent_are_forgotten_once_a_minute(server, store, time, show):
    show()
    server.client.sadd(keys.PROCESSES, "dead:1:a")

    assert [process.identity for process in Processes(store, time)] == [ME]
    assert server.client.smembers(keys.PROCESSES) == {ME.encode()}

    server.client.sadd(keys.PROCESSES, "dead:2:b")

    assert len(Processes(store, time)) == 1
    assert server.client.sismember(keys.PROCESSES, "dead:2:b")
    assert 0 < server.client.ttl(keys.PROCESS_CLEANUP) <= 60


def test_processes_are_shown_by_a_store_that_takes_no_writes(private_server, time):
    server = private_server()
    server.client.sadd(keys.PROCESSES, ME, "silent:1:aaaaaaaaaaaa")
    server.client.hset(keys.process(ME), mapping={"info": json.dumps(INFO), "busy": 1, "beat": NOW})
    server.client.config_set("maxmemory", "1mb")
    full = Store(server.url)

    assert [process.identity for process in Processes(full, time)] == [ME]
    full.close()


@pytest.mark.parametrize(("act", "name"), [("quiet", b"TSTP"), ("stop", b"TERM"), ("dump", b"TTIN")])
def test_a_signal_waits_a_minute_for_its_process(server, store, time, show, act, name):
    show()

    getattr(Processes(store, time)[ME], act)()

    assert server.client.lrange(keys.signals(ME), 0, -1) == [name]
    assert 0 < server.client.ttl(keys.signals(ME)) <= 60


def test_a_process_that_is_not_there_cannot_be_asked_for(store, time):
    with pytest.raises(KeyError):
        Processes(store, time)["nobody"]


# --- stats ---------------------------------------------------------------------------


def test_the_numbers_are_those_of_the_store(server, store, time, show, make):
    show(busy=3)
    server.client.sadd(keys.QUEUES, "default", "low")
    server.client.lpush(keys.queue("default"), make(enqueued_at=NOW - 7))
    server.client.zadd(keys.SCHEDULE, {b"a": 1})
    server.client.zadd(keys.RETRY, {b"a": 1, b"b": 1})
    server.client.zadd(keys.DEAD, {b"a": 1, b"b": 1, b"c": 1})
    server.client.mset({keys.STAT_PROCESSED: 10, keys.STAT_FAILED: 4})
    server.client.set(keys.stat_processed_day("2026-09-21"), 5, ex=60)

    stats = read_stats(store, time, days=2)

    assert (stats.processed, stats.failed, stats.enqueued) == (10, 4, 1)
    assert (stats.scheduled, stats.retries, stats.dead) == (1, 2, 3)
    assert (stats.processes, stats.busy, stats.default_queue_latency) == (1, 3, 7)
    assert stats.queues == {"default": 1, "low": 0}
    assert stats.history == {"2026-09-21": Day(5, 0), "2026-09-20": Day(0, 0)}


def test_an_empty_store_has_numbers_too(server, store, time):
    stats = read_stats(store, time)

    assert (stats.processed, stats.enqueued, stats.default_queue_latency, len(stats.history)) == (0, 0, 0, 30)
    assert server.keys() == set()


def test_a_history_longer_than_it_is_kept_is_refused(store, time):
    with pytest.raises(InvalidOption):
        read_stats(store, time, days=10_000)


# --- find ----------------------------------------------------------------------------


def test_a_job_is_found_wherever_it_lies(server, store, time, make):
    server.client.sadd(keys.QUEUES, "default")
    server.client.lpush(keys.queue("default"), make("waiting"), b"not json")
    server.client.zadd(keys.SCHEDULE, {make("later"): 1})
    server.client.zadd(keys.RETRY, {make("failed"): 2})
    server.client.zadd(keys.DEAD, {make("dead"): 3})
    server.client.sadd(keys.owners("default"), ME)
    server.client.hset(keys.inflight("default", ME), mapping={"7": make("held"), "_req": "r:7:1"})

    places = {jid: find(store, time, jid) for jid in ("waiting", "later", "failed", "dead", "held", "nowhere", "r")}

    assert {jid: job and job.place for jid, job in places.items()} == {
        "waiting": keys.queue("default"),
        "later": "scheduled",
        "failed": "retry",
        "dead": "dead",
        "held": "running",
        "nowhere": None,
        "r": None,
    }
    assert places["held"].process == ME


def test_a_job_that_a_ruby_process_runs_is_found_where_it_shows_it(server, store, time, show, make):
    show(work={"tid1": json.dumps({"queue": "low", "payload": make("held").decode(), "run_at": int(NOW)})})

    found = find(store, time, "held")

    assert found is not None
    assert (found.place, found.process) == ("running", ME)


def test_what_a_process_of_ours_has_shown_and_holds_no_more_is_not_found(server, store, time, show, make):
    show(work={"slot1": json.dumps({"queue": "low", "payload": make("held").decode(), "run_at": int(NOW)})})
    server.client.sadd(keys.owners("low"), f"{ME}.reports")

    assert find(store, time, "held") is None
