"""A gate never lets in more than it allows, a job waits by it once at most, and what leaves lets in what waits."""

from __future__ import annotations

import pytest

from mainspring.base import codec
from mainspring.store import flows, gates, keys, processes, queues, sets
from mainspring.store.connection import Store
from mainspring.store.gates import GONE
from mainspring.store.limiters import Limit
from mainspring.store.queues import Settlement
from mainspring.store.ties import Ties
from store.yard import DAY, ME, OTHER, Q, Yard, age

NOW = 1_790_000_000.5
SYNC = gates.of_job("sync")


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


@pytest.fixture
def yard(server, store):
    return Yard(server, store)


# --- concurrency -------------------------------------------------------------------


def test_a_push_lets_in_what_has_room_and_puts_the_rest_into_the_lane(yard, store):
    store.run(gates.define({SYNC: "2"}))

    yard.push(SYNC, "a", "b", "c", "d")

    assert yard.queued() == ["a", "b"]
    assert yard.waiting(SYNC) == ["c", "d"]
    assert yard.holders(SYNC) == {"a", "b"}
    assert store.run(gates.lanes(Q)) == {SYNC: 2}


def test_what_is_settled_lets_in_the_oldest_before_all_that_is_in_the_queue(yard, store):
    store.run(gates.define({SYNC: "2"}))
    yard.push(SYNC, "a", "b", "c", "d", "e")
    store.run(queues.push(Q, [yard.job("plain", "")]))
    held = yard.fetch(2)
    assert yard.start(held) == (["a", "b"], [])

    yard.finish(held)

    assert yard.queued() == ["c", "d", "plain"]
    assert yard.holders(SYNC) == {"c", "d"}
    assert yard.waiting(SYNC) == ["e"]


@pytest.mark.parametrize("what", ["failed", "later", "dead", "dropped"])
def test_each_outcome_leaves_the_gate(yard, store, what):
    store.run(gates.define({SYNC: "1"}))
    yard.push(SYNC, "a", "b")
    ((seq, _),) = yard.fetch().items()
    place = {"failed": keys.RETRY, "later": keys.SCHEDULE, "dead": keys.DEAD}.get(what)

    settled = Settlement(place, NOW, b"x", what=what, ties=Ties("a", gates=SYNC))
    assert store.run(queues.settle(Q, ME, seq, settled, now=NOW, day=DAY)) == 1

    assert yard.queued() == ["b"]
    assert yard.holders(SYNC) == {"b"}


def test_who_has_lost_a_job_opens_nothing_with_it(yard, store):
    store.run(gates.define({SYNC: "1"}))
    yard.push(SYNC, "a", "b")
    yard.fetch()

    assert store.run(flows.finish(Q, OTHER, [(1, Ties("a", gates=SYNC))], DAY)) == [0]

    assert yard.holders(SYNC) == {"a"}
    assert yard.waiting(SYNC) == ["b"]


def test_in_the_end_nothing_is_left(yard, store):
    store.run(gates.define({SYNC: "3"}))
    yard.push(SYNC, *"abcdefghij")
    done = []

    while held := yard.fetch():
        assert len(held) <= 3
        assert yard.start(held)[1] == []
        yard.finish(held)
        done += held.values()

    assert done == list("abcdefghij")
    assert yard.is_clean()


def test_a_gate_that_nobody_has_defined_is_open_and_notes_nothing(yard):
    yard.push(SYNC, "a", "b")

    assert yard.start(yard.fetch()) == (["a", "b"], [])
    assert yard.is_clean()


def test_a_dead_process_leaks_no_slot_its_jobs_come_back_with_theirs(yard, store):
    store.run(gates.define({SYNC: "2"}))
    store.run(processes.register(Q, ME, 30_000))
    yard.push(SYNC, "a", "b", "c")
    yard.start(yard.fetch())

    assert store.run(processes.reclaim(Q, ME, grace_ms=0, now=NOW, certain=True)) == 2

    assert yard.queued() == ["a", "b"]
    assert yard.holders(SYNC) == {"a", "b"}
    assert yard.start(yard.fetch(who=OTHER), who=OTHER) == (["a", "b"], [])
    assert yard.waiting(SYNC) == ["c"]


