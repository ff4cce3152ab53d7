"""An entry is defined by those it belongs to, and however often it changes, what has run of it is never forgotten."""

from __future__ import annotations

import threading

import pytest

from mainspring.schedule.ticks import text
from mainspring.store import entries, keys, periodic
from mainspring.store.connection import Store
from mainspring.store.entries import CODE, Definition, Outcome
from mainspring.store.periodic import Claim
from store.office import HOURLY, NS, REPORT, REWORDED, claim, define, enter, entry, newest, versions
from support import until


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


# --- defining ----------------------------------------------------------------------


def test_a_new_entry_counts_from_the_instant_at_which_it_is_stored(server, store):
    defined = define(store, REPORT)

    assert defined.results == (Outcome.NEW,)
    assert entry(server) == {
        b"def": REPORT.record,
        b"stamp": b"stamp-1",
        b"when": b"daily",
        b"origin": b"api",
        b"anchor": text(defined.now).encode(),
        b"since": text(defined.now - 0.001).encode(),
    }
    assert newest(server) == round(defined.now * 1000)
    assert versions(server) == {b"report": 1}
    assert server.keys() == {
        keys.periodic_entry(NS, "report"),
        keys.periodic_names(NS),
        keys.periodic_version(NS),
    }


def test_the_first_tick_of_a_new_entry_may_be_its_anchor_and_none_before(store):
    now = define(store, REPORT).now

    assert claim(store, now - 0.001) is Claim.TAKEN
    assert claim(store, now) is Claim.WON


def test_an_entry_may_begin_paused_and_that_is_said_once(server, store):
    paused = Definition("report", "stamp-1", "daily", b"{}", paused=True)
    now = define(store, paused).now
    assert entry(server)[b"paused"] == text(now).encode()

    store.run(entries.resume(NS, "report"))
    define(store, Definition("report", "stamp-2", "hourly", b"{}", paused=True))

    assert b"paused" not in entry(server)


@pytest.mark.parametrize("origin", ["api", CODE])
def test_the_same_definition_sent_again_writes_nothing(server, store, origin):
    digest = "new" if origin == CODE and enter(store, "new") else ""
    define(store, REPORT, HOURLY, origin=origin, digest=digest)
    before = server.snapshot()

    again = [define(store, HOURLY, origin=origin, digest=digest).results for _ in range(2)]

    assert again == [(Outcome.SAME,), (Outcome.SAME,)]
    assert server.snapshot() == before


@pytest.mark.parametrize(("change", "counts_anew"), [(REWORDED, False), (HOURLY, True)])
def test_a_change_keeps_anchor_newest_tick_and_pause_and_counts_anew_if_it_is_due_otherwise(
    server, store, change, counts_anew
):
    anchor = define(store, REPORT).now
    claim(store, anchor)
    store.run(entries.pause(NS, "report"))
    before, version = entry(server), newest(server)

    changed = define(store, change)

    assert changed.results == (Outcome.CHANGED,)
    since = text(changed.now).encode() if counts_anew else before[b"since"]
    assert entry(server) == before | {
        b"def": change.record,
        b"stamp": change.stamp.encode(),
        b"when": change.when.encode(),
        b"since": since,
    }
    assert version < newest(server) == server.client.zscore(keys.periodic_names(NS), "report")


def test_what_one_call_changes_has_one_version_and_what_it_leaves_keeps_its_own(server, store):
    define(store, REPORT, Definition("sweep", "1", "1", b"{}"))
    first = newest(server)

    results = define(store, HOURLY, Definition("sweep", "1", "1", b"{}"), Definition("fresh", "1", "1", b"{}")).results

    assert results == (Outcome.CHANGED, Outcome.SAME, Outcome.NEW)
    assert versions(server) == {b"sweep": 1, b"report": 2, b"fresh": 2}
    assert sorted(store.run(entries.changed(NS, first))) == ["fresh", "report"]
    assert store.run(entries.changed(NS, newest(server))) == []
    assert store.run(entries.names(NS))[0] == "sweep"
    assert store.run(entries.count(NS)) == 3


def test_five_hundred_entries_with_the_longest_names_are_defined_in_one_call(server, store):
    many = [Definition(f"{number:03d}" + "ü" * 126, "1", "1", b"{}") for number in range(entries.MOST)]

    assert define(store, *many).results == (Outcome.NEW,) * entries.MOST

    assert len(many[0].name.encode()) == 255
    assert sorted(store.run(entries.names(NS))) == [each.name for each in many]
    _, found = store.run(entries.read(NS, [each.name for each in many]))
    assert [each.name for each in found] == [each.name for each in many]
    assert set(versions(server).values()) == {1}


def test_entries_beyond_the_limit_are_refused_one_by_one_and_known_ones_may_still_change(server, store):
    fresh = [Definition(name, "1", "1", b"{}") for name in ("a", "b", "c")]
    define(store, REPORT)

    defined = define(store, *fresh, HOURLY, limit=3)

    assert defined.results == (Outcome.NEW, Outcome.NEW, Outcome.TOO_MANY, Outcome.CHANGED)
    assert set(versions(server)) == {b"report", b"a", b"b"}
    assert not server.exists(keys.periodic_entry(NS, "c"))


