"""Whoever acts at the same time, on whatever they read before: a job is in one place, and acted on once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.still import NOW
from mainspring.api.filters import JobFilter
from mainspring.api.queues import Queue
from mainspring.api.sets import JobSet
from mainspring.store import keys

JOBS = 300
PEOPLE = 4


@pytest.fixture
def crowd():
    """Let some people do the same at the same moment, and return what each got."""

    def crowd(act):
        barrier = threading.Barrier(PEOPLE)

        def one(_):
            barrier.wait()
            return act()

        with ThreadPoolExecutor(PEOPLE) as pool:
            return list(pool.map(one, range(PEOPLE)))

    return crowd


def total(server):
    places = [keys.SCHEDULE, keys.RETRY, keys.DEAD]
    return sum(server.client.zcard(key) for key in places) + server.client.llen(keys.queue("default"))


def test_jobs_that_all_retry_at_once_are_pushed_once(server, store, time, make, crowd):
    server.client.zadd(keys.RETRY, {make(f"{n:05}"): NOW + n for n in range(JOBS)})

    counts = crowd(JobSet(store, time, keys.RETRY).retry_all)

    assert sum(counts) == JOBS
    assert server.client.llen(keys.queue("default")) == JOBS
    assert not server.exists(keys.RETRY)


def test_jobs_that_all_kill_or_put_off_are_in_one_place(server, store, time, make, crowd):
    server.client.lpush(keys.queue("default"), *(make(f"{n:05}") for n in range(JOBS)))
    queue, turn = Queue(store, time, "default"), iter(range(PEOPLE))

    def act():
        kills = next(turn) % 2
        return sum(job.kill() if kills else job.reschedule(NOW + 60) for job in list(queue))

    counts = crowd(act)

    assert sum(counts) == JOBS
    assert total(server) == JOBS
    assert not server.exists(keys.queue("default"))


def test_a_reader_sees_each_job_that_stays_while_others_take_the_rest(server, store, time, make, crowd):
    server.client.zadd(keys.RETRY, {make(f"{n:05}", queue=f"q{n % 2}"): NOW for n in range(JOBS)})
    retries = JobSet(store, time, keys.RETRY)
    turn = iter(range(PEOPLE))

    def act():
        if next(turn):
            return retries.delete_all(JobFilter(queue="q1"))
        return {job.jid for job in retries.select(JobFilter(queue="q0"))}

    results = crowd(act)

    (seen,) = [result for result in results if isinstance(result, set)]
    assert seen == {f"{n:05}" for n in range(0, JOBS, 2)}
    assert sum(result for result in results if isinstance(result, int)) == JOBS // 2


def test_a_worker_that_takes_a_job_first_keeps_it(server, store, time, make):
    server.client.lpush(keys.queue("default"), make())
    (job,) = Queue(store, time, "default")
    server.client.rpop(keys.queue("default"))
    before = server.snapshot()

    assert (job.delete(), job.kill(), job.reschedule(NOW)) == (False, False, False)

    assert server.snapshot() == before


def test_a_job_that_came_back_changed_is_another(server, store, time, make):
    server.client.zadd(keys.RETRY, {make(retry_count=1): NOW})
    (job,) = JobSet(store, time, keys.RETRY)
    server.client.delete(keys.RETRY)
    server.client.zadd(keys.RETRY, {make(retry_count=2): NOW + 60})

    assert job.delete() is False

    assert server.client.zcard(keys.RETRY) == 1
