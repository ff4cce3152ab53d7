"""A cursor is moved by who holds the job and nobody else, in Sidekiq's form, and is gone when it is of no use any more."""

from __future__ import annotations

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.store import cursors, keys, once, queues
from mainspring.store.connection import Store
from mainspring.store.cursors import ENDED_MS, KEPT_MS, Saved, State

ME, JID = "host:1:aaaaaaaaaaaa", "b1c2"
FAR = State(b"[3,4]", 2, 1.25)


@pytest.fixture
def store(server):
    made = Store(server.url)
    made.run(queues.push("default", [b"job"]))
    made.run(queues.fetch("default", ME, 1, "1", "_req"))
    yield made
    made.close()


def save(store, state=FAR, *, seq=1, **more):
    return store.run(cursors.save("default", ME, seq, JID, state, **more))


def test_a_job_that_has_come_nowhere_has_no_state(server, store):
    assert store.run(cursors.load(JID)) == State()
    assert not server.exists(keys.cursor(JID))


def test_what_was_saved_is_read_again_under_sidekiqs_names(server, store):
    assert save(store) == Saved(is_ours=True, cancelled=False)

    assert store.run(cursors.load(JID)) == FAR
    assert server.client.hgetall("it-b1c2") == {b"c": b"[3,4]", b"ex": b"2", b"rt": b"1.25"}


@pytest.mark.parametrize("ttl", [KEPT_MS, ENDED_MS])
def test_each_save_says_anew_how_long_it_is_kept(server, store, ttl):
    save(store)

    save(store, ttl_ms=ttl)

    assert ttl - 5_000 < server.client.pttl(keys.cursor(JID)) <= ttl


def test_whoever_holds_the_job_no_more_moves_nothing(server, store):
    save(store)
    before = server.snapshot()

    assert save(store, State(b"99", 3, 2.0), seq=2) == Saved(is_ours=False, cancelled=False)

    assert server.snapshot() == before


def test_a_job_that_ruby_has_cancelled_is(server, store):
    server.client.hset(keys.cursor(JID), "cancelled", "1790000000")

    assert store.run(cursors.load(JID)).cancelled
    assert save(store) == Saved(is_ours=True, cancelled=True)
    assert server.client.hget(keys.cursor(JID), "cancelled") == b"1790000000"


def test_numbers_that_are_none_count_as_none(server, store):
    server.client.hset(keys.cursor(JID), mapping={"c": "7", "ex": "many", "rt": "inf"})
    server.client.expire(keys.cursor(JID), 60)

    assert store.run(cursors.load(JID)) == State(b"7", 0, 0.0)


def test_a_key_of_another_type_is_refused_and_left(server, store):
    server.client.set(keys.cursor(JID), "x", ex=60)

    with pytest.raises(StoreRefused):
        save(store)

    assert server.client.get(keys.cursor(JID)) == b"x"


def test_a_job_that_has_come_farther_is_acquitted(server, store):
    held = keys.inflight("default", ME)
    server.client.hset(held, "_run:1", 1)

    save(store, payload=b"innocent")

    assert server.client.hgetall(held)[b"1"] == b"innocent"
    assert not server.client.hexists(held, "_run:1")
    assert store.run(cursors.held("default", ME, 1)) == b"innocent"
    assert store.run(cursors.held("default", ME, 2)) is None


def test_a_full_server_takes_it(private_server):
    server = private_server()
    full = Store(server.url)
    full.run(queues.push("default", [b"job"]))
    full.run(queues.fetch("default", ME, 1, "1", "_req"))
    server.client.config_set("maxmemory", "1mb")

    assert save(full) == Saved(is_ours=True, cancelled=False)

    assert full.run(cursors.load(JID)) == FAR
    full.close()


# --- once -------------------------------------------------------------------------------


def test_a_name_is_its_first_owners_until_it_is_given_back(server, store):
    assert store.run(once.take("import", "me", 60_000)) is True
    assert store.run(once.take("import", "me", 60_000)) is True
    assert store.run(once.take("import", "you", 60_000)) is False
    assert store.run(once.release("import", "you")) == 0
    assert store.run(once.release("import", "me")) == 1
    assert store.run(once.release("import", "me")) == 0
    assert store.run(once.take("import", "you", 60_000)) is True


def test_what_is_throttled_has_names_of_its_own(server, store):
    assert store.run(once.throttle("import", "me", 60_000)) is True
    assert store.run(once.take("import", "you", 60_000)) is True
    assert store.run(once.throttle("import", "you", 60_000)) is False
