"""Entries are removed, paused and resumed by whoever may, also on a full server, and no clock goes on as if nothing had been."""

from __future__ import annotations

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.schedule.ticks import text
from mainspring.store import entries, keys, periodic
from mainspring.store.connection import Store
from mainspring.store.entries import ANY, CODE, Definition, Outcome, Pause
from mainspring.store.periodic import Claim, Ended
from servers import KINDS
from store.office import HOURLY, NS, REPORT, claim, define, enter, entry, newest


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


# --- removing ------------------------------------------------------------------------

OWNERS = (CODE, "api", "sync:staff")


@pytest.mark.parametrize("owner", OWNERS)
@pytest.mark.parametrize("remover", [*OWNERS, ANY, "sync:rooms"])
def test_an_entry_is_removed_by_its_own_origin_or_by_all_but_the_code(server, store, owner, remover):
    enter(store, "old")
    define(store, REPORT, origin=owner, digest="old")
    number = enter(store, "new")
    before = server.snapshot()

    removed = store.run(entries.remove(NS, ["report"], origin=remover, digest="new", number=number))

    may = remover == owner or (remover == ANY and owner != CODE)
    assert removed == (may,)
    assert (server.snapshot() == before) is not may
    assert server.exists(keys.periodic_entry(NS, "report")) is not may


def test_a_removed_entry_leaves_nothing_but_a_new_version(server, store):
    now = define(store, REPORT, Definition("sweep", "1", "1", b"{}")).now
    claim(store, now)
    store.run(periodic.note_ends(f"{NS}:report", [Ended(now, "ok", "a")]))
    assert server.exists(keys.periodic_history(NS, "report"))
    assert server.exists(keys.periodic_outcomes(NS, "report"))
    version = newest(server)

    assert store.run(entries.remove(NS, ["report", "nobody", "sweep"], origin="api")) == (True, False, True)

    assert server.keys() == {keys.periodic_version(NS), keys.queue("default"), keys.QUEUES}
    assert newest(server) > version
    after = server.snapshot()
    assert store.run(entries.remove(NS, ["report", "nobody", "sweep"], origin="api")) == (False, False, False)
    assert server.snapshot() == after


def test_five_hundred_entries_are_removed_in_one_call(server, store):
    many = [Definition(f"entry {number}", "1", "1", b"{}") for number in range(entries.MOST)]
    define(store, *many)

    assert all(store.run(entries.remove(NS, [each.name for each in many], origin="api")))

    assert server.keys() == {keys.periodic_version(NS)}


def test_code_that_counts_no_more_removes_nothing(server, store):
    enter(store, "old")
    define(store, REPORT, origin=CODE, digest="old")
    number = enter(store, "new")
    before = server.snapshot()

    assert store.run(entries.remove(NS, ["report"], origin=CODE, digest="old", number=number + 1)) == (False,)

    assert server.snapshot() == before


def test_what_later_code_has_defined_is_not_removed_by_a_clock_that_has_an_older_number(server, store):
    first = enter(store, "a")
    enter(store, "b")
    define(store, REPORT, origin=CODE, digest="b")
    # The first code counts again, for no clock of the second is left; a clock of its first time comes late.
    server.client.delete(keys.periodic_alive(NS, "b"))
    third = enter(store, "a")
    before = server.snapshot()

    assert store.run(entries.remove(NS, ["report"], origin=CODE, digest="a", number=first)) == (False,)
    assert server.snapshot() == before
    assert store.run(entries.remove(NS, ["report"], origin=CODE, digest="a", number=third)) == (True,)


def test_an_entry_that_is_defined_anew_after_its_removal_has_missed_nothing(store):
    first = define(store, REPORT).now
    store.run(entries.remove(NS, ["report"], origin="api"))

    second = define(store, REPORT)

    assert second.results == (Outcome.NEW,)
    assert claim(store, second.now - 0.001) is Claim.TAKEN
    assert second.now >= first


# --- pausing -------------------------------------------------------------------------


