"""A living process keeps its jobs; a dead one is fenced for ever, and its jobs run next in their old order."""

from __future__ import annotations

import pytest

from mainspring.store import keys, processes, queues
from mainspring.store.connection import Store

ME, OTHER = "host:1:aaaaaaaaaaaa", "host:2:bbbbbbbbbbbb"
Q = "default"
LEASE, TOMB, HELD = keys.lease(Q, ME), keys.tomb(Q, ME), keys.inflight(Q, ME)
THREE = [b"a", b"b", b"c"]


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


@pytest.fixture
def silent(server, store):
    """A process that holds three jobs and has not renewed its lease."""
    store.run(processes.register(Q, ME, 30_000))
    store.run(queues.push(Q, [*THREE, b"d"]))
    store.run(queues.fetch(Q, ME, 3, "1", "_req"))
    server.client.delete(LEASE)
    return store


def reclaim(store, *, grace_ms=0, changes=(), certain=False):
    return store.run(processes.reclaim(Q, ME, grace_ms=grace_ms, now=9.5, changes=changes, certain=certain))


def waiting(server):
    return server.client.lrange(keys.queue(Q), 0, -1)[::-1]


# --- leases ----------------------------------------------------------------------


def test_a_registered_process_is_an_owner_with_a_lease(server, store):
    assert store.run(processes.register(Q, ME, 30_000)) == 1

    assert store.run(processes.owners(Q)) == [ME]
    assert store.run(processes.without_lease(Q, [ME])) == []
    assert 29_000 < server.client.pttl(LEASE) <= 30_000
    assert server.keys() == {LEASE, keys.owners(Q)}


def test_one_look_finds_all_that_have_no_lease(store):
    for identity in ("a", "b", "c", "d"):
        store.run(processes.register(Q, identity, 30_000))
    store.run(processes.leave(Q, "b"))

    assert store.run(processes.without_lease(Q, ["d", "b", "a", "unheard-of", "c"])) == ["b", "unheard-of"]


def test_a_beat_renews_the_lease(server, store):
    store.run(processes.register(Q, ME, 5_000))

    assert store.run(processes.beat(Q, ME, 30_000)) == 1

    assert server.client.pttl(LEASE) > 29_000


def test_a_beat_says_that_the_lease_had_run_out_and_ends_the_suspicion(server, store):
    store.run(processes.register(Q, ME, 30_000))
    server.client.delete(LEASE)
    store.run(processes.suspect(Q, ME))

    assert store.run(processes.beat(Q, ME, 30_000)) == 2

    assert server.keys() == {LEASE, keys.owners(Q)}
    assert reclaim(store) == -1


def test_a_beat_makes_a_process_an_owner_again_that_the_store_forgot(server, store):
    assert store.run(processes.beat(Q, ME, 30_000)) == 2

    assert store.run(processes.owners(Q)) == [ME]


def test_a_beat_of_a_dead_process_is_refused_and_writes_nothing(server, silent):
    reclaim(silent, certain=True)
    before = server.snapshot()

    assert silent.run(processes.beat(Q, ME, 30_000)) == -1

    assert server.snapshot() == before


# --- suspicion -------------------------------------------------------------------


def test_a_process_with_a_lease_is_not_suspected_and_nothing_is_written(server, store):
    store.run(processes.register(Q, ME, 30_000))
    before = server.snapshot()

    assert store.run(processes.suspect(Q, ME)) == 0

    assert server.snapshot() == before


def test_the_first_suspicion_counts_and_later_ones_do_not_move_it(server, silent):
    assert silent.run(processes.suspect(Q, ME)) == 1
    server.client.hset(keys.suspect(Q), ME, "1234")

    assert silent.run(processes.suspect(Q, ME)) == 1

    assert server.client.hget(keys.suspect(Q), ME) == b"1234"


def test_a_suspicion_is_noted_in_the_servers_milliseconds(server, silent):
    seconds, _ = server.client.time()

    silent.run(processes.suspect(Q, ME))

    assert abs(int(server.client.hget(keys.suspect(Q), ME)) - seconds * 1000) < 5000


