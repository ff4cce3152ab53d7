"""Entries of the store appear, change, stop and vanish on all clocks, and one that cannot be read is nobody's trouble."""

from __future__ import annotations

import pytest

from clock.stored import anchor, drained, entry, jobs, names, ran, said
from mainspring.store import entries, keys
from mainspring.store.entries import Definition
from support import until


def put(server, watched, name, period="1h", *, origin="api", **options):
    """Define an entry from outside of code, as an App that has none does."""
    made = watched.office.schedule.every_entry(period, "sweep", name=name, **options)
    return watched.office.store.run(entries.define("", [watched.office.definition(made)], origin=origin))


def put_raw(watched, name, definition, stamp="stamp"):
    watched.office.store.run(entries.define("", [Definition(name, stamp, "when", definition)], origin="api"))


def remove(watched, name):
    assert watched.office.store.run(entries.remove("", [name], origin="api")) == (True,)


def served(watched):
    return set(watched.clock._dial._hands)


@pytest.fixture
def both(server, clocks):
    """Return two clocks that have begun, and have no entries."""
    made = [clocks(server.url) for _ in range(2)]
    for watched in made:
        assert watched.step() == []
    return made


# --- appearing, changing, vanishing -----------------------------------------------------------


def test_entries_appear_change_and_vanish_on_two_clocks_without_a_restart(server, both):
    one, two = both

    put(server, one, "sweep", args=[1])
    put(server, one, "other")
    first = [{tick.entry: tick.won for tick in watched.poll()} for watched in both]
    put(server, two, "sweep", "1h", args=[2])
    put(server, two, "other", "30m")
    assert [watched.poll() for watched in both] == [[], []]
    assert [watched.clock._dial.get("sweep").entry.args for watched in both] == [(2,), (2,)]
    assert [watched.clock._dial.get("other").tick for watched in both] == [anchor(server, "other") + 1800] * 2
    remove(one, "sweep")

    assert [watched.poll() for watched in both] == [[], []]
    assert [served(watched) for watched in both] == [{"other"}, {"other"}]
    assert first == [{"sweep": True, "other": True}, {}]
    assert len(jobs(server)) == 2


def test_an_entry_is_served_by_all_clocks_within_two_seconds(server, clocks):
    both = [clocks(server.url).start() for _ in range(2)]
    for watched in both:
        watched.became("watching")

    put(server, both[0], "sweep", "0.5s")

    # Each clock meets each tick, whoever enqueues it.
    assert {watched.next()[0].at for watched in both} <= {anchor(server, "sweep") + n * 0.5 for n in range(4)}


def test_a_change_costs_a_clock_what_has_changed_and_is_read_once(server, both):
    one, two = both
    for n in range(3):
        put(server, one, f"sweep-{n}")
    two.poll()
    store, run, pipeline, asked = two.office.store, two.office.store.run, two.office.store.pipeline, []
    store.run = lambda command: asked.append((command.name, len(command.keys))) or run(command)
    store.pipeline = lambda commands: asked.extend((c.name, len(c.keys)) for c in commands) or pipeline(commands)

    put(server, one, "sweep-1", args=[1])
    two.poll()
    two.poll()

    assert asked == [
        ("periodic_poll", 3),
        ("ZRANGEBYSCORE", 1),
        ("ZCARD", 1),
        ("periodic_read", 1),
        ("periodic_poll", 3),
    ]


def test_an_entry_that_is_taken_away_and_defined_again_is_new(server, both):
    one, _ = both
    put(server, one, "sweep")
    one.poll()
    before = anchor(server, "sweep")

    remove(one, "sweep")
    put(server, one, "sweep")

    assert [tick.entry for tick in one.poll()] == ["sweep"]
    assert anchor(server, "sweep") > before
    assert said(server, "sweep") == ["scheduled"]


def test_one_that_goes_while_another_comes_is_noticed(server, both):
    one, two = both
    put(server, one, "a")
    one.poll()
    two.poll()

    remove(one, "a")
    put(server, one, "b")

    one.poll()
    two.poll()
    assert [served(watched) for watched in both] == [{"b"}, {"b"}]


def test_an_entry_that_comes_and_goes_between_two_looks_is_none(server, both):
    one, _ = both
    put(server, one, "a")
    remove(one, "a")

    assert one.poll() == []
    assert served(one) == set()
    put(server, one, "b")
    assert [tick.entry for tick in one.poll()] == ["b"]


def test_an_entry_that_vanishes_while_its_tick_is_being_claimed_runs_no_more(server, clocks):
    watched = clocks(server.url)
    put(server, watched, "sweep")
    build = watched.office.tick_payload

    def tick_payload(*args, **options):
        remove(watched, "sweep")
        return build(*args, **options)

    watched.office.tick_payload = tick_payload

    assert watched.step() == []
    assert served(watched) == set()
    assert not jobs(server)
    assert names(server) == set()


def test_an_entry_that_changes_while_its_tick_is_being_claimed_runs_as_it_is_now(server, clocks):
    watched = clocks(server.url)
    put(server, watched, "sweep", args=["old"])
    build = watched.office.tick_payload

    def tick_payload(*args, **options):
        watched.office.tick_payload = build
        put(server, watched, "sweep", args=["new"])
        return build(*args, **options)

    watched.office.tick_payload = tick_payload

    assert [tick.won for tick in watched.step()] == [True]
    assert [job["args"] for job in jobs(server)] == [["new"]]
    assert watched.poll() == []


def test_what_was_read_of_entries_that_are_gone_is_forgotten(server, both):
    one, _ = both
    for n in range(5):
        put(server, one, f"once-{n}")
        one.poll()
        remove(one, f"once-{n}")
        one.poll()

    assert one.book._read == {}