def test_a_paused_entry_runs_nothing_and_what_came_due_meanwhile_stays_undone(server, store):
    now = define(store, REPORT).now

    assert store.run(entries.pause(NS, "report")) is Pause.CHANGED
    assert claim(store, now) is Claim.PAUSED
    assert store.run(entries.resume(NS, "report")) is Pause.CHANGED

    assert claim(store, now) is Claim.TAKEN
    (found,) = store.run(entries.read(NS, ["report"]))[1]
    assert found.paused is None
    assert found.since >= now
    assert claim(store, found.since) is Claim.TAKEN
    assert found.anchor == now


def test_a_pause_says_since_when_and_every_clock_is_told(server, store):
    define(store, REPORT)
    before, version = entry(server), newest(server)

    store.run(entries.pause(NS, "report"))

    now, (found,) = store.run(entries.read(NS, ["report"]))
    assert found.since <= found.paused <= now
    assert entry(server) == before | {b"paused": text(found.paused).encode()}
    assert store.run(entries.changed(NS, version)) == ["report"]


@pytest.mark.parametrize("verbs", [(entries.pause,), (entries.pause, entries.resume)])
def test_a_wish_that_is_sent_again_writes_nothing(server, store, verbs):
    define(store, REPORT)
    for verb in verbs:
        store.run(verb(NS, "report"))
    before = server.snapshot()

    assert store.run(verbs[-1](NS, "report")) is Pause.SAME

    assert server.snapshot() == before


@pytest.mark.parametrize("verb", [entries.pause, entries.resume])
def test_an_entry_that_nobody_has_defined_cannot_be_paused_or_resumed(server, store, verb):
    assert store.run(verb(NS, "report")) is Pause.UNKNOWN
    assert server.snapshot() == {}


# --- full, and of the wrong kind -------------------------------------------------------


@pytest.fixture(params=KINDS)
def full(request, private_server):
    """A server that is full, and holds two entries."""
    server = private_server(request.param)
    store = Store(server.url)
    define(store, REPORT, Definition("sweep", "1", "1", b"{}"))
    enter(store, "code")
    server.client.config_set("maxmemory", 1)
    yield server, store
    server.client.config_set("maxmemory", 0)
    store.close()


def test_a_full_server_refuses_what_is_new_or_changed_and_writes_nothing(full):
    server, store = full
    before = server.snapshot()

    for definition in (HOURLY, Definition("fresh", "1", "1", b"{}")):
        with pytest.raises(StoreRefused, match="full"):
            define(store, definition)

    assert server.snapshot() == before
    assert define(store, REPORT).results == (Outcome.SAME,)


def test_a_full_server_lets_entries_be_read_paused_resumed_and_removed(full):
    server, store = full
    told = [newest(server)]

    assert store.run(entries.pause(NS, "report")) is Pause.CHANGED
    told.append(newest(server))
    assert store.run(entries.resume(NS, "report")) is Pause.CHANGED
    told.append(newest(server))
    assert store.run(entries.remove(NS, ["sweep"], origin="api")) == (True,)
    told.append(newest(server))

    _, (report, sweep) = store.run(entries.read(NS, ["report", "sweep"]))
    assert report.paused is None
    assert sweep is None
    assert sorted(set(told)) == told


@pytest.mark.parametrize("key", [keys.periodic_names, keys.periodic_version])
@pytest.mark.parametrize("verb", ["define", "remove", "pause"])
def test_a_key_of_another_kind_is_refused_before_anything_is_written(server, store, key, verb):
    call = {
        "define": entries.define(NS, [HOURLY], origin="api"),
        "remove": entries.remove(NS, ["report"], origin="api"),
        "pause": entries.pause(NS, "report"),
    }[verb]
    define(store, REPORT)
    server.client.delete(key(NS))
    server.client.hset(key(NS), "somebody", "else's")
    before = server.snapshot()

    with pytest.raises(StoreRefused, match="wrong kind of value"):
        store.run(call)

    assert server.snapshot() == before