def test_a_job_that_is_buried_at_a_crash_leaves_its_gates(yard, store):
    store.run(gates.define({SYNC: "1"}))
    store.run(processes.register(Q, ME, 30_000))
    yard.push(SYNC, "a", "b")
    yard.fetch()

    store.run(processes.reclaim(Q, ME, grace_ms=0, now=NOW, certain=True, changes=[(b"1", "dead", b"poison")]))

    assert yard.queued() == ["b"]
    assert yard.holders(SYNC) == {"b"}


# --- what came otherwise -------------------------------------------------------------


def test_a_job_that_a_stranger_pushed_is_put_aside_once_and_comes_back_with_its_slot(yard, store, server):
    store.run(gates.define({SYNC: "1"}))
    yard.push_plainly(SYNC, "a", "b")
    held = yard.fetch()

    assert yard.start(held) == (["a"], ["b"])

    assert server.client.hlen(keys.inflight(Q, ME)) == 2  # a, and the request
    yard.finish({seq: jid for seq, jid in held.items() if jid == "a"})
    again = yard.fetch()
    assert list(again.values()) == ["b"]
    assert yard.start(again) == (["b"], [])
    yard.finish(again)
    assert yard.is_clean()


def test_who_comes_later_waits_behind_those_who_wait(yard, store):
    store.run(gates.define({SYNC: "1"}))
    yard.push(SYNC, "a", "b")
    store.run(gates.define({SYNC: "3"}))

    yard.push_plainly(SYNC, "c")
    yard.push(SYNC, "d")

    assert yard.start(yard.fetch())[1] == ["c"]
    assert yard.waiting(SYNC) == ["b", "d", "c"]


def test_a_job_that_is_not_ours_any_more_is_let_alone(yard, store):
    store.run(gates.define({SYNC: "1"}))
    yard.push_plainly(SYNC, "a")
    yard.fetch(who=OTHER)

    assert store.run(gates.enter(Q, ME, {SYNC: [(1, "a")]})) == [GONE]

    assert yard.is_clean()


def test_a_slot_that_a_job_has_is_not_taken_twice_by_it(yard, store):
    store.run(gates.define({SYNC: "2"}))
    yard.push(SYNC, "a")
    held = yard.fetch()

    assert yard.start(held) == yard.start(held) == (["a"], [])

    assert yard.holders(SYNC) == {"a"}


@pytest.mark.parametrize("source", [keys.SCHEDULE, keys.RETRY, keys.DEAD])
def test_what_is_due_passes_its_gates_on_the_way_to_its_queue(yard, store, server, source):
    store.run(gates.define({SYNC: "1"}))
    jobs = [yard.job(jid, SYNC) for jid in "abc"]
    server.client.zadd(source, dict.fromkeys(jobs, 1.0))

    assert store.run(sets.forward(source, Q, [(job, job) for job in jobs])) == 3

    assert yard.queued() == ["a"]
    assert yard.waiting(SYNC) == ["b", "c"]
    assert yard.start(yard.fetch()) == (["a"], [])
    assert not server.client.exists(source)


@pytest.mark.parametrize(("jid", "names"), [("a\nb", [SYNC]), ("a", ["c:sync\nx"]), ("a", ["c:a,b"]), ("a", [7, {}])])
def test_what_no_lane_could_hold_goes_to_its_queue_with_its_own_bytes(yard, store, server, jid, names):
    store.run(gates.define({SYNC: "1"}))
    yard.push(SYNC, "x", "y")
    odd = codec.encode({"class": "sync", "args": [], "jid": jid, "flow": {"gates": names}})
    server.client.zadd(keys.SCHEDULE, {odd: 1.0})

    assert store.run(sets.forward(keys.SCHEDULE, Q, [(odd, odd)])) == 1

    assert server.client.lindex(keys.queue(Q), 0) == odd


# --- several -----------------------------------------------------------------------


def test_several_gates_are_passed_together_or_not_at_all(yard, store):
    one, two = gates.keyed(SYNC, "acme"), gates.of_queue(Q)
    both = f"{one},{two}"
    store.run(gates.define({one: "1", two: "1"}))
    yard.push(two, "first")

    yard.push(both, "second")

    assert yard.holders(one) == set()
    assert yard.waiting(two) == ["second"]
    yard.push(one, "third")
    yard.finish(yard.fetch(1))
    assert yard.queued() == ["third"]  # the first gate of `second` has closed meanwhile: it waits there now
    assert yard.waiting(one) == ["second"]
    assert yard.holders(two) == set()
    yard.finish(yard.fetch())
    assert yard.start(yard.fetch()) == (["second"], [])
    assert yard.holders(one) == yard.holders(two) == {"second"}


