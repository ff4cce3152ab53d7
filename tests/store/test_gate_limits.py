"""A limit that jobs pass is taken of when they start, and those who take turns come back behind the others."""

from __future__ import annotations

import pytest

from mainspring.store import gates, keys, limiters, queues, sets
from mainspring.store.connection import Store
from mainspring.store.limiters import Limit
from store.yard import ME, OTHER, Q, Yard, age, used
from support import until


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


@pytest.fixture
def yard(server, store):
    return Yard(server, store)


# --- limits ------------------------------------------------------------------------


@pytest.fixture
def window(store):
    limit = Limit("window", 3, 60_000_000, "partner")
    store.run(gates.define({gates.of_limit(limit): gates.allows(limit)}))
    return limit


def test_a_limit_for_which_nobody_waits_notes_nothing_until_a_job_starts(yard, store, window):
    gate = gates.of_limit(window)

    yard.push(gate, "a", "b")
    yard.push(gate, "c", "d")

    assert yard.queued() == ["a", "b", "c", "d"]
    assert yard.is_clean()
    assert yard.start(yard.fetch()) == (["a", "b", "c"], ["d"])
    assert used(store, window) == 3


def test_a_limit_promises_at_the_push_and_is_taken_of_at_the_start(yard, store, window):
    gate = gates.of_limit(window)

    yard.push(gate, *"abcde")

    assert yard.queued() == ["a", "b", "c"]
    assert yard.holders(gate) == {"a", "b", "c"}
    assert used(store, window) == 0
    assert yard.start(yard.fetch(2)) == (["a", "b"], [])
    assert used(store, window) == 2
    assert yard.holders(gate) == {"c"}
    assert yard.waiting(gate) == ["d", "e"]


def counts(store, limit):
    """Return how often a limit gave and refused, in all minutes."""
    (usage,) = store.run(limiters.usage([limit]))
    return sum(usage.taken), sum(usage.refused)


def test_who_starts_was_given_and_who_is_put_aside_was_refused_once(yard, store, window):
    gate = gates.of_limit(window)

    yard.push(gate, *"abcde")

    assert counts(store, window) == (0, 2)
    assert [spec for spec, _ in store.run(limiters.shown())] == [window.spec]
    yard.start(yard.fetch())
    store.run(gates.open_due([gate]))
    assert counts(store, window) == (3, 2), "to look whether it opens is not to ask"


def test_a_job_that_is_put_aside_when_it_would_start_was_refused(yard, store, window):
    gate = gates.of_limit(window)
    yard.push(gate, "a", "b")
    yard.push(gate, "c", "d")

    assert yard.start(yard.fetch()) == (["a", "b", "c"], ["d"])

    assert counts(store, window) == (3, 1)


@pytest.mark.parametrize("kind", limiters.KINDS)
def test_each_kind_counts_jobs_as_it_counts_code(yard, store, kind):
    limit = Limit(kind, 2, 60_000_000, "each")
    gate = gates.of_limit(limit)
    store.run(gates.define({gate: gates.allows(limit)}))

    yard.push(gate, *"abc")
    yard.start(yard.fetch())

    assert counts(store, limit) == (2, 1)


def test_gates_that_are_no_limiters_count_nothing(server, yard, store):
    store.run(gates.define({"c:shop": "1"}))

    yard.push("c:shop", *"abc")
    yard.start(yard.fetch())

    assert not [key for key in server.snapshot() if "tally" in key]
    assert store.run(limiters.shown()) == []


def test_what_starts_a_second_time_takes_a_second_time(yard, store, window):
    gate = gates.of_limit(window)
    yard.push(gate, *"ab")
    held = yard.fetch()
    yard.start(held)

    store.run(queues.give_back(Q, ME, list(held)))

    assert yard.start(yard.fetch()) == (["a"], ["b"])
    assert used(store, window) == 3


def test_code_that_takes_of_a_limit_counts_and_the_job_waits(yard, store, window):
    gate = gates.of_limit(window)
    store.run(limiters.take([(window, 3)], "code"))

    yard.push(gate, "a")

    assert yard.waiting(gate) == ["a"]


def test_a_limit_that_is_due_lets_in_as_many_as_it_gives(yard, store, server):
    limit = Limit("window", 4, 300_000, "partner")
    gate = gates.of_limit(limit)
    store.run(gates.define({gate: gates.allows(limit)}))
    yard.push(gate, *"abcdefghij")
    assert yard.start(yard.fetch()) == (list("abcd"), [])
    assert server.client.llen(keys.BELL) == 1

    until(lambda: gate in store.run(sets.due()).gates)
    assert store.run(gates.open_due([gate])) == 4

    assert yard.queued() == list("efgh")
    assert store.run(gates.open_due([gate])) == 0
    assert yard.start(yard.fetch()) == (list("efgh"), [])


def test_who_has_waited_for_nothing_finds_the_next_time_to_look_in_the_set(yard, store, window):
    gate = gates.of_limit(window)
    yard.push(gate, *"abcde")
    now = store.run(sets.due()).now
    assert now + 55 < yard.due()[gate] < now + 61  # all is promised, and nobody knows when they start

    yard.start(yard.fetch())

    assert now + 59 < yard.due()[gate] < now + 62  # the window's span