# --- pausing ---------------------------------------------------------------------------------


def test_a_paused_entry_runs_nothing_and_has_missed_nothing_when_it_goes_on(server, clocks):
    watched = clocks(server.url, lambda s: (s.every("0.2s", "sweep"), s.every("0.2s", "marker"))).start()
    watched.next(6)

    watched.office.store.run(entries.pause("", "sweep"))
    paused, before = entry(server, "sweep"), said(server, "sweep")
    until(lambda: watched.next()[0].at > float(paused["paused"]) + 2)
    assert {tick.entry for tick in watched.next(3)} == {"marker"}
    assert (entry(server, "sweep"), said(server, "sweep")) == (paused, before)

    drained(server)
    watched.office.store.run(entries.resume("", "sweep"))
    until(lambda: any(job["class"] == "sweep" for job in jobs(server)))
    first = next(job["periodic"]["tick"] for job in jobs(server) if job["class"] == "sweep")
    # It keeps its phase, and what came due before it was resumed is not made up for.
    assert first > float(entry(server, "sweep")["since"]) > float(paused["paused"]) + 2
    assert round((first - anchor(server, "sweep")) / 0.2, 6).is_integer()
    assert "missed" not in said(server, "sweep")


def test_a_tick_that_comes_due_in_the_second_before_the_pause_is_noticed_is_refused(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "sweep"))
    ran(server, watched, 70 * 60)
    watched.clock._look()

    watched.office.store.run(entries.pause("", "sweep"))

    assert watched.step() == []
    assert served(watched) == set()
    assert said(server, "sweep") == []
    watched.office.store.run(entries.resume("", "sweep"))
    assert watched.poll() == []
    assert served(watched) == {"sweep"}


def test_a_clock_that_begins_passes_over_a_paused_entry(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "sweep"))
    ran(server, watched, 70 * 60)
    watched.office.store.run(entries.pause("", "sweep"))

    assert watched.step() == []
    assert served(watched) == set()


# --- what cannot be read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "definition",
    [
        b"",
        b"garbage",
        b"[]",
        b"null",
        b"{}",
        b'{"job":"a"}',
        b'{"job":"a","every":"soon"}',
        b'{"job":"a","every":-1}',
        b'{"job":"a","every":60,"cron":"* * * * *"}',
        b'{"job":"a","cron":"* * * * * * * *"}',
        b'{"job":"a","every":60,"missed":"newer-policy"}',
        b'{"job":"a","every":60,"start":1e18}',
        b'{"job":"a","every":60,"tz":"Mars/Olympus"}',
        b'{"job":["a"],"every":60}',
        b"[" * 100_000,
    ],
)
def test_an_entry_that_this_release_cannot_read_is_told_once_and_stops_no_other(server, clocks, caplog, definition):
    watched = clocks(server.url, lambda s: s.every("1h", "code"))
    put_raw(watched, "odd", definition)
    put(server, watched, "fine")

    settled = watched.step()
    watched.clock._must_look = True
    watched.step()
    put(server, watched, "later")
    settled += watched.poll()

    assert {tick.entry for tick in settled} == {"code", "fine", "later"}
    assert len(watched.office.errors()) == 1
    (record,) = [record for record in caplog.records if record.event == "clock.unreadable"]
    assert record.facts["entry"] == "odd"


def test_an_entry_that_can_be_read_again_is_served(server, clocks):
    watched = clocks(server.url)
    put_raw(watched, "odd", b"garbage")
    watched.step()

    put(server, watched, "odd")
    watched.poll()

    assert served(watched) == {"odd"}


def test_a_rule_that_raises_stops_no_other_entry(server, clocks):
    watched = clocks(server.url, lambda s: (s.every("1h", "odd"), s.every("1h", "fine")))

    class Odd:
        def anchored(self, anchor):
            return self

        def after(self, t):
            raise ZeroDivisionError

    object.__setattr__(watched.office.schedule["odd"], "rule", Odd())

    assert [tick.entry for tick in watched.step()] == ["fine"]
    (error,) = watched.office.errors()
    assert isinstance(error, ZeroDivisionError)


def test_a_rule_that_raises_later_stops_no_other_entry_either(server, clocks):
    watched = clocks(server.url, lambda s: (s.every("0.1s", "odd"), s.every("0.1s", "fine")))
    watched.start()
    until(lambda: {tick.entry for tick in watched.next(2)} == {"odd", "fine"})

    class Odd:
        def after(self, t):
            raise ZeroDivisionError

        def anchored(self, anchor):
            return self

    watched.clock._dial.get("odd").rule = Odd()
    object.__setattr__(watched.office.schedule["odd"], "rule", Odd())

    until(lambda: {tick.entry for tick in watched.next(5)} == {"fine"})
    assert isinstance(watched.office.failed.get(timeout=15), ZeroDivisionError)


@pytest.mark.parametrize("field", ["anchor", "since", "last", "paused", "runs"])
@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "-5", "1e300", " a  b "])
def test_what_a_stranger_wrote_into_an_entry_stops_no_other(server, clocks, field, value):
    watched = clocks(server.url, lambda s: s.every("1h", "odd", overlap="skip"))
    put(server, watched, "fine")
    ran(server, watched, 70 * 60)
    server.client.hset(keys.periodic_entry("", "odd"), field, value)

    settled = watched.step()

    assert "fine" in {tick.entry for tick in settled}
    assert watched.office.errors() == []
    assert watched.poll() == []


def test_a_name_without_an_entry_is_none(server, clocks):
    watched = clocks(server.url)
    put(server, watched, "fine")
    server.client.zadd(keys.periodic_names(""), {"ghost": 1})

    assert [tick.entry for tick in watched.step()] == ["fine"]
    assert served(watched) == {"fine"}
