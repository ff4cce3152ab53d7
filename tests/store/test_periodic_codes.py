"""Of all code that is running, the newest deployed counts; an old process that starts again changes nothing."""

from __future__ import annotations

import pytest

from mainspring.store import entries, keys, periodic
from mainspring.store.connection import Store
from mainspring.store.entries import CODE, Definition, Outcome
from mainspring.store.periodic import Standing
from servers import KINDS

NS = "office"


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def enter(store, digest):
    """Do as a clock does: ask, and ask again if another code has become current meanwhile."""
    entered = store.run(periodic.enter(NS, digest, ""))
    if entered.status is Standing.AGAIN:
        entered = store.run(periodic.enter(NS, digest, entered.current))
    return entered


def deploy(store, digest, *names):
    """Do all that a clock does with its code's entries when it starts."""
    entered = enter(store, digest)
    made = [Definition(name, digest, digest, b"{}") for name in names]
    results = store.run(entries.define(NS, made, origin=CODE, digest=digest)).results
    gone = [name for name in store.run(entries.names(NS)) if name not in names]
    store.run(entries.remove(NS, gone, origin=CODE, digest=digest, number=entered.number))
    return entered.status, set(results)


def die(server, digest):
    """Let the last clock with some code be gone for long."""
    assert server.client.delete(keys.periodic_alive(NS, digest)) == 1


def but_signs_of_life(snapshot):
    return {key: value for key, value in snapshot.items() if ":alive:" not in key}


# --- entering --------------------------------------------------------------------------


def test_the_first_code_counts(server, store):
    assert store.run(periodic.current_code(NS)) == ""

    assert enter(store, "a") == (Standing.COUNTS, 1, "a")

    assert store.run(periodic.current_code(NS)) == "a"
    assert server.client.hgetall(keys.periodic_code(NS)) == {b"current": b"a", b"number": b"1", b"d:a": b"1"}
    assert server.keys() == {keys.periodic_code(NS), keys.periodic_alive(NS, "a")}
    assert 44_000 < server.client.pttl(keys.periodic_alive(NS, "a")) <= 45_000


def test_another_clock_with_the_code_that_counts_and_one_whose_answer_was_lost_change_nothing(server, store):
    enter(store, "a")
    before = server.snapshot()

    assert [enter(store, "a") for _ in range(2)] == [(Standing.COUNTS, 1, "a")] * 2

    assert server.snapshot() == before


def test_code_that_was_never_seen_counts_at_once(store):
    enter(store, "a")

    assert store.run(periodic.enter(NS, "b", "")) == (Standing.COUNTS, 2, "b")


def test_an_old_process_that_starts_again_follows(server, store):
    for digest in ("a", "b"):
        enter(store, digest)
    before = but_signs_of_life(server.snapshot())

    assert enter(store, "a") == (Standing.FOLLOWS, 2, "b")

    assert but_signs_of_life(server.snapshot()) == before
    assert server.exists(keys.periodic_alive(NS, "a"))


def test_code_that_was_rolled_back_to_counts_again_when_no_clock_of_the_newer_is_left(server, store):
    for digest in ("a", "b"):
        enter(store, digest)
    die(server, "b")

    assert enter(store, "a") == (Standing.COUNTS, 3, "a")

    assert enter(store, "b") == (Standing.FOLLOWS, 3, "a")


def test_whether_the_newer_code_lives_is_not_judged_by_the_sign_of_life_of_another(server, store):
    for digest in ("a", "b", "c"):
        enter(store, digest)
    die(server, "b")
    before = server.snapshot()

    assert store.run(periodic.enter(NS, "a", "b")) == (Standing.AGAIN, 3, "c")

    assert server.snapshot() == before
    assert store.run(periodic.enter(NS, "a", "c")) == (Standing.FOLLOWS, 3, "c")


def test_of_two_new_codes_that_enter_in_the_same_instant_the_later_counts_and_the_other_learns_it(store):
    enter(store, "a")
    seen = store.run(periodic.current_code(NS))

    first, second = (store.run(periodic.enter(NS, digest, seen)) for digest in ("b", "c"))

    assert (first, second) == ((Standing.COUNTS, 2, "b"), (Standing.COUNTS, 3, "c"))
    assert store.run(periodic.poll(NS, "b")).is_current is False
    assert store.run(periodic.poll(NS, "c")).is_current is True
    assert deploy(store, "b", "report") == (Standing.FOLLOWS, {Outcome.STALE})


