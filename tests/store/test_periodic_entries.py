"""An entry changes by the hand of those it belongs to, and whatever they do, what has run of it is never forgotten."""

from __future__ import annotations

import threading

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.schedule.ticks import text
from mainspring.store import entries, keys, periodic
from mainspring.store.connection import Store
from mainspring.store.entries import ANY, CODE, Definition, Outcome, Pause
from mainspring.store.periodic import Attempt, Claim, TickJob
from servers import KINDS
from support import until

NS = "office"
REPORT = Definition("report", "stamp-1", "daily", b'{"job":"report"}')
#: The same as it is due by another rule, and with other arguments only.
HOURLY = Definition("report", "stamp-2", "hourly", b'{"job":"report","every":"1h"}')
REWORDED = Definition("report", "stamp-3", "daily", b'{"job":"report","args":[1]}')


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def entry(server, name="report"):
    return server.client.hgetall(keys.periodic_entry(NS, name))


def versions(server):
    """Return the place of each entry's version in the order of all."""
    found = dict(server.client.zrange(keys.periodic_names(NS), 0, -1, withscores=True))
    order = sorted({*found.values(), newest(server)})
    return {name: order.index(version) + 1 for name, version in found.items()}


def newest(server):
    return int(server.client.get(keys.periodic_version(NS)) or 0)


def define(store, *definitions, origin="api", **options):
    return store.run(entries.define(NS, definitions, origin=origin, **options))


def enter(store, digest):
    """Let *digest* count, whatever counted before, and return its number."""
    entered = store.run(periodic.enter(NS, digest, store.run(periodic.current_code(NS))))
    assert entered.current == digest
    return entered.number


def claim(store, tick, stamp="stamp-1"):
    job = TickJob("default", b"job")
    return store.run(periodic.claim_tick(NS, Attempt("report", stamp, text(tick), tick, job, b'{"kind":"scheduled"}')))


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
    assert server.exists(keys.periodic_history(NS, "report"))
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


def test_what_a_stranger_wrote_into_an_entry_can_be_read_and_counts_as_nothing(server, store):
    define(store, REPORT)
    nonsense = dict.fromkeys(("gen", "anchor", "since", "last", "paused", "origin"), b"\xffnonsense")
    server.client.hset(keys.periodic_entry(NS, "report"), mapping=nonsense)
    server.client.hset(keys.periodic_entry(NS, "empty"), "colour", "red")

    _, (found, empty) = store.run(entries.read(NS, ["report", "empty"]))

    assert empty is None
    assert (found.gen, found.anchor, found.since, found.last, found.paused) == (0, 0.0, 0.0, None, None)
    assert found.definition == REPORT.record


# --- apart, full, and of the wrong kind ------------------------------------------------


def test_two_namespaces_do_not_know_each_other(server, store):
    store.run(entries.define("", [REPORT], origin="api"))
    before = server.snapshot()

    store.run(entries.define("other", [HOURLY], origin="api"))
    store.run(entries.pause("other", "report"))
    store.run(entries.remove("other", ["report"], origin="api"))

    assert {key: value for key, value in server.snapshot().items() if ":other:" not in key} == before
    assert store.run(entries.names("other")) == []
    assert store.run(entries.names("")) == ["report"]


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
