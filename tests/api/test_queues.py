"""A queue can be read in the order in which it runs, paused, and emptied, whatever it is called and whatever lies in it."""

from __future__ import annotations

import pytest

from api.still import NOW
from mainspring.api.queues import Queue, Queues
from mainspring.base.errors import InvalidName
from mainspring.store import keys

QUEUE = keys.queue("default")


@pytest.fixture
def queue(store, time):
    return Queue(store, time, "default")


@pytest.fixture
def queues(store, time):
    return Queues(store, time)


@pytest.fixture
def fill(server, make):
    """Push jobs with the ids 0, 1, 2 ... as an enqueue does."""

    def fill(count, name="default"):
        server.client.sadd(keys.QUEUES, name)
        server.client.lpush(keys.queue(name), *(make(f"{n:05}", enqueued_at=NOW - 30 + n) for n in range(count)))

    return fill


def jids(jobs):
    return [job.jid for job in jobs]


def test_the_jobs_come_in_the_order_in_which_they_run(queue, fill):
    fill(250)

    first = queue.jobs()
    rest = [*queue.jobs(first.cursor), *queue.jobs(queue.jobs(first.cursor).cursor)]

    assert jids([*first, *rest]) == jids(queue) == [f"{n:05}" for n in range(250)]
    assert first.items[0].place == QUEUE


@pytest.mark.parametrize("keep", [1, 2, 3, 100, 1000])
def test_deleting_while_reading_leaves_nothing_out(server, queue, fill, keep):
    fill(350)
    read = []

    for number, job in enumerate(queue):
        read.append(job.jid)
        if number % keep:
            assert job.delete()

    assert read == [f"{n:05}" for n in range(350)]
    assert server.client.llen(QUEUE) == len([n for n in range(350) if n % keep == 0])


def test_jobs_taken_and_pushed_meanwhile_neither_hide_nor_double_the_others(server, queue, fill, make):
    fill(300)
    read = []

    for number, job in enumerate(queue):
        read.append(job.jid)
        if number < 50:
            server.client.rpop(QUEUE)
            server.client.lpush(QUEUE, make(f"new{number:02}"))

    assert read == [f"{n:05}" for n in range(300)] + [f"new{n:02}" for n in range(50)]


def test_latency_is_the_age_of_what_runs_next(queue, fill):
    assert queue.latency == 0

    fill(3)

    assert queue.latency == 30
    assert (queue.size, len(queue)) == (3, 3)


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [({"enqueued_at": 1_789_999_990_500}, 10.0), ({}, 60.0), ({"enqueued_at": NOW + 5}, 0.0)],
)
def test_latency_is_right_for_milliseconds_for_none_and_for_a_clock_that_runs_ahead(
    server, queue, make, fields, seconds
):
    server.client.lpush(QUEUE, make(**fields))

    assert queue.latency == pytest.approx(seconds)


def test_a_stranger_s_text_has_no_latency_and_can_be_deleted(server, queue):
    server.client.lpush(QUEUE, b"not json")

    (stranger,) = queue

    assert queue.latency == 0
    assert queue.find(stranger.jid) == stranger
    assert stranger.delete()
    assert not server.exists(QUEUE)


def test_a_pause_holds_until_it_is_lifted(server, queue):
    queue.pause()
    queue.pause()

    assert queue.is_paused
    assert server.client.smembers(keys.PAUSED) == {b"default"}

    queue.resume()

    assert not queue.is_paused
    assert server.keys() == set()


def test_clearing_a_queue_spares_the_others(server, queue, queues, fill):
    fill(3)
    fill(2, "low")

    assert queue.clear() == 3

    assert server.keys() == {keys.QUEUES, keys.queue("low")}
    assert [each.name for each in queues] == ["low"]


def test_a_job_is_found_within_the_budget(queue, fill):
    fill(2500)

    assert queue.find("02400").jid == "02400"
    assert queue.find("02400", budget=1000) is None
    assert queue.find("024") is None


def test_all_queues_are_seen_at_once(queues, fill):
    fill(3)
    fill(1, "low")
    queues["low"].pause()

    states = {state.name: (state.size, state.latency, state.is_paused) for state in queues.states()}

    assert states == {"default": (3, 30, False), "low": (1, 30, True)}
    assert len(queues) == 2
    assert "low" in queues
    assert queues["low"].state().is_paused


def test_a_name_that_no_queue_can_have_is_refused(queues):
    with pytest.raises(InvalidName):
        queues["no such queue"]


def test_a_queue_that_a_stranger_has_named_can_be_steered(server, queues):
    server.client.sadd(keys.QUEUES, "très spécial")
    server.client.lpush(keys.queue("très spécial"), b"{}")

    assert [each.size for each in queues] == [1]
    assert queues["très spécial"].clear() == 1

    assert server.keys() == set()


def test_a_queue_that_nobody_pushed_to_is_empty(server, queue):
    assert bool(queue)
    assert list(queue) == []
    assert queue.jobs().items == []
    assert queue.clear() == 0
    assert server.keys() == set()
