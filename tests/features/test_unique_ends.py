"""When a unique job has ended, however it did, another of its arguments is taken; and a lock can be taken away by hand."""

from __future__ import annotations

import asyncio
import json
import queue
import threading

import pytest

from features.uniquekit import held, lasts
from mainspring import App, Discard, Kill, Retry, Snooze, WrongArguments, current_job
from mainspring.base.errors import InvalidOption, StoreUnavailable, UnknownJob
from mainspring.store import keys, locks
from mainspring.worker import Worker
from support import until


@pytest.fixture
def app(server):
    app = App(server.url)
    yield app
    app.close()


@pytest.fixture
def working(app):
    """Start a worker whose jobs tell in a queue what they do."""
    workers = []

    def work(**options):
        worker = Worker(app, 2, **({"timeout": 1.0} | options))
        workers.append(worker)
        worker.start()
        return worker

    yield work
    for worker in workers:
        worker.stop(0.2)


# --- letting go --------------------------------------------------------------------------


ENDS = {
    "success": None,
    "discarded": Discard("not wanted"),
    "killed": Kill("hopeless"),
    "failed for the last time": ValueError("no"),
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_job_that_has_ended_holds_no_lock(server, app, working, how, is_async):
    ran = queue.SimpleQueue()

    def end():
        ran.put(held(server))
        if ENDS[how] is not None:
            raise ENDS[how]

    async def aend():
        end()

    job = app.job(name="end", unique_for="10m", retry=0)(aend if is_async else end)
    made = job.enqueue()
    working()

    assert list(ran.get(timeout=10).values()) == [made.jid]
    until(lambda: not held(server))
    assert job.enqueue().duplicate_of is None


def test_a_retry_keeps_its_lock_and_longer(server, app, working):
    job = app.job(name="fail", unique_for="10m", retry=Retry(backoff="fixed", base=3600, jitter=0))(lambda: 1 / 0)
    first = job.enqueue()
    working()

    until(lambda: server.client.zcard(keys.RETRY))

    assert job.enqueue().duplicate_of == first.jid
    assert 4190 < lasts(server) <= 4200


def test_a_job_that_snoozes_keeps_its_lock_until_it_has_ended(server, app, working):
    runs = []

    def nap():
        runs.append(current_job().jid)
        if len(runs) == 1:
            raise Snooze("0.2s")

    job = app.job(name="nap", unique_for="10m")(nap)
    first = job.enqueue()
    working()

    until(lambda: len(runs) == 1)
    assert job.enqueue().duplicate_of in {first.jid, None}
    until(lambda: not held(server) and not server.client.llen(keys.queue("default")))
    assert runs.count(first.jid) == 2


def test_an_unknown_job_and_one_that_cannot_be_read_are_buried_without_their_locks(server, app, working):
    gone = app.job(name="gone", unique_for="10m")(lambda: None)
    broken = app.job(name="broken", unique_for="10m")(lambda: None)
    gone.enqueue()
    broken.enqueue()
    raws = server.client.lrange(keys.queue("default"), 0, -1)
    server.client.delete(keys.queue("default"))
    for raw in raws:
        # The one of no name that is known here; the other with arguments that are none.
        server.client.lpush(
            keys.queue("default"), raw.replace(b'"gone"', b'"elsewhere"').replace(b'"args":[]', b'"args":7')
        )
    working()

    until(lambda: server.client.zcard(keys.DEAD) == 2)

    assert held(server) == {}


def test_a_job_that_outlives_its_lock_leaves_that_of_its_successor_alone(server, app, working):
    started, goes_on = queue.SimpleQueue(), threading.Event()

    def slow():
        started.put(current_job().jid)
        goes_on.wait(10)

    job = app.job(name="slow", unique_for="10m")(slow)
    first = job.enqueue()
    working()
    assert started.get(timeout=10) == first.jid
    server.client.sadd(keys.PAUSED, "default")
    # Its time has passed.
    server.client.delete(*held(server))
    second = job.enqueue()
    assert second.duplicate_of is None

    goes_on.set()
    until(lambda: server.client.get(keys.STAT_PROCESSED))

    assert list(held(server).values()) == [second.jid]


# --- until it starts -----------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_a_job_that_is_unique_until_it_starts_holds_no_lock_when_its_first_line_runs(server, app, working, is_async):
    seen = queue.SimpleQueue()

    def see():
        seen.put(held(server))

    async def asee():
        see()

    job = app.job(name="see", unique_for="10m", unique_until="start")(asee if is_async else see)
    first = job.enqueue()
    assert job.enqueue().duplicate_of == first.jid

    working()

    assert seen.get(timeout=10) == {}


def test_one_that_failed_after_it_started_waits_for_its_retry_without_a_lock(server, app, working):
    job = app.job(name="fail", unique_for="10m", unique_until="start", retry=Retry(backoff="fixed", base=3600))(
        lambda: 1 / 0
    )
    job.enqueue()
    working()

    until(lambda: server.client.zcard(keys.RETRY))

    assert held(server) == {}
    assert job.enqueue().duplicate_of is None


def test_one_whose_lock_cannot_be_let_go_waits_for_the_store(server, app, working, monkeypatch):
    seen, run, refused = queue.SimpleQueue(), app.store.run, []
    job = app.job(name="see", unique_for="10m", unique_until="start")(lambda: seen.put(held(server)))

    def refuse_twice(command):
        if command.name == "lock_release" and len(refused) < 2:
            refused.append(command)
            raise StoreUnavailable("it is away", applied=False)
        return run(command)

    monkeypatch.setattr(app.store, "run", refuse_twice)
    job.enqueue()
    working()

    assert seen.get(timeout=10) == {}
    assert len(refused) == 2


def test_one_that_is_no_longer_this_process_s_is_not_started_and_keeps_its_lock(server, app):
    job = app.job(name="x", unique_for="10m", unique_until="start")(lambda: None)
    made = job.enqueue()
    (key,) = held(server)

    assert app.store.run(locks.release("default", "host:1:aaaaaaaaaaaa", 1, key.rpartition(":")[2], made.jid)) == 0

    assert held(server) == {key: made.jid}


# --- by hand -------------------------------------------------------------------------------


def test_a_lock_can_be_taken_away_by_the_arguments(server, app):
    sync = app.job(name="sync", unique_for="10m")(lambda customer, deep=False: None)
    sync.enqueue(1)
    sync.using(queue="low").enqueue(1)

    assert app.unlock(sync, customer=1) is True
    assert app.unlock("sync", 1) is False
    assert asyncio.run(app.aunlock(sync.using(queue="low"), 1)) is True

    assert held(server) == {}
    assert sync.enqueue(1).duplicate_of is None


def test_a_job_that_has_no_lock_cannot_be_unlocked(app):
    plain = app.job(name="plain")(lambda: None)

    with pytest.raises(InvalidOption, match="plain has no lock"):
        app.unlock(plain)
    with pytest.raises(UnknownJob):
        app.unlock("nowhere")
    with pytest.raises(WrongArguments):
        app.unlock(app.job(name="sync", unique_for=60)(lambda customer: None))


def test_the_record_says_what_the_lock_is(server, app):
    app.job(name="sync", unique_for="10m", unique_until="start")(lambda: None).enqueue()

    flow = json.loads(server.client.lindex(keys.queue("default"), 0))["flow"]

    assert flow == {"lock": next(iter(held(server))).rpartition(":")[2], "unique_for": 600.0, "until": "start"}
