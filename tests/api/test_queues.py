"""A queue can be read in the order in which it runs, paused, and emptied, whatever it is called and whatever lies in it."""

from __future__ import annotations

import pytest

from api.still import NOW
from mainspring.api.filters import JobFilter
from mainspring.api.queues import Queue, Queues
from mainspring.base.errors import InvalidName
from mainspring.store import keys
from mainspring.store import queues as verbs

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


# --- many ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["delete_all", "kill_all"])
def test_the_jobs_that_a_filter_means_are_taken_out_and_the_rest_keeps_its_order(server, queue, fill, make, kind):
    fill(350)
    server.client.lpush(QUEUE, b"not json", *(make(f"other{n}", name="Other") for n in range(3)))

    assert getattr(queue, kind)(JobFilter(name="add")) == 350

    assert jids(queue)[1:] == ["other0", "other1", "other2"]
    assert server.client.zcard(keys.DEAD) == (350 if kind == "kill_all" else 0)


def test_a_queue_in_which_nothing_is_meant_is_left_as_it_is(server, queue, fill):
    fill(150)
    before = server.snapshot()

    assert queue.delete_all(JobFilter(name="nobody")) == 0

    assert server.snapshot() == before


def test_a_long_queue_is_seen_to_its_end(server, queue, fill):
    fill(12_000)

    assert queue.delete_all(JobFilter(text='500","created')) == 12

    assert server.client.llen(QUEUE) == 12_000 - 12
    assert queue.delete_all(JobFilter(text='"jid":"11999"')) == 1


def test_jobs_that_are_alike_to_the_byte_are_all_seen(server, queue, fill):
    for _ in range(12):
        fill(500)

    assert queue.delete_all(JobFilter(text='"jid":"00250"')) == 12


def test_jobs_that_move_up_while_they_are_taken_out_are_found(server, store, queue, fill, monkeypatch):
    fill(2500)
    run = store.run

    def race(command):
        if command.name == "queue_drop":
            server.client.rpop(QUEUE, 7)
        return run(command)

    monkeypatch.setattr(store, "run", race)

    assert queue.delete_all() == 2500 - 3 * 7

    assert not server.exists(QUEUE)


@pytest.mark.parametrize("died", [None, NOW])
def test_only_what_stands_at_its_place_is_taken_out(server, store, make, died):
    raws = [make(f"{n}") for n in range(4)]
    server.client.lpush(QUEUE, *raws)

    taken = store.run(verbs.drop("default", [(1, raws[0]), (2, raws[3]), (3, raws[2]), (9, raws[1])], died=died))

    assert taken == 2
    assert server.client.lrange(QUEUE, 0, -1) == [raws[3], raws[1]]
    assert server.client.zrange(keys.DEAD, 0, -1) == ([] if died is None else [raws[0], raws[2]])
