"""A job is in one place at a time: pushed, fetched, acknowledged or given back in one step, by whoever holds it."""

from __future__ import annotations

import threading

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.store import keys, processes, queues
from mainspring.store.connection import Store
from mainspring.store.queues import MOST, Fetched

ME, OTHER = "host:1:aaaaaaaaaaaa", "host:2:bbbbbbbbbbbb"
DAY = "2026-11-21"
QUEUE, HELD = keys.queue("default"), keys.inflight("default", ME)
THREE = [b"a", b"b", b"c"]


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def fetch(store, n=10, reqid="1", me=ME):
    return store.run(queues.fetch("default", me, n, reqid, "_req"))


def waiting(server, name="default"):
    """Return what waits, in the order in which it will run."""
    return server.client.lrange(keys.queue(name), 0, -1)[::-1]


def held(server, me=ME):
    return {int(seq): job for seq, job in server.client.hgetall(keys.inflight("default", me)).items() if seq.isdigit()}


def declare_dead(store, me=ME):
    return store.run(processes.reclaim("default", me, grace_ms=0, now=1.0, certain=True))


# --- push ------------------------------------------------------------------------


def test_a_push_writes_the_queue_and_its_name_and_nothing_else(server, store):
    assert store.run(queues.push("default", THREE)) == 3
    assert store.run(queues.push("default", [b"d"])) == 4

    assert server.client.lrange(QUEUE, 0, -1) == [b"d", b"c", b"b", b"a"]
    assert server.client.smembers(keys.QUEUES) == {b"default"}
    assert server.keys() == {QUEUE, keys.QUEUES}


def test_a_push_of_a_thousand_is_one_call_and_keeps_the_order(server, store):
    jobs = [b"%d" % i for i in range(MOST)]

    assert store.run(queues.push("default", jobs)) == MOST

    assert waiting(server) == jobs


def test_bytes_of_any_kind_come_back_as_they_went(server, store):
    jobs = [bytes(range(256)), b"", "ä 雪 \U0001f600".encode(), b"\r\n$-1\r\n"]
    store.run(queues.push("default", jobs))

    assert [job for _, job in fetch(store).jobs] == jobs


def test_a_push_onto_what_is_no_list_is_refused_and_stores_no_job(server, store):
    server.client.set(QUEUE, "taken")

    with pytest.raises(StoreRefused) as caught:
        store.run(queues.push("default", THREE))

    assert caught.value.code == "WRONGTYPE"
    assert server.client.get(QUEUE) == b"taken"


def test_a_push_that_is_sent_again_is_made_once(server, store):
    push = queues.push("default", THREE, token="f" * 24)

    assert [store.run(push) for _ in range(3)] == [3, 0, 0]

    assert waiting(server) == THREE
    assert 0 < server.client.pttl(keys.pushed("default", "f" * 24)) <= queues.REMEMBERED_MS


def test_pushes_with_different_tokens_and_with_none_do_not_know_each_other(server, store):
    for token in ("a", "b", "", ""):
        store.run(queues.push("default", [token.encode()], token=token))

    assert waiting(server) == [b"a", b"b", b"", b""]


# --- fetch -----------------------------------------------------------------------


def test_a_fetch_takes_the_oldest_first_into_the_hash_of_the_process(server, store):
    store.run(queues.push("default", THREE))

    assert fetch(store, 2) == Fetched([(1, b"a"), (2, b"b")])

    assert held(server) == {1: b"a", 2: b"b"}
    assert waiting(server) == [b"c"]
    assert server.client.get(keys.fence("default")) == b"2"
    assert server.keys() == {QUEUE, keys.QUEUES, HELD, keys.fence("default"), keys.owners("default")}


def test_what_is_in_flight_has_no_lifetime(server, store):
    store.run(queues.push("default", THREE))
    fetch(store)

    assert {HELD, keys.fence("default")} <= server.lasting()


def test_a_fetch_from_an_empty_queue_writes_nothing(server, store):
    assert fetch(store) == Fetched([])

    assert server.snapshot() == {}


