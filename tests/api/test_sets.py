"""A set can be read and acted on job by job and as a whole, however long it is and whatever lies in it."""

from __future__ import annotations

import json

import pytest

from api.still import NOW
from mainspring.api.filters import JobFilter
from mainspring.api.find import find
from mainspring.api.queues import Queue
from mainspring.api.sets import JobSet
from mainspring.base.errors import InvalidOption
from mainspring.store import keys

RAW = b"not json"


@pytest.fixture
def retries(store, time):
    return JobSet(store, time, keys.RETRY)


@pytest.fixture
def dead(store, time):
    return JobSet(store, time, keys.DEAD)


@pytest.fixture
def fill(server, make):
    """Put jobs with the ids 0, 1, 2 ... into a set, due one after the other."""

    def fill(key, count, **fields):
        server.client.zadd(key, {make(f"{n:05}", **fields): NOW + n for n in range(count)})

    return fill


def jids(jobs):
    return [job.jid for job in jobs]


# --- looking -------------------------------------------------------------------------


def test_pages_follow_each_other_without_gap_or_repetition(retries, fill):
    fill(keys.RETRY, 25)

    first = retries.page(count=10)
    second = retries.page(first.cursor, 10)
    third = retries.page(second.cursor, 10)

    assert jids([*first, *second, *third]) == [f"{n:05}" for n in range(25)]
    assert third.cursor == ""
    assert first.items[0].at == NOW


def test_the_dead_begin_with_the_last(dead, fill):
    fill(keys.DEAD, 250)

    assert jids(dead) == [f"{n:05}" for n in reversed(range(250))]


@pytest.mark.parametrize("jid", [None, 5, b"a", ["a"], {}, "\ud800"], ids=ascii)
def test_what_can_be_no_id_is_refused(server, store, time, retries, jid):
    ways = [retries.find, retries.retry, retries.kill, retries.delete, Queue(store, time, "default").find]

    for way in [*ways, lambda jid: find(store, time, jid)]:
        with pytest.raises(InvalidOption, match="jid="):
            way(jid)


@pytest.mark.parametrize(
    ("cursor", "count"),
    [
        ("x", 10),
        ("-1", 10),
        ("\u0662", 10),
        ("9" * 5000, 10),
        (5, 10),
        (None, 10),
        ("", 0),
        ("", 1001),
        ("", "10"),
        ("", None),
    ],
)
def test_a_cursor_or_count_that_is_none_is_refused(retries, cursor, count):
    with pytest.raises(InvalidOption):
        retries.page(cursor, count)


@pytest.mark.parametrize("keep", [1, 2, 3, 100, 1000])
def test_deleting_while_reading_leaves_nothing_out(server, retries, fill, keep):
    fill(keys.RETRY, 350)
    read = []

    for number, job in enumerate(retries):
        read.append(job.jid)
        if number % keep:
            job.delete()

    assert read == [f"{n:05}" for n in range(350)]
    assert server.client.zcard(keys.RETRY) == len([n for n in range(350) if n % keep == 0])


def test_jobs_that_are_due_at_the_same_moment_are_all_read(server, dead, make):
    server.client.zadd(keys.DEAD, {make(f"{n:05}"): NOW for n in range(350)})

    assert sorted(jids(dead)) == [f"{n:05}" for n in range(350)]


def test_a_job_is_found_by_its_id_and_not_by_what_looks_like_it(server, retries, make):
    server.client.zadd(keys.RETRY, {make("other", args=["a*c"]): 1, make("a*c"): 2, make("abc"): 3, RAW: 4})

    assert retries.find("a*c").at == 2
    assert retries.find("a?c") is None
    assert retries.find("bc") is None


def test_what_has_no_id_is_found_by_the_one_it_is_given(server, retries):
    server.client.zadd(keys.RETRY, {RAW: 4})
    (shown,) = retries

    assert retries.find(shown.jid) == shown


def test_a_search_ends_when_its_budget_is_spent(retries, fill):
    fill(keys.RETRY, 3000)

    assert retries.find("nobody", budget=1) is None
    assert retries.find("02999").jid == "02999"


# --- one -----------------------------------------------------------------------------


def test_one_can_act_by_id(server, retries, dead, fill):
    fill(keys.RETRY, 4)

    assert retries.retry("00000")
    assert retries.kill("00001")
    assert retries.delete("00002")
    assert retries.reschedule("00003", NOW + 60)
    assert not retries.retry("00000")

    assert server.client.llen(keys.queue("default")) == 1
    assert jids(dead) == ["00001"]
    assert [(job.jid, job.at) for job in retries] == [("00003", NOW + 60)]


# --- many ----------------------------------------------------------------------------


def test_all_are_retried_each_into_its_queue(server, dead, make):
    server.client.zadd(keys.DEAD, {make(f"{n:05}", queue=f"q{n % 2}", retry_count=5): n for n in range(350)} | {RAW: 1})

    assert dead.retry_all() == 350

    assert server.client.llen(keys.queue("q0")) == server.client.llen(keys.queue("q1")) == 175
    assert json.loads(server.client.lindex(keys.queue("q0"), 0))["retry_count"] == 4
    assert server.client.zrange(keys.DEAD, 0, -1) == [RAW]


@pytest.mark.parametrize(
    ("which", "meant"),
    [
        (JobFilter(name="shop.jobs.add"), ["a", "b"]),
        (JobFilter(name="add"), ["a", "b"]),
        (JobFilter(name="dd"), []),
        (JobFilter(queue="low"), ["b"]),
        (JobFilter(name="add", queue="low"), ["b"]),
        (JobFilter(error="KeyError"), ["c"]),
        (JobFilter(tag="vip"), ["a"]),
        (JobFilter(text='"args":[7]'), ["c"]),
        (JobFilter(), ["a", "b", "c"]),
    ],
)
def test_a_filter_means_what_it_says_and_spares_the_rest(server, retries, make, which, meant):
    every = {
        "a": make("a", tags=["vip"]),
        "b": make("b", queue="low"),
        "c": make("c", name="Mail", args=[7], error_class="shop.KeyError"),
    }
    server.client.zadd(keys.RETRY, dict.fromkeys(every.values(), NOW))

    assert retries.delete_all(which) == len(meant)

    assert sorted(jids(retries)) == sorted(set(every) - set(meant))


def test_all_can_be_killed(server, retries, fill):
    fill(keys.RETRY, 150)

    assert retries.kill_all() == 150

    assert server.client.zcard(keys.DEAD) == 150
    assert not server.exists(keys.RETRY)
    assert server.keys() <= {keys.DEAD, keys.BELL}


def test_a_dead_job_is_not_killed_again(server, dead, fill):
    fill(keys.DEAD, 2)
    before = server.snapshot()

    assert dead.kill_all() == 0

    assert server.snapshot() == before


def test_clearing_says_how_much_it_dropped(server, dead, fill):
    fill(keys.DEAD, 3)
    fill(keys.RETRY, 2)

    assert dead.clear() == 3

    assert server.keys() == {keys.RETRY}
    assert dead.clear() == 0


def test_an_empty_set_is_there_all_the_same(dead):
    assert bool(dead)
    assert len(dead) == 0
    assert list(dead) == []
    assert dead.page().items == []