def test_eight_who_define_the_same_at_once_store_each_entry_once(server):
    many = [Definition(f"{number}", "1", "1", b"{}") for number in range(200)]
    results, start = [], threading.Barrier(8)

    def one():
        store = Store(server.url)
        start.wait()
        for at in range(0, 200, 20):
            results.extend(define(store, *many[at : at + 20]).results)
        store.close()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert results.count(Outcome.NEW) == 200
    assert results.count(Outcome.SAME) == 7 * 200
    assert len(set(versions(server).values())) == 10


def test_changes_within_one_millisecond_have_versions_of_their_own(server, store):
    server.client.set(keys.periodic_version(NS), 4_000_000_000_000)

    for number in range(3):
        define(store, Definition("report", f"{number}", "1", b"{}"))

    assert newest(server) == 4_000_000_000_003


def test_a_clock_that_slept_through_a_loss_of_all_data_sees_that_entries_have_changed(server, store):
    define(store, REPORT)
    known = newest(server)
    server.flush()
    until(lambda: store.run(periodic.server_time()) * 1000 > known + 1)

    define(store, REPORT)

    assert store.run(entries.changed(NS, known)) == ["report"]
    assert store.run(periodic.poll(NS, "code")).version > known


# --- whose it is ---------------------------------------------------------------------


def test_only_the_code_that_counts_defines_entries_of_the_code(server, store):
    enter(store, "old")
    define(store, REPORT, origin=CODE, digest="old")
    enter(store, "new")
    before = server.snapshot()

    defined = define(store, HOURLY, Definition("gone", "1", "1", b"{}"), origin=CODE, digest="old")

    assert defined.results == (Outcome.STALE, Outcome.STALE)
    assert server.snapshot() == before


def test_an_unchanged_entry_of_newer_code_gets_its_number_and_no_clock_need_look(server, store):
    enter(store, "old")
    define(store, REPORT, origin=CODE, digest="old")
    before, version = entry(server), newest(server)
    number = enter(store, "new")

    assert define(store, REPORT, origin=CODE, digest="new").results == (Outcome.SAME,)

    assert entry(server) == before | {b"gen": b"%d" % number}
    assert newest(server) == version


@pytest.mark.parametrize("origin", ["api", "sync:staff", "file:schedule.toml"])
def test_the_code_takes_over_any_entry_and_gives_none_away(server, store, origin):
    anchor = define(store, REPORT, origin=origin).now
    number = enter(store, "new")

    assert define(store, REPORT, origin=CODE, digest="new").results == (Outcome.CHANGED,)
    after = server.snapshot()

    assert entry(server)[b"origin"] == b"code"
    assert entry(server)[b"gen"] == b"%d" % number
    assert entry(server)[b"anchor"] == text(anchor).encode()
    assert define(store, HOURLY, origin=origin).results == (Outcome.OF_CODE,)
    assert server.snapshot() == after


def test_entries_of_other_origins_are_taken_over_from_each_other(server, store):
    define(store, REPORT, origin="sync:staff")

    assert define(store, REPORT, origin="api").results == (Outcome.CHANGED,)

    assert entry(server)[b"origin"] == b"api"


# --- reading -------------------------------------------------------------------------


def test_entries_are_read_in_the_order_asked_with_nothing_for_those_there_are_not(store):
    number = enter(store, "code")
    defined = define(store, REPORT, origin=CODE, digest="code")
    define(store, Definition("sweep", "1", "1", b"{}", paused=True))
    claim(store, defined.now)

    now, (sweep, nobody, report) = store.run(entries.read(NS, ["sweep", "nobody", "report"]))

    assert nobody is None
    assert (sweep.name, sweep.origin, sweep.gen, sweep.last) == ("sweep", "api", 0, None)
    assert sweep.paused == sweep.anchor
    assert report == entries.Stored(
        name="report",
        definition=REPORT.record,
        stamp="stamp-1",
        when="daily",
        origin=CODE,
        gen=number,
        anchor=defined.now,
        since=report.since,
        last=defined.now,
        paused=None,
        runs=(),
    )
    assert now >= defined.now


def test_what_a_stranger_wrote_into_an_entry_can_be_read_and_counts_as_nothing_but_for_a_pause(server, store):
    define(store, REPORT)
    nonsense = dict.fromkeys(("gen", "anchor", "since", "last", "paused", "origin"), b"\xffnonsense")
    server.client.hset(keys.periodic_entry(NS, "report"), mapping=nonsense)
    server.client.hset(keys.periodic_entry(NS, "empty"), "colour", "red")

    _, (found, empty) = store.run(entries.read(NS, ["report", "empty"]))

    assert empty is None
    assert (found.gen, found.anchor, found.since, found.last, found.paused) == (0, 0.0, 0.0, None, 0.0)
    assert found.definition == REPORT.record


def test_two_namespaces_do_not_know_each_other(server, store):
    store.run(entries.define("", [REPORT], origin="api"))
    before = server.snapshot()

    store.run(entries.define("other", [HOURLY], origin="api"))
    store.run(entries.pause("other", "report"))
    store.run(entries.remove("other", ["report"], origin="api"))

    assert {key: value for key, value in server.snapshot().items() if ":other:" not in key} == before
    assert store.run(entries.names("other")) == []
    assert store.run(entries.names("")) == ["report"]
