"""Several limits are taken together or not at all, and nothing of them outlives its use."""

from __future__ import annotations

import struct

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.store import keys, limiters
from mainspring.store.connection import Store
from mainspring.store.limiters import KINDS, Limit

LONG = 3_600_000_000
ONE = [Limit(kind, 1, LONG, "one") for kind in KINDS]
TEN = [Limit(kind, 10, LONG, "ten") for kind in KINDS]
SLOT = Limit("concurrent", 1, LONG, "slot")


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def take(store, *limits, member="a", cost=1, wait=0.0):
    return store.run(limiters.take([(limit, cost) for limit in limits], member, wait))


def used(store, *limits):
    return [round(each.used, 2) for each in store.run(limiters.usage(limits))]


def tally(limit):
    return keys.limit_tally(limit.kind, limit.name)


def counts(store, *limits):
    """Return how often limits gave and refused, in all minutes."""
    return [(sum(each.taken), sum(each.refused)) for each in store.run(limiters.usage(limits))]


def waiting(store, *limits):
    return [each.waiting for each in store.run(limiters.usage(limits))]


# --- all or none ---------------------------------------------------------------------


def test_all_kinds_are_taken_together(store):
    assert take(store, *TEN, cost=3) == (0, 0, 0, 0, 0)

    assert used(store, *TEN) == [3, 3, 3, 3, 3]


@pytest.mark.parametrize("spent", ONE, ids=KINDS)
def test_where_one_has_nothing_left_none_is_taken_of(server, store, spent):
    take(store, spent)
    before = server.snapshot()

    waits = take(store, *TEN[:2], spent, *TEN[2:], member="b")

    assert [wait > 0 for wait in waits] == [False, False, True, False, False, False]
    assert {key for key, value in server.snapshot().items() if before.get(key) != value} == {tally(spent)}
    assert used(store, *TEN) == [0, 0, 0, 0, 0]


def test_a_call_that_is_sent_again_holds_one_slot(store):
    two = Limit("concurrent", 2, LONG, "two")

    assert take(store, two) == take(store, two) == (0,)

    assert used(store, two) == [1]


def test_slots_can_be_taken_by_the_dozen_and_are_given_back_together(store):
    assert take(store, TEN[0], cost=8) == (0,)
    assert take(store, TEN[0], member="b", cost=3)[0] > 0

    assert store.run(limiters.release(TEN[0], "a", 8)) == 8

    assert used(store, TEN[0]) == [0]


def test_parts_of_one_are_taken_of_buckets_that_leak(store):
    for limit in TEN[3:]:
        assert take(store, limit, cost=0.25) == (0,)

    assert used(store, *TEN[3:]) == [0.25, 0.25]


# --- slots -----------------------------------------------------------------------------


def test_a_slot_is_given_back_once(store):
    take(store, SLOT)

    assert store.run(limiters.release(SLOT, "b")) == 0
    assert store.run(limiters.release(SLOT, "a")) == 1
    assert store.run(limiters.release(SLOT, "a")) == 0
    assert take(store, SLOT, member="b") == (0,)


def test_a_slot_whose_time_is_over_is_somebody_elses(server, store):
    take(store, SLOT)
    server.client.zincrby(SLOT.keys[0], -2 * LONG, "a")

    assert take(store, SLOT, member="b") == (0,)

    assert store.run(limiters.renew(SLOT, "a")) is False
    assert store.run(limiters.release(SLOT, "a")) == 0
    assert used(store, SLOT) == [1]