# --- reclaiming ------------------------------------------------------------------


def test_the_living_the_unsuspected_and_the_newly_suspected_are_left_alone(server, silent):
    assert reclaim(silent) == -2
    silent.run(processes.suspect(Q, ME))
    before = server.snapshot()

    assert reclaim(silent, grace_ms=60_000) == -3

    assert server.snapshot() == before
    silent.run(processes.beat(Q, ME, 30_000))
    assert reclaim(silent) == -1
    assert silent.run(queues.inflight(Q, ME))[b"1"] == b"a"


def test_the_jobs_of_a_dead_process_run_next_in_their_old_order(server, silent):
    silent.run(processes.suspect(Q, ME))

    assert reclaim(silent) == 3

    assert waiting(server) == [b"a", b"b", b"c", b"d"]


def test_a_dead_process_leaves_its_tomb_and_nothing_else(server, silent):
    silent.run(processes.suspect(Q, ME))
    reclaim(silent)

    assert server.keys() == {keys.queue(Q), keys.QUEUES, keys.fence(Q), TOMB}
    assert 86_400 - 60 < server.client.ttl(TOMB) <= 86_400


def test_a_death_that_was_seen_needs_no_grace_and_heeds_no_lease(server, silent):
    silent.run(processes.beat(Q, ME, 30_000))

    assert reclaim(silent, grace_ms=60_000, certain=True) == 3

    assert not server.exists(LEASE)


def test_a_process_is_reclaimed_once(server, silent):
    silent.run(processes.suspect(Q, ME))
    reclaim(silent)
    before = server.snapshot()

    assert reclaim(silent) == -2

    assert server.snapshot() == before


def test_jobs_may_change_or_be_buried_on_their_way(server, silent):
    silent.run(processes.suspect(Q, ME))

    assert reclaim(silent, changes=[(b"1", "queue", b"a!"), (b"2", "dead", b"b!"), (b"99", "dead", b"none")]) == 3

    assert waiting(server) == [b"a!", b"c", b"d"]
    assert server.client.zrange(keys.DEAD, 0, -1, withscores=True) == [(b"b!", 9.5)]


def test_a_change_of_a_job_that_was_settled_meanwhile_brings_nothing_back(server, silent):
    silent.run(processes.suspect(Q, ME))
    silent.run(queues.done(Q, ME, [1, 2], "2026-11-21"))

    assert reclaim(silent, changes=[(b"1", "queue", b"a!"), (b"2", "dead", b"b!")]) == 1

    assert waiting(server) == [b"c", b"d"]
    assert not server.exists(keys.DEAD)


def test_a_thousand_jobs_of_a_dead_process_keep_their_order(server, store):
    jobs = [b"%d" % i for i in range(1000)]
    store.run(queues.push(Q, jobs))
    store.run(queues.fetch(Q, ME, 1000, "1", "_req"))

    assert reclaim(store, certain=True) == 1000

    assert waiting(server) == jobs


def test_only_the_dead_process_loses_its_jobs(server, silent):
    silent.run(processes.register(Q, OTHER, 30_000))
    silent.run(queues.fetch(Q, OTHER, 1, "1", "_req"))

    reclaim(silent, certain=True)

    assert silent.run(queues.inflight(Q, OTHER))[b"4"] == b"d"
    assert silent.run(processes.owners(Q)) == [OTHER]


# --- leaving ---------------------------------------------------------------------


def test_a_process_that_leaves_gives_back_what_it_holds_in_order(server, silent):
    silent.run(processes.suspect(Q, ME))

    assert silent.run(processes.leave(Q, ME)) == 3

    assert waiting(server) == [b"a", b"b", b"c", b"d"]
    assert server.keys() == {keys.queue(Q), keys.QUEUES, keys.fence(Q)}
    assert silent.run(processes.leave(Q, ME)) == 0


def test_a_dead_process_that_leaves_changes_nothing(server, silent):
    reclaim(silent, certain=True)
    before = server.snapshot()

    assert silent.run(processes.leave(Q, ME)) == 0

    assert server.snapshot() == before


