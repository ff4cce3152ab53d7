"""A job in a set is there once, leaves it once, and wakes a forwarder only if it is due before all others."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.store import keys, queues, sets
from mainspring.store.connection import Store

PLACES = (keys.SCHEDULE, keys.RETRY, keys.DEAD)


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def members(server, key=keys.SCHEDULE):
    return server.client.zrange(key, 0, -1, withscores=True)


def rang(server):
    """Return whether the bell rang since this was asked last."""
    assert server.client.llen(keys.BELL) <= 1
    return bool(server.client.delete(keys.BELL))


def server_now(server):
    seconds, microseconds = server.client.time()
    return seconds + microseconds / 1e6


# --- adding ----------------------------------------------------------------------


def test_jobs_for_later_are_kept_with_their_times_to_the_microsecond(server, store):
    pairs = [(1_790_000_000.123457, b"a"), (1_790_000_001.0, b"b")]

    assert store.run(sets.add(pairs)) == 2

    assert members(server) == [(job, at) for at, job in pairs]
    assert server.keys() == {keys.SCHEDULE, keys.BELL}
    assert 0 < server.client.ttl(keys.BELL) <= 60


def test_a_thousand_jobs_for_later_are_one_call(server, store):
    assert store.run(sets.add([(float(i), b"%d" % i) for i in range(1000)])) == 1000

    assert server.client.zcard(keys.SCHEDULE) == 1000


def test_the_bell_rings_only_for_a_job_that_is_due_before_all_others(server, store):
    rings = []
    for at in (100.0, 200.0, 150.0, 99.5, 50.0):
        store.run(sets.add([(at, b"%f" % at)]))
        rings.append(rang(server))

    assert rings == [True, False, False, True, True]


def test_the_bell_rings_if_any_of_a_batch_is_due_before_all_others(server, store):
    store.run(sets.add([(100.0, b"a")]))
    rang(server)

    store.run(sets.add([(300.0, b"c"), (50.0, b"b"), (200.0, b"d")]))

    assert rang(server)


def test_a_time_that_is_none_stores_nothing(server, store):
    with pytest.raises(StoreRefused):
        store.run(sets.add([(1.0, b"a"), ("soon", b"b")]))

    assert server.snapshot() == {}


def test_a_listener_is_woken_by_a_job_that_is_due_first(server, store):
    heard: list[bool] = []
    listener = threading.Thread(target=lambda: heard.append(store.run(sets.listen(10.0))))
    listener.start()
    store.run(sets.add([(1.0, b"a")]))
    listener.join(5)

    assert heard == [True]
    assert store.run(sets.listen(0.01)) is False


def test_jobs_for_later_that_are_sent_again_after_they_ran_are_not_stored_again(server, store):
    add = sets.add([(1.0, b"a")], queue="default", token="f" * 24)
    store.run(add)
    store.run(sets.forward(keys.SCHEDULE, "default", [(b"a", b"a")]))

    assert store.run(add) == 0

    assert not server.exists(keys.SCHEDULE)
    assert 0 < server.client.pttl(keys.pushed("default", "f" * 24)) <= queues.REMEMBERED_MS


# --- what is due -----------------------------------------------------------------


def test_what_is_due_is_read_in_order_from_both_sets_and_left_there(server, store):
    now = server_now(server)
    server.client.zadd(keys.SCHEDULE, {b"s2": now - 1, b"s1": now - 2, b"s3": now + 500})
    server.client.zadd(keys.RETRY, {b"r1": 0, b"r2": now + 400.25})
    before = server.snapshot()

    found = store.run(sets.due())

    assert (found.scheduled, found.retries) == ([b"s1", b"s2"], [b"r1"])
    assert found.upcoming == pytest.approx(now + 400.25, abs=0.002)
    assert found.now == pytest.approx(now, abs=5)
    assert server.snapshot() == before


def test_nothing_is_due_in_an_empty_store(server, store):
    found = store.run(sets.due())

    assert (found.upcoming, found.scheduled, found.retries) == (None, [], [])


def test_no_more_is_read_than_was_asked_for(server, store):
    server.client.zadd(keys.SCHEDULE, {b"%03d" % i: i for i in range(150)})

    assert len(store.run(sets.due()).scheduled) == 100
    assert store.run(sets.due(2)).scheduled == [b"000", b"001"]


@pytest.mark.parametrize("at", ["+inf", "1e300"])
def test_a_time_beyond_all_times_does_not_disturb(server, store, at):
    server.client.zadd(keys.SCHEDULE, {b"never": at, b"now": 1.0})

    assert store.run(sets.due()).scheduled == [b"now"]


# --- forwarding ------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_a_job_that_is_forwarded_leaves_its_set_and_is_pushed_as_it_was_changed(server, store, place):
    server.client.zadd(place, {b"old1": 1, b"old2": 2, b"stays": 3})

    assert store.run(sets.forward(place, "low", [(b"old1", b"new1"), (b"old2", b"new2")])) == 2

    assert members(server, place) == [(b"stays", 3.0)]
    assert server.client.lrange(keys.queue("low"), 0, -1) == [b"new2", b"new1"]
    assert server.client.smembers(keys.QUEUES) == {b"low"}


def test_what_is_not_in_the_set_is_not_pushed(server, store):
    assert store.run(sets.forward(keys.SCHEDULE, "low", [(b"gone", b"new")])) == 0

    assert server.snapshot() == {}


def test_two_forwarders_move_each_job_once(server):
    names = [b"%03d" % i for i in range(400)]
    server.client.zadd(keys.SCHEDULE, dict.fromkeys(names, 1.0))
    moved = []

    def forward():
        store = Store(server.url)
        for first, end in pairwise(range(0, 401, 50)):
            moved.append(store.run(sets.forward(keys.SCHEDULE, "low", [(name, name) for name in names[first:end]])))
        store.close()

    threads = [threading.Thread(target=forward) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(moved) == 400
    assert sorted(server.client.lrange(keys.queue("low"), 0, -1)) == names
    assert not server.exists(keys.SCHEDULE)


# --- moving, looking, deleting ---------------------------------------------------


def test_a_job_moves_between_sets_once(server, store):
    server.client.zadd(keys.RETRY, {b"old": 1})

    assert store.run(sets.move(keys.RETRY, keys.DEAD, b"old", b"new", 7.5)) == 1
    before = server.snapshot()
    assert store.run(sets.move(keys.RETRY, keys.DEAD, b"old", b"new", 8.5)) == 0

    assert server.snapshot() == before
    assert members(server, keys.DEAD) == [(b"new", 7.5)]
    assert not server.exists(keys.RETRY)


def test_a_job_may_be_rescheduled_within_its_set(server, store):
    store.run(sets.add([(100.0, b"a"), (200.0, b"b")]))
    rang(server)

    store.run(sets.move(keys.SCHEDULE, keys.SCHEDULE, b"a", b"a", 300.0))
    assert members(server) == [(b"b", 200.0), (b"a", 300.0)]
    assert not rang(server)

    store.run(sets.move(keys.SCHEDULE, keys.SCHEDULE, b"a", b"a", 50.0))
    assert rang(server)


def test_pages_ranks_and_sizes_agree_from_either_end(server, store):
    jobs = [b"a", b"b", b"c", b"d"]
    server.client.zadd(keys.DEAD, {job: index + 0.5 for index, job in enumerate(jobs)})

    assert store.run(sets.size(keys.DEAD)) == 4
    assert store.run(sets.page(keys.DEAD, 1, 2)) == [(b"b", 1.5), (b"c", 2.5)]
    assert store.run(sets.page(keys.DEAD, 0, 2, newest_first=True)) == [(b"d", 3.5), (b"c", 2.5)]
    assert [store.run(sets.rank(keys.DEAD, job)) for job in (b"a", b"d", b"x")] == [0, 3, None]
    assert store.run(sets.rank(keys.DEAD, b"a", newest_first=True)) == 3


def test_a_scan_finds_every_job_that_matches(server, store):
    server.client.zadd(keys.RETRY, {b"job-%04d" % i: i for i in range(3000)})
    found, cursor = set(), -1

    while cursor:
        cursor, part = store.run(sets.scan(keys.RETRY, max(cursor, 0), "*-00*", 100))
        found |= set(part)

    assert found == {(b"job-%04d" % i, float(i)) for i in range(100)}


def test_jobs_are_deleted_by_their_bytes(server, store):
    server.client.zadd(keys.DEAD, {b"a": 1, b"\xff\x00 no text": 2, b"c": 3})

    assert store.run(sets.remove(keys.DEAD, [b"a", b"\xff\x00 no text", b"gone"])) == 2
    assert members(server, keys.DEAD) == [(b"c", 3.0)]

    assert store.run(sets.clear(keys.DEAD)) == 1
    assert store.run(sets.sweep(keys.DEAD)) == 1
    assert server.snapshot() == {}


def test_the_dead_set_is_trimmed_by_age_and_by_number(server, store):
    server.client.zadd(keys.DEAD, {b"%d" % i: i for i in range(10)})

    assert store.pipeline(sets.trim_dead(4.0, 3)) == [4, 3]

    assert [job for job, _ in members(server, keys.DEAD)] == [b"7", b"8", b"9"]


def test_a_job_that_was_forwarded_can_be_fetched(server, store):
    store.run(sets.add([(1.0, b"job")]))
    store.run(sets.forward(keys.SCHEDULE, "default", [(b"job", b"job now")]))

    assert store.run(queues.fetch("default", "me", 1, "1", "_req")).jobs == [(1, b"job now")]