def test_a_slot_that_is_renewed_is_held_for_its_whole_time(server, store):
    take(store, SLOT)
    server.client.zincrby(SLOT.keys[0], -LONG // 2, "a")
    before = server.client.zscore(SLOT.keys[0], "a")

    assert store.run(limiters.renew(SLOT, "a")) is True

    assert server.client.zscore(SLOT.keys[0], "a") >= before + LONG // 2


def test_slots_of_which_one_is_over_are_not_renewed(server, store):
    take(store, TEN[0], cost=3)
    server.client.zincrby(TEN[0].keys[0], -2 * LONG, "a/2")
    before = server.snapshot()

    assert store.run(limiters.renew(TEN[0], "a", 3)) is False

    assert server.snapshot() == before


def test_slots_with_longer_lives_outlive_a_shorter_limit(server, store):
    take(store, Limit("concurrent", 2, LONG, "slot"))
    take(store, Limit("concurrent", 2, 1_000_000, "slot"), member="b")

    assert server.client.pttl(SLOT.keys[0]) > LONG / 1000 - 5000


# --- waiting -------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", ONE, ids=KINDS)
def test_who_waits_is_counted_until_it_is_given(server, store, limit):
    take(store, limit)

    take(store, limit, member="b", wait=7200.0)
    take(store, limit, member="c", wait=7200.0)
    assert waiting(store, limit) == [2]

    server.client.delete(limit.keys[0])
    assert take(store, limit, member="b", wait=10.0) == (0,)
    assert waiting(store, limit) == [1]


@pytest.mark.parametrize("limit", ONE[1:], ids=KINDS[1:])
def test_who_would_wait_in_vain_does_not_wait(store, limit):
    take(store, limit)

    # The end of a bucket's interval may be near.
    wait = take(store, limit, member="b")[0]
    take(store, limit, member="b", wait=wait / 2)

    assert waiting(store, limit) == [0]


def test_who_gives_up_waits_no_longer(store):
    take(store, SLOT)
    take(store, SLOT, member="b", wait=5.0)

    take(store, SLOT, member="b", wait=0.0)

    assert waiting(store, SLOT) == [0]


def test_as_many_are_woken_as_there_are_slots_and_not_more_than_wait(server, store):
    three = Limit("concurrent", 3, LONG, "slot")
    take(store, three, cost=3)
    for member in "bc":
        take(store, three, member=member, wait=5.0)

    store.run(limiters.release(three, "a", 3))

    assert server.client.llen(keys.limit_freed("slot")) == 2
    assert store.run(limiters.freed("slot", 1.0)) is True


def test_where_nobody_waits_nobody_is_woken(server, store):
    take(store, SLOT)

    store.run(limiters.release(SLOT, "a"))

    assert not server.exists(keys.limit_freed("slot"))


# --- points ----------------------------------------------------------------------------------


def test_an_estimate_is_corrected_in_both_directions(store):
    points = TEN[4]
    take(store, points, cost=5)

    store.run(limiters.adjust(points, -3))
    assert used(store, points) == [2]

    store.run(limiters.adjust(points, 20.5))
    assert used(store, points) == [22.5]
    assert take(store, points)[0] > 1.3 * points.seconds

    store.run(limiters.adjust(points, -100))
    assert used(store, points) == [0]


# --- what people see ----------------------------------------------------------------------------


def test_limits_are_shown_for_a_week_after_their_use(server, store):
    take(store, *TEN)

    assert {spec for spec, _ in store.run(limiters.shown())} == {limit.spec for limit in TEN}
    assert 604_000_000 < server.client.pttl(keys.LIMITS) <= 604_800_000

    server.client.zadd(keys.LIMITS, {TEN[0].spec: 1})
    take(store, TEN[1])
    assert TEN[0].spec in dict(store.run(limiters.shown())), "nothing new was to be noted"
    take(store, ONE[2])
    assert TEN[0].spec not in dict(store.run(limiters.shown()))


def test_the_list_of_limits_is_noted_in_once_an_hour_at_most(server, store):
    take(store, TEN[1])
    before = server.dump(keys.LIMITS)

    take(store, TEN[1])

    assert server.dump(keys.LIMITS) == before


def test_of_very_many_limits_those_used_last_are_shown(server, store):
    server.client.zadd(keys.LIMITS, {f"window:1:1:{number}": 2.2e12 + number for number in range(10_000)})
    server.client.expire(keys.LIMITS, 60)

    oldest = Limit("window", 1, 1, "0")
    server.client.set(tally(oldest), b"\1", ex=60)

    take(store, Limit("window", 1, 10**15, "new"))

    assert server.client.zcard(keys.LIMITS) == 10_000
    assert not server.exists(tally(oldest)), "what was counted of it goes with it"


# --- how often they gave and refused -------------------------------------------------------------


@pytest.mark.parametrize("limit", ONE, ids=KINDS)
def test_each_kind_counts_whom_it_gave_and_whom_it_refused(store, limit):
    for member in "abc":
        take(store, limit, member=member)

    assert counts(store, limit) == [(1, 2)]


def test_of_several_only_that_which_refused_counts_a_refusal(store):
    take(store, ONE[0])

    take(store, ONE[0], TEN[2], member="b")

    assert counts(store, ONE[0], TEN[2]) == [(1, 1), (0, 0)]


def test_who_waits_and_asks_again_was_refused_once(store):
    take(store, SLOT)
    for wait in (9.0, 5.0, 0.0):
        take(store, SLOT, member="b", wait=wait)

    store.run(limiters.release(SLOT, "a"))
    assert take(store, SLOT, member="b", wait=1.0) == (0,)

    assert counts(store, SLOT) == [(2, 1)]


def test_counts_stand_at_their_minute_and_what_is_an_hour_old_is_not_told(server, store):
    limit = ONE[0]
    take(store, limit)
    aged(server, limit, 59)
    take(store, limit, member="b")

    (usage,) = store.run(limiters.usage([limit]))
    assert (sum(usage.taken[:2]), usage.taken[2:]) == (1, (0,) * 58)
    assert sum(usage.refused[-2:]) == 1

    aged(server, limit, 61)
    assert counts(store, limit) == [(0, 0)]
    take(store, limit, member="b")
    assert counts(store, limit) == [(0, 1)], "a minute's place is cleared before it is used again"


def test_counts_go_an_hour_after_the_last(server, store):
    take(store, SLOT)
    take(store, SLOT, member="b")

    assert 3_600_000 < server.client.pttl(tally(SLOT)) <= 3_660_000
    assert server.client.strlen(tally(SLOT)) == 484


def test_counts_of_another_type_keep_nobody_from_taking(server, store):
    server.client.rpush(tally(SLOT), "strange")
    server.client.expire(tally(SLOT), 60)

    assert take(store, SLOT) == (0,)
    assert take(store, SLOT, member="b")[0] > 0
    assert counts(store, SLOT) == [(0, 0)]


def aged(server, limit, minutes):
    """Let what was counted be *minutes* older than it is: each count in its new place."""
    whole = struct.unpack(">121I", server.client.get(tally(limit)))
    moved = [*whole[:120], whole[120] - minutes]
    for first in (0, 60):
        for place in range(60):
            moved[first + (place - minutes) % 60] = whole[first + place]
    server.client.set(tally(limit), struct.pack(">121I", *moved), ex=3660)


# --- a server that refuses ------------------------------------------------------------------------


@pytest.fixture
def full(server):
    for number in range(3000):
        server.client.set(f"filler:{number}", b"x" * 1000, ex=600)
    server.client.config_set("maxmemory", "1mb")
    yield server
    server.client.config_set("maxmemory", "0")


def test_a_full_server_still_limits(full, store):
    assert take(store, *TEN) == (0, 0, 0, 0, 0)
    assert take(store, *ONE, member="b") == (0, 0, 0, 0, 0)

    assert all(wait > 0 for wait in take(store, *ONE, member="c", wait=7200.0))

    assert store.run(limiters.release(ONE[0], "b")) == 1


@pytest.mark.parametrize(
    "command", ["zadd", "zrem", "zremrangebyscore", "pexpire", "set", "zpopmin", "bitfield"]
)  # fmt: skip
def test_rights_that_are_wanting_are_noticed_before_anything_is_taken(server, store, command):
    server.client.acl_setuser("poor", enabled=True, nopass=True, keys=["*"], commands=["+@all", f"-{command}"])
    poor = Store(server.url.replace("unix://", "unix://poor:x@"))
    before = server.snapshot()

    with pytest.raises(StoreRefused) as caught:
        take(poor, *TEN)

    assert caught.value.code == "NOPERM"
    assert server.snapshot() == before
    poor.close()
    server.client.acl_deluser("poor")


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("limit", TEN, ids=KINDS)
def test_a_key_of_another_type_is_noticed_before_anything_is_taken(server, store, limit, place):
    server.client.hset(limit.keys[place], "a", "b")
    server.client.expire(limit.keys[place], 60)
    before = server.snapshot()

    with pytest.raises(StoreRefused) as caught:
        take(store, Limit("window", 1, LONG, "other"), limit)

    assert caught.value.code == "WRONGTYPE"
    assert server.snapshot() == before
