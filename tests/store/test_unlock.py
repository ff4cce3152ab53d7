"""Many successes let their locks go in one call: each job its own and no other's, however a stranger writes them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainspring.store import flows, keys, queues
from mainspring.store.connection import Store
from mainspring.store.ties import Ties

ME = "host:1:aaaaaaaaaaaa"
DAY, Q = "2026-11-21", "default"

#: Ids and locks of three jobs.
WRITTEN = {
    "by us": (["a1", "b2", "c3"], ["one", "two", "six"]),
    "by one who knows no lengths": (["a", "bc", "def"], ["three", "on", "s"]),
    "so that they could be cut elsewhere": (["ab", "c", "def"], ["two", "t", "three"]),
    "in letters of several bytes": (["é1", "b2", "c3"], ["öne", "two", "six"]),
    "with line ends": (["a\n", "\nb", "c,"], ["o\ne", "tw\n", "\n\n\n"]),
    "without ids": (["", "", ""], ["one", "two", "six"]),
    "with one id": (["a1", "a1", "a1"], ["one", "two", "six"]),
}


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def held(server) -> dict[str, str]:
    found = server.client.scan_iter(keys.lock("*"), count=1000)
    return {key.decode().removeprefix(keys.lock("")): server.client.get(key).decode() for key in found}


def hold(server, holders: dict[str, str]) -> None:
    for lock, jid in holders.items():
        server.client.set(keys.lock(lock), jid, px=600_000)


def fetched(store: Store, many: int) -> None:
    """Let a process hold the deliveries from 1 on."""
    store.run(queues.push(Q, [b"%d" % number for number in range(many)]))
    store.run(queues.fetch(Q, ME, many, "1", "_req"))


@pytest.mark.parametrize("how", WRITTEN)
def test_each_lets_its_own_go_if_it_is_its_process_s_still(server, store, how):
    jids, locks = WRITTEN[how]
    fetched(store, 2)
    hold(server, dict(zip(locks, jids, strict=True)))

    assert store.run(flows.unlock(Q, ME, [1, 2, 9], jids, locks, DAY)) == [1, 1, 0]

    assert held(server) == {locks[2]: jids[2]}
    assert server.client.get(keys.STAT_PROCESSED) == server.client.get(keys.stat_processed_day(DAY)) == b"2"
    assert server.client.hkeys(keys.inflight(Q, ME)) == [b"_req"]


@pytest.mark.parametrize("how", WRITTEN)
def test_what_is_another_s_by_now_is_left_alone(server, store, how):
    jids, locks = WRITTEN[how]
    fetched(store, 3)
    others = {locks[0]: jids[1] + "x", locks[1]: "x" + jids[0]}
    hold(server, others)

    # The third has faded.
    assert store.run(flows.unlock(Q, ME, [1, 2, 3], jids, locks, DAY)) == [1, 1, 1]

    assert held(server) == others


@pytest.mark.parametrize("is_again", [False, True])
def test_one_that_is_named_twice_or_sent_again_is_counted_once(server, store, is_again):
    fetched(store, 2)
    hold(server, {"one": "a1", "two": "b2"})
    jids, locks = ["a1", "b2", "a1"], ["one", "two", "one"]

    assert store.run(flows.unlock(Q, ME, [1, 2, 1], jids, locks, DAY)) == [1, 1, 0]
    if is_again:
        hold(server, {"one": "a1"})
        assert store.run(flows.unlock(Q, ME, [1, 2, 1], jids, locks, DAY)) == [0, 0, 0]

    assert held(server) == ({"one": "a1"} if is_again else {})
    assert server.client.get(keys.STAT_PROCESSED) == b"2"


def test_of_two_that_name_one_lock_its_holder_lets_it_go(server, store):
    fetched(store, 2)
    hold(server, {"one": "b2"})

    assert store.run(flows.unlock(Q, ME, [1, 2], ["a1", "b2"], ["one", "one"], DAY)) == [1, 1]

    assert held(server) == {}


def test_a_lock_of_ours_costs_the_call_one_argument():
    jids, locks = ["a1"] * 100, ["one"] * 100

    assert len(flows.unlock(Q, ME, range(100), jids, locks, DAY).args) == 103
    ties = [(seq, Ties(jid, lock)) for seq, (jid, lock) in enumerate(zip(jids, locks, strict=True))]
    assert len(flows.finish(Q, ME, ties, DAY).args) == 103


_words = st.text("ab\n é", max_size=3)


@given(st.lists(st.tuples(_words, _words.filter(bool), st.booleans(), st.booleans()), min_size=1, max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_they_are_called_it_is_as_if_each_were_alone(server, store, jobs):
    server.flush()
    fetched(store, len(jobs))
    holders = {lock: jid if is_own else "another" for jid, lock, is_own, _ in jobs}
    hold(server, holders)
    seqs = [seq if is_mine else 100 + seq for seq, (_, _, _, is_mine) in enumerate(jobs, 1)]
    jids, locks = [jid for jid, *_ in jobs], [lock for _, lock, *_ in jobs]

    done = store.run(flows.unlock(Q, ME, seqs, jids, locks, DAY))

    assert done == [int(is_mine) for *_, is_mine in jobs]
    gone = {lock for jid, lock, _, is_mine in jobs if is_mine and holders[lock] == jid}
    assert held(server) == {lock: jid for lock, jid in holders.items() if lock not in gone}