def test_what_is_put_aside_leaves_what_it_held(yard, store):
    window = Limit("window", 1, 60_000_000, "partner")
    both = f"{SYNC},{gates.of_limit(window)}"
    store.run(gates.define({SYNC: "1", gates.of_limit(window): gates.allows(window)}))
    yard.push(both, "a")
    yard.push(SYNC, "b")
    held = yard.fetch()
    yard.start(held)
    # It was given back, and had taken of the limit: it needs another of it.
    store.run(queues.give_back(Q, ME, list(held)))

    assert yard.start(yard.fetch()) == ([], ["a"])

    assert yard.holders(SYNC) == {"b"}
    assert yard.queued() == ["b"]


# --- definitions ---------------------------------------------------------------------


def test_who_defines_last_is_right_for_those_who_wait_too(yard, store, server):
    acme = gates.keyed(SYNC, "acme")
    store.run(gates.define({SYNC: "1"}))
    yard.push(acme, *"abcd")
    server.client.delete(keys.BELL)

    assert store.run(gates.define({SYNC: "3"})) == 1

    assert server.client.llen(keys.BELL) == 1
    assert store.run(gates.open_due(store.run(sets.due()).gates)) == 2
    assert yard.queued() == ["b", "c", "a"]
    assert store.run(gates.define({SYNC: ""})) == 1
    store.run(gates.open_due(store.run(sets.due()).gates))
    assert yard.waiting(acme) == []


def test_a_beat_defines_only_what_nobody_has(store):
    store.run(gates.define({SYNC: "1"}))

    assert store.run(gates.define({SYNC: "2", "q:low": "3"}, is_newest=False)) == 1

    assert store.run(gates.allowed([SYNC, "q:low", "q:high"])) == ["1", "3", ""]


def test_a_lower_limit_lets_nobody_in_until_enough_have_left(yard, store):
    store.run(gates.define({SYNC: "3"}))
    yard.push(SYNC, *"abcde")
    held = yard.fetch()
    yard.start(held)
    store.run(gates.define({SYNC: "1"}))

    for seq, jid in held.items():
        yard.finish({seq: jid})
        assert len(yard.holders(SYNC)) <= max(1, len(held) - seq)

    assert yard.queued() == ["d"]


# --- strangers -----------------------------------------------------------------------


def test_the_slot_of_a_job_that_a_stranger_has_removed_is_found(yard, store, server):
    store.run(gates.define({SYNC: "2"}))
    yard.push(SYNC, *"abcd")
    yard.fetch(1)
    server.client.delete(keys.queue(Q))  # as Ruby's queue.clear
    age(server, SYNC)

    assert store.run(gates.open_due([SYNC])) == 1

    assert yard.holders(SYNC) == {"a", "c"}
    assert yard.queued() == ["c"]


def test_young_holders_and_those_whose_jobs_are_there_stay(yard, store, server):
    store.run(gates.define({SYNC: "2"}))
    store.run(processes.register(Q, ME, 30_000))
    yard.push(SYNC, *"abc")
    yard.fetch(1)
    server.client.zadd(keys.GATES_DUE, {SYNC: 1.0})
    assert store.run(gates.open_due([SYNC])) == 0

    age(server, SYNC)

    assert store.run(gates.open_due([SYNC])) == 0
    assert yard.holders(SYNC) == {"a", "b"}
    assert yard.due()[SYNC] > store.run(sets.due()).now + 50


# --- names ---------------------------------------------------------------------------


def test_names_are_short_and_hold_no_comma_and_no_colon_but_those_between_parts():
    name = gates.keyed(gates.of_job("shop.sync"), "a,b:c\nd" + "x" * 20)
    long = gates.keyed("c:x", "y" * 1000)

    assert name == "c:shop.sync:a%2Cb%3Ac%0Ad" + "x" * 20
    assert len(long) < 40
    assert gates.keyed("c:x", "") != "c:x:"
    assert gates.is_held(name)
    assert not gates.is_held("window:partner")