@pytest.mark.parametrize(
    "comes_back",
    [
        pytest.param(processes.leave(Q, ME), id="leave"),
        pytest.param(processes.reclaim(Q, ME, grace_ms=0, now=9.5, certain=True), id="reclaim"),
        pytest.param(queues.give_back(Q, ME, [1, 2]), id="give back"),
    ],
)
def test_jobs_that_come_back_to_a_queue_that_was_cleared_list_it_again(server, silent, comes_back):
    # One after the other: in a pipeline, what the server does not know yet comes after what it knows.
    silent.run(queues.clear(Q))
    silent.run(queues.sweep(Q))
    assert not server.exists(keys.QUEUES)

    silent.run(comes_back)

    assert server.client.smembers(keys.QUEUES) == {Q.encode()}
    assert len(waiting(server)) >= 2


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param(processes.leave(Q, OTHER), id="leave"),
        pytest.param(processes.reclaim(Q, OTHER, grace_ms=0, now=9.5, certain=True), id="reclaim"),
        pytest.param(queues.give_back(Q, OTHER, [1, 2]), id="give back"),
    ],
)
def test_a_queue_to_which_nothing_comes_back_is_not_listed(server, silent, ends):
    # One after the other: in a pipeline, what the server does not know yet comes after what it knows.
    silent.run(queues.clear(Q))
    silent.run(queues.sweep(Q))

    silent.run(ends)

    assert not server.exists(keys.QUEUES)


def test_fields_that_are_no_jobs_are_not_given_back(server, silent):
    silent.run(queues.mark(Q, ME, 2))

    assert silent.run(processes.leave(Q, ME)) == 3

    assert len(waiting(server)) == 4


# --- display ---------------------------------------------------------------------


def test_a_process_shows_itself_for_a_minute_under_both_names(server, store):
    signals = store.run(processes.show(ME, {"info": "{}", "busy": 1, "beat": 9.5}, {"t1": b"{}", "t2": b"[]"}))

    assert signals == []
    assert store.run(processes.identities()) == [ME]
    assert store.run(processes.description(ME)) == {b"info": b"{}", b"busy": b"1", b"beat": b"9.5"}
    assert store.run(processes.work(ME)) == {b"t1": b"{}", b"t2": b"[]"}
    assert server.client.hgetall(keys.workers(ME)) == server.client.hgetall(keys.work(ME))
    for key in (keys.process(ME), keys.work(ME), keys.workers(ME)):
        assert 0 < server.client.ttl(key) <= 60


def test_what_has_ended_is_not_shown_any_more(server, store):
    store.run(processes.show(ME, {"busy": 1}, {"t1": b"{}"}))

    store.run(processes.show(ME, {"busy": 0}, {}))

    assert store.run(processes.work(ME)) == {}
    assert store.run(processes.description(ME)) == {b"busy": b"0"}


def test_signals_are_taken_once_the_oldest_first(server, store):
    for name in ("TSTP", "TERM"):
        store.pipeline(processes.send_signal(ME, name))
    assert 0 < server.client.ttl(keys.signals(ME)) <= 60

    assert store.run(processes.show(ME, {"busy": 0}, {})) == ["TSTP", "TERM"]
    assert store.run(processes.show(ME, {"busy": 0}, {})) == []


def test_a_process_that_ends_is_hidden(server, store):
    store.run(processes.show(ME, {"busy": 1}, {"t1": b"{}"}))

    store.pipeline(processes.hide(ME))

    assert server.keys() == {keys.process(ME)}


def test_one_process_a_minute_may_prune_the_silent(server, store):
    assert [store.run(processes.cleanup_turn()) for _ in range(2)] == [True, False]

    assert 0 < server.client.ttl(keys.PROCESS_CLEANUP) <= 60
    store.run(processes.show(ME, {"busy": 1}, {}))
    store.run(processes.forget([ME, OTHER]))
    assert store.run(processes.identities()) == []
