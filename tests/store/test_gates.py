"""A gate never lets in more than it allows, a job waits by it once at most, and what leaves lets in what waits."""

from __future__ import annotations

import pytest

from mainspring.base import codec
from mainspring.store import flows, gates, keys, limiters, processes, queues, sets
from mainspring.store.connection import Store
from mainspring.store.flows import Row
from mainspring.store.gates import ASIDE, GONE, GRANTED
from mainspring.store.limiters import Limit
from mainspring.store.queues import Settlement
from mainspring.store.ties import Ties
from support import until

ME, OTHER = "host:1:aaaaaaaaaaaa", "host:2:bbbbbbbbbbbb"
Q, DAY, NOW = "default", "2026-11-22", 1_790_000_000.5
SYNC = gates.of_job("sync")


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


class Yard:
    """A queue before which gates stand, as clients and workers see it."""

    def __init__(self, server, store):
        self.server, self.store = server, store
        self.names: dict[str, str] = {}
        self.requests = 0

    def job(self, jid, names):
        self.names[jid] = names
        return codec.encode({"class": "sync", "args": [], "jid": jid, "flow": {"gates": names.split(",")}})

    def push(self, names, *jids, queue=Q):
        rows = [Row(Ties(jid, gates=names), self.job(jid, names)) for jid in jids]
        self.store.run(flows.enter(queue, rows))

    def push_plainly(self, names, *jids, queue=Q):
        self.store.run(queues.push(queue, [self.job(jid, names) for jid in jids]))

    def fetch(self, n=10, who=ME, queue=Q):
        """Fetch, and return delivery -> jid."""
        self.requests += 1
        fetched = self.store.run(queues.fetch(queue, who, n, str(self.requests), "_req"))
        return {seq: codec.decode(raw)["jid"] for seq, raw in fetched.jobs}

    def start(self, held, who=ME, queue=Q):
        """Let fetched jobs start, and return those that may, and those that were put aside."""
        groups = {}
        for seq, jid in held.items():
            groups.setdefault(self.names[jid], []).append((seq, jid))
        jids = [jid for group in groups.values() for _, jid in group]
        answers = dict(zip(jids, self.store.run(gates.enter(queue, who, groups)), strict=True))
        assert set(answers.values()) <= {GRANTED, ASIDE}
        return [jid for jid in answers if answers[jid] == GRANTED], [jid for jid in answers if answers[jid] == ASIDE]

    def finish(self, held, who=ME, queue=Q):
        rows = [(seq, Ties(jid, gates=self.names[jid])) for seq, jid in held.items()]
        assert self.store.run(flows.finish(queue, who, rows, DAY)) == [1] * len(rows)

    def waiting(self, gate):
        return [one.jid for one in self.store.run(gates.page(gate, 0, 1000))]

    def holders(self, gate):
        return {one.jid for one in self.store.run(gates.holders(gate, 0, 1000))}

    def queued(self, queue=Q):
        return [codec.decode(raw)["jid"] for raw in reversed(self.server.client.lrange(keys.queue(queue), 0, -1))]

    def due(self):
        return dict(self.store.run(gates.crowded(100)))

    def is_clean(self):
        words = ("mainspring:gate:", "mainspring:lane:", "mainspring:turns:", "}:lanes")
        names = self.server.keys()
        return not [name for name in names if any(word in name for word in words)] and not self.due()


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


# --- limits ------------------------------------------------------------------------


@pytest.fixture
def window(store):
    limit = Limit("window", 3, 60_000_000, "partner")
    store.run(gates.define({gates.of_limit(limit): gates.allows(limit)}))
    return limit


def used(store, limit):
    return store.run(limiters.usage([limit]))[0].used


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


def age(server, gate, seconds=61):
    """Let all that was noted of a gate be older than it is."""
    for member, score in server.client.zrange(keys.gate(gate), 0, -1, withscores=True):
        server.client.zadd(keys.gate(gate), {member: score - seconds * 1000})
    server.client.zadd(keys.GATES_DUE, {gate: 1.0})


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


def test_what_a_limit_has_promised_and_nobody_starts_is_promised_to_others(yard, store, server, window):
    gate = gates.of_limit(window)
    yard.push(gate, *"abcde")
    age(server, gate)

    assert store.run(gates.open_due([gate])) == 2

    assert yard.queued() == ["d", "e", "a", "b", "c"]
    assert yard.holders(gate) == {"d", "e"}


# --- names ---------------------------------------------------------------------------


def test_names_are_short_and_hold_no_comma_and_no_colon_but_those_between_parts():
    name = gates.keyed(gates.of_job("shop.sync"), "a,b:c\nd" + "x" * 20)
    long = gates.keyed("c:x", "y" * 1000)

    assert name == "c:shop.sync:a%2Cb%3Ac%0Ad" + "x" * 20
    assert len(long) < 40
    assert gates.keyed("c:x", "") != "c:x:"
    assert gates.is_held(name)
    assert not gates.is_held("window:partner")