@pytest.mark.parametrize("kind", ["bucket", "leaky", "points"])
def test_each_kind_of_limit_is_a_gate(yard, store, kind):
    limit = Limit(kind, 2, 3_600_000_000, "partner")
    gate = gates.of_limit(limit)
    store.run(gates.define({gate: gates.allows(limit)}))

    yard.push(gate, *"abc")

    assert yard.start(yard.fetch()) == (["a", "b"], [])
    assert used(store, limit) == pytest.approx(2, abs=0.01)
    assert yard.waiting(gate) == ["c"]


def test_a_concurrent_limit_is_held_to_the_end_and_code_sees_it(yard, store):
    limit = Limit("concurrent", 2, 60_000_000, "erp")
    gate = gates.of_limit(limit)
    store.run(gates.define({gate: gates.allows(limit)}))
    yard.push(gate, *"abc")
    held = yard.fetch()
    assert yard.start(held) == (["a", "b"], [])
    assert used(store, limit) == 2
    assert store.run(limiters.take([(limit, 1)], "code"))[0] > 0

    yard.finish({seq: jid for seq, jid in held.items() if jid == "a"})

    assert used(store, limit) == 1
    assert yard.queued() == ["c"]
    assert yard.holders(gate) == {"b", "c"}


def test_code_that_has_a_slot_of_a_concurrent_limit_keeps_jobs_out_until_it_gives_it_back(yard, store):
    limit = Limit("concurrent", 2, 60_000_000, "erp")
    gate = gates.of_limit(limit)
    store.run(gates.define({gate: gates.allows(limit)}))
    store.run(limiters.take([(limit, 1)], "code"))
    yard.push(gate, *"ab")
    assert yard.queued() == ["a"]
    assert yard.due()[gate] < store.run(sets.due()).now + 2

    store.run(limiters.release(limit, "code"))

    until(lambda: store.run(gates.open_due([gate])))
    assert yard.queued() == ["b", "a"]


def test_a_job_that_runs_for_longer_than_a_slots_time_keeps_it(yard, store):
    limit = Limit("concurrent", 1, 1000, "erp")
    gate = gates.of_limit(limit)
    store.run(gates.define({gate: gates.allows(limit)}))
    yard.push(gate, *"ab")
    yard.start(yard.fetch())

    until(lambda: store.run(limiters.take([(limit, 1)], "code")) > (2.0,))

    yard.push(gate, "c")
    assert yard.waiting(gate) == ["b", "c"]


def test_who_died_with_a_concurrent_slot_starts_again_with_it(yard, store):
    limit = Limit("concurrent", 1, 60_000_000, "erp")
    gate = gates.of_limit(limit)
    store.run(gates.define({gate: gates.allows(limit)}))
    yard.push(gate, "a")
    held = yard.fetch()
    yard.start(held)

    store.run(queues.give_back(Q, ME, list(held)))

    assert yard.start(yard.fetch()) == (["a"], [])
    assert used(store, limit) == 1


# --- turns -------------------------------------------------------------------------


def test_those_who_take_turns_come_back_at_the_end_of_the_queue(yard, store):
    big, small = (gates.keyed(gates.of_turns(Q), key) for key in ("big", "small"))
    assert store.run(gates.serve(Q, ME, 1)) == 1
    yard.push(big, *(f"b{n}" for n in range(6)))
    ran = []
    held = yard.fetch(1)

    yard.push(small, "s0", "s1", "s2")
    while held:
        yard.start(held)
        ran += held.values()
        yard.finish(held)
        held = yard.fetch(1)

    assert ran == ["b0", "s0", "b1", "s1", "b2", "s2", "b3", "b4", "b5"]
    assert yard.is_clean()


def test_one_alone_has_all_slots_and_many_share_them(yard, store):
    base = gates.of_turns(Q)
    assert store.run(gates.serve(Q, ME, 4)) == 4
    assert store.run(gates.serve(Q, OTHER, 2)) == 6
    a, b, c = (gates.keyed(base, key) for key in "abc")
    yard.push(a, *(f"a{n}" for n in range(30)))
    assert len(yard.queued()) == 6

    yard.push(b, *(f"b{n}" for n in range(30)))
    yard.push(c, *(f"c{n}" for n in range(30)))

    # Each of them had all of it when it came; from now on it is a third.
    for _ in range(3):
        held = yard.fetch(6)
        yard.start(held)
        yard.finish(held)
    assert sorted(jid[0] for jid in yard.queued()) == list("aabbcc")


def test_what_a_limit_has_promised_and_nobody_starts_is_promised_to_others(yard, store, server, window):
    gate = gates.of_limit(window)
    yard.push(gate, *"abcde")
    age(server, gate)

    assert store.run(gates.open_due([gate])) == 2

    assert yard.queued() == ["d", "e", "a", "b", "c"]
    assert yard.holders(gate) == {"d", "e"}