def test_deliveries_are_numbered_upwards_over_all_processes(server, store):
    store.run(queues.push("default", THREE))

    numbers = [fetch(store, 1, me=me).jobs[0][0] for me in (ME, OTHER)] + [fetch(store, 1, "2").jobs[0][0]]

    assert numbers == [1, 2, 3]


def test_a_fetch_of_a_thousand_is_one_call(server, store):
    jobs = [b"%d" % i for i in range(MOST)]
    store.run(queues.push("default", jobs))

    assert [job for _, job in fetch(store, MOST).jobs] == jobs
    assert len(held(server)) == MOST


@pytest.mark.parametrize("n", [MOST + 1, 5000, 100_000])
def test_a_fetch_that_asks_for_too_many_gets_a_thousand_and_loses_none(server, store, n):
    for _ in range(5):
        store.run(queues.push("default", [b"x"] * MOST))

    assert len(fetch(store, n).jobs) == MOST

    assert len(held(server)) + len(waiting(server)) == 5 * MOST


def test_a_request_made_again_gets_the_same_jobs_and_writes_nothing(server, store):
    store.run(queues.push("default", THREE))
    first = fetch(store, 2)
    before = server.snapshot()

    assert fetch(store, 2) == fetch(store, 2) == first

    assert server.snapshot() == before


def test_a_request_made_again_leaves_out_what_was_settled_in_between(server, store):
    store.run(queues.push("default", THREE))
    fetch(store, 3)
    store.run(queues.done("default", ME, [2], DAY))

    assert fetch(store, 3) == Fetched([(1, b"a"), (3, b"c")])

    store.run(queues.done("default", ME, [1, 3], DAY))
    assert fetch(store, 3) == Fetched([])


def test_a_request_made_again_is_answered_while_the_queue_is_paused(server, store):
    store.run(queues.push("default", THREE))
    first = fetch(store, 1)
    store.run(queues.pause("default"))

    assert fetch(store, 1) == first
    assert fetch(store, 1, "2") == Fetched(paused=True)


def test_requesters_of_one_process_do_not_take_each_others_requests_for_theirs(server, store):
    store.run(queues.push("default", THREE))

    one = store.run(queues.fetch("default", ME, 1, "1", "_req:a"))
    other = store.run(queues.fetch("default", ME, 1, "1", "_req:b"))

    assert one.jobs == [(1, b"a")]
    assert other.jobs == [(2, b"b")]


def test_a_request_may_have_any_name(server, store):
    store.run(queues.push("default", THREE))

    first = fetch(store, 1, "a:1:2")

    assert fetch(store, 1, "a:1:2") == first
    assert fetch(store, 1, "a:1").jobs == [(2, b"b")]


def test_a_paused_queue_gives_nothing_and_writes_nothing(server, store):
    store.run(queues.push("default", THREE))
    store.run(queues.pause("default"))
    before = server.snapshot()

    assert fetch(store) == Fetched(paused=True)

    assert server.snapshot() == before
    assert store.run(queues.paused()) == ["default"]
    store.run(queues.resume("default"))
    assert len(fetch(store).jobs) == 3
    assert not server.exists(keys.PAUSED)


def test_a_dead_process_gets_nothing_and_writes_nothing(server, store):
    store.run(queues.push("default", THREE))
    declare_dead(store)
    before = server.snapshot()

    assert fetch(store) == Fetched(fenced=True)

    assert server.snapshot() == before


