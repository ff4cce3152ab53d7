"""Who looks at a queue sees its jobs in order; who steers one moves or deletes a job by its bytes, once."""

from __future__ import annotations

import pytest

from mainspring.store import keys, queues
from mainspring.store.connection import Store

FIVE = [b"a", b"b", b"c", b"d", b"e"]


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


@pytest.fixture
def full(store):
    store.run(queues.push("default", FIVE))
    return store


def waiting(server):
    return server.client.lrange(keys.queue("default"), 0, -1)[::-1]


def test_names_are_sorted_and_sizes_counted(server, full):
    full.run(queues.push("a:b.c-d_E9", [b"x"]))

    assert full.run(queues.names()) == ["a:b.c-d_E9", "default"]
    assert [full.run(queues.size(name)) for name in ("default", "a:b.c-d_E9", "none")] == [5, 1, 0]


def test_the_oldest_is_the_one_that_runs_next(server, full):
    assert full.run(queues.oldest("default")) == b"a"
    assert full.run(queues.oldest("none")) is None


@pytest.mark.parametrize(
    ("skip", "count", "newest", "next_"),
    [(0, 2, [b"e", b"d"], [b"a", b"b"]), (2, 2, [b"c", b"b"], [b"c", b"d"]), (4, 9, [b"a"], [b"e"]), (9, 2, [], [])],
)
def test_pages_begin_at_either_end(server, full, skip, count, newest, next_):
    assert full.run(queues.page("default", skip, count)) == newest
    assert full.run(queues.page_from_tail("default", skip, count)) == next_


def test_pages_from_the_tail_hold_each_job_once(server, full):
    pages = [full.run(queues.page_from_tail("default", skip, 2)) for skip in (0, 2, 4, 6)]

    assert [job for page in pages for job in page] == FIVE


def test_a_position_says_how_many_run_before(server, full):
    assert [full.run(queues.position("default", [job], most=10)) for job in FIVE] == [0, 1, 2, 3, 4]
    assert full.run(queues.position("default", [b"gone", b"c"], most=10)) == 2
    assert full.run(queues.position("default", [b"gone"], most=10)) == -1
    assert full.run(queues.position("default", [b"e"], most=3)) == -1


def test_one_of_two_equal_jobs_is_removed(server, full):
    full.run(queues.push("default", [b"b"]))

    assert full.run(queues.remove("default", b"b")) == 1

    assert sorted(waiting(server)) == FIVE
    assert full.run(queues.remove("default", b"gone")) == 0


def test_clearing_deletes_the_jobs_and_the_name(server, full):
    full.run(queues.push("other", [b"x"]))

    assert full.run(queues.clear("default")) == 5
    assert full.run(queues.sweep("default")) == 5
    assert full.run(queues.clear("default")) == 0

    assert server.keys() == {keys.queue("other"), keys.QUEUES}
    assert full.run(queues.names()) == ["other"]


def test_a_job_moves_from_its_queue_into_a_set_once(server, full):
    assert full.run(queues.move("default", keys.DEAD, b"c", score=5.5)) == 1
    before = server.snapshot()

    assert full.run(queues.move("default", keys.DEAD, b"c", score=6.5)) == 0

    assert server.snapshot() == before
    assert server.client.zrange(keys.DEAD, 0, -1, withscores=True) == [(b"c", 5.5)]
    assert waiting(server) == [b"a", b"b", b"d", b"e"]