def test_codes_of_a_hundred_deploys_ago_are_forgotten(server, store):
    for number in range(150):
        enter(store, f"code {number}")

    seen = server.client.hgetall(keys.periodic_code(NS))

    assert seen[b"number"] == b"150"
    assert sorted(int(value) for field, value in seen.items() if field.startswith(b"d:")) == list(range(50, 151))


def test_code_that_was_forgotten_and_comes_again_is_remembered_anew(server, store):
    server.client.hset(keys.periodic_code(NS), mapping={"current": "b", "number": 500, "d:a": 1, "d:b": 500})

    assert enter(store, "a") == (Standing.COUNTS, 501, "a")

    assert server.client.hget(keys.periodic_code(NS), "d:a") == b"501"
    assert server.client.hget(keys.periodic_code(NS), "d:b") == b"500"


# --- deploys ---------------------------------------------------------------------------


def test_in_a_rolling_deploy_an_old_process_neither_deletes_nor_resurrects(server, store):
    deploy(store, "old", "kept", "dropped")
    assert deploy(store, "new", "kept", "added") == (Standing.COUNTS, {Outcome.CHANGED, Outcome.NEW})
    before = but_signs_of_life(server.snapshot())

    assert deploy(store, "old", "kept", "dropped") == (Standing.FOLLOWS, {Outcome.STALE})

    assert but_signs_of_life(server.snapshot()) == before
    assert sorted(store.run(entries.names(NS))) == ["added", "kept"]


def test_after_a_roll_back_the_older_schedule_stands_again(server, store):
    deploy(store, "old", "kept", "dropped")
    deploy(store, "new", "kept", "added")
    assert deploy(store, "old", "kept", "dropped")[0] is Standing.FOLLOWS
    die(server, "new")

    assert deploy(store, "old", "kept", "dropped") == (Standing.COUNTS, {Outcome.CHANGED, Outcome.NEW})

    assert sorted(store.run(entries.names(NS))) == ["dropped", "kept"]


def test_a_process_that_was_overtaken_between_two_steps_of_its_start_leaves_no_trace(store):
    deploy(store, "old", "kept")
    slow = enter(store, "slow")
    store.run(entries.define(NS, [Definition("slow's", "1", "1", b"{}")], origin=CODE, digest="slow"))

    deploy(store, "new", "kept", "added")
    late = store.run(entries.define(NS, [Definition("late", "1", "1", b"{}")], origin=CODE, digest="slow"))
    removed = store.run(entries.remove(NS, ["kept", "added"], origin=CODE, digest="slow", number=slow.number))

    assert late.results == (Outcome.STALE,)
    assert removed == (False, False)
    assert sorted(store.run(entries.names(NS))) == ["added", "kept"]


# --- polling ---------------------------------------------------------------------------


def test_a_poll_tells_the_time_the_changes_and_whose_code_counts(server, store):
    deploy(store, "a", "report")
    version = int(server.client.get(keys.periodic_version(NS)))
    seconds, microseconds = server.client.time()

    found = store.run(periodic.poll(NS, "b"))

    assert 0 <= found.now - (seconds + microseconds / 1e6) + 0.001 < 5
    assert (found.version, found.is_current, found.current) == (version, False, "a")


def test_a_poll_shows_that_its_code_lives_and_writes_nothing_else(server, store):
    deploy(store, "a", "report")
    server.client.pexpire(keys.periodic_alive(NS, "a"), 5_000)
    before = server.snapshot()

    store.run(periodic.poll(NS, "a"))

    assert server.snapshot() == before
    assert server.client.pttl(keys.periodic_alive(NS, "a")) > 40_000
    die(server, "a")
    store.run(periodic.poll(NS, "a"))
    assert server.snapshot() == before


def test_a_poll_of_a_store_that_has_lost_its_data_says_so(server, store):
    deploy(store, "a", "report")
    server.flush()

    assert store.run(periodic.poll(NS, "a"))[1:] == (0, False, "")


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_server_lets_a_clock_enter_and_show_that_it_lives(private_server, kind):
    server = private_server(kind)
    store = Store(server.url)
    enter(store, "a")
    die(server, "a")
    server.client.config_set("maxmemory", 1)

    assert store.run(periodic.poll(NS, "a")).is_current
    assert server.exists(keys.periodic_alive(NS, "a"))
    assert enter(store, "b") == (Standing.COUNTS, 2, "b")
    assert enter(store, "a") == (Standing.FOLLOWS, 2, "b")
    store.close()