def test_processes_that_fetch_at_once_never_share_a_job(server, store):
    jobs = [b"%d" % i for i in range(600)]
    store.run(queues.push("default", jobs))
    taken: list[bytes] = []

    def take(me):
        for request in range(100):
            taken.extend(job for _, job in fetch(store, 3, str(request), me).jobs)

    threads = [threading.Thread(target=take, args=(f"host:{i}:cccccccccccc",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(jobs)


# --- done ------------------------------------------------------------------------


def test_done_removes_the_deliveries_and_counts_them(server, store):
    store.run(queues.push("default", THREE))
    fetch(store)

    assert store.run(queues.done("default", ME, [1, 3], DAY)) == [1, 1]

    assert held(server) == {2: b"b"}
    assert server.client.get(keys.STAT_PROCESSED) == server.client.get(keys.stat_processed_day(DAY)) == b"2"
    assert 157_680_000 - 60 < server.client.ttl(keys.stat_processed_day(DAY)) <= 157_680_000
    assert not server.exists(keys.STAT_FAILED)


def test_done_counts_each_delivery_once(server, store):
    store.run(queues.push("default", THREE))
    fetch(store)

    assert store.run(queues.done("default", ME, [1, 1, 99], DAY)) == [1, 0, 0]
    assert store.run(queues.done("default", ME, [1, 2], DAY)) == [0, 1]

    assert server.client.get(keys.STAT_PROCESSED) == b"2"


def test_done_of_a_thousand_is_one_call(server, store):
    store.run(queues.push("default", [b"x"] * MOST))
    seqs = [seq for seq, _ in fetch(store, MOST).jobs]

    assert store.run(queues.done("default", ME, seqs, DAY)) == [1] * MOST

    assert held(server) == {}


def test_done_by_a_process_that_was_declared_dead_changes_nothing(server, store):
    store.run(queues.push("default", THREE))
    fetch(store)
    declare_dead(store)
    before = server.snapshot()

    assert store.run(queues.done("default", ME, [1, 2, 3], DAY)) == [0, 0, 0]

    assert server.snapshot() == before


# --- giving back -----------------------------------------------------------------


def test_returned_jobs_run_next_and_in_their_old_order(server, store):
    store.run(queues.push("default", [*THREE, b"d"]))
    fetch(store, 3)

    assert store.run(queues.give_back("default", ME, [2, 1, 3])) == [1, 1, 1]

    assert waiting(server) == [b"a", b"b", b"c", b"d"]
    assert held(server) == {}


def test_a_delivery_is_given_back_once(server, store):
    store.run(queues.push("default", THREE))
    fetch(store)
    store.run(queues.done("default", ME, [2], DAY))
    store.run(queues.give_back("default", ME, [1]))
    before = server.snapshot()

    assert store.run(queues.give_back("default", ME, [1, 2, 99])) == [0, 0, 0]

    assert server.snapshot() == before


def test_a_dead_process_gives_nothing_back(server, store):
    store.run(queues.push("default", THREE))
    fetch(store)
    declare_dead(store)
    before = server.snapshot()

    assert store.run(queues.give_back("default", ME, [1, 2, 3])) == [0, 0, 0]

    assert server.snapshot() == before


# --- marking ---------------------------------------------------------------------


def test_a_mark_stands_beside_its_delivery_and_goes_with_it(server, store):
    store.run(queues.push("default", THREE))
    fetch(store)
    for seq in (1, 2):
        assert store.run(queues.mark("default", ME, seq)) == 1
    assert {b"_run:1", b"_run:2"} <= server.client.hgetall(HELD).keys()

    store.run(queues.give_back("default", ME, [1]))
    store.run(queues.settle("default", ME, 2, queues.Settlement(), now=1.0, day=DAY))

    assert server.client.hgetall(HELD).keys() == {b"3", b"_req"}


def test_what_is_not_held_cannot_be_marked(server, store):
    assert store.run(queues.mark("default", ME, 1)) == 0

    assert server.snapshot() == {}


# --- waiting ---------------------------------------------------------------------


def test_a_look_sees_a_job_and_leaves_it_where_it_is(server, store):
    store.run(queues.push("default", THREE))
    before = server.snapshot()

    assert store.run(queues.look("default", 1.0)) is True

    assert server.snapshot() == before


def test_a_look_at_an_empty_queue_ends_in_time_and_writes_nothing(server, store):
    assert store.run(queues.look("default", 0.01)) is False

    assert server.snapshot() == {}


def test_a_look_ends_when_a_stranger_pushes(server, store):
    seen: list[bool] = []
    looker = threading.Thread(target=lambda: seen.append(store.run(queues.look("default", 10.0))))
    looker.start()
    server.client.lpush(QUEUE, b"from Ruby")
    looker.join(5)

    assert seen == [True]
    assert waiting(server) == [b"from Ruby"]
