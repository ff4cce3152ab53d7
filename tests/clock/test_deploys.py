"""In a rolling deploy old and new code live side by side: neither deletes nor resurrects, and what has run does not run again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from clock.stored import entry, jobs, names, nominal, now, ran
from mainspring.schedule import ticks
from mainspring.store import entries, keys
from support import until


def served(watched):
    """Return the names of the entries that a clock serves."""
    return set(watched.clock._dial._hands)


def stamp(watched, name):
    return watched.office.definition(watched.office.schedule[name]).stamp


def old_code(schedule):
    schedule.every("1h", "same")
    schedule.every("1h", "changed", args=["old"])
    schedule.every("1h", "dropped")


def new_code(schedule):
    schedule.every("1h", "same")
    schedule.every("1h", "changed", args=["new"])
    schedule.every("1h", "added")


@pytest.fixture
def deploy(server, clocks):
    """Return clocks of the old code and of the new, the old one being there when the new one comes."""
    old = clocks(server.url, old_code, alive_ms=60_000)
    old.step()
    new = clocks(server.url, new_code, alive_ms=60_000)
    new.step()
    old.poll()
    return old, new


# --- side by side --------------------------------------------------------------------------


def test_new_code_defines_what_is_new_and_removes_what_is_gone(server, deploy, caplog):
    _, new = deploy

    assert names(server) == served(new) == {"same", "changed", "added"}
    assert entry(server, "changed")["stamp"] == stamp(new, "changed")
    assert not server.exists(keys.periodic_history("", "dropped"))
    (record,) = [record for record in caplog.get_records("setup") if record.event == "clock.removed"]
    assert record.facts == {"entry": "dropped"}


def test_the_old_code_serves_what_both_have_alike_and_nothing_else(server, deploy):
    old, _ = deploy

    assert served(old) == {"same"}


def test_an_old_process_that_starts_again_follows_and_changes_nothing(server, clocks, deploy, caplog):
    _, new = deploy
    before = server.snapshot()
    caplog.set_level("INFO", logger="mainspring.clock")

    again, asked = clocks(server.url, old_code), []
    store, pipeline = again.office.store, again.office.store.pipeline
    store.pipeline = lambda commands: asked.extend(command.name for command in commands) or pipeline(commands)
    settled = again.step()

    assert settled == []
    assert set(asked) == {"periodic_read"}
    assert served(again) == {"same"}
    # But for its sign of life.
    assert {key: value for key, value in server.snapshot().items() if "alive" not in key} == {
        key: value for key, value in before.items() if "alive" not in key
    }
    assert [record.facts for record in caplog.records if record.event == "clock.watching"][-1] == {
        "entries": 1,
        "is_current": False,
    }
    assert again.enter() == []
    assert new.poll() == []
    assert served(new) == {"same", "changed", "added"}


def test_an_old_clock_that_lost_sight_of_the_store_follows_when_it_is_back(server, deploy):
    old, _ = deploy
    old.clock._must_look = True

    old.step()

    assert served(old) == {"same"}
    assert names(server) == {"same", "changed", "added"}


def test_what_both_have_is_enqueued_once_by_either(server, clocks):
    def define(schedule):
        schedule.every("0.2s", "sweep")

    old = clocks(server.url, lambda s: (define(s), s.every("1h", "old"))).start()
    old.next(3)
    new = clocks(server.url, lambda s: (define(s), s.every("1h", "new"))).start()
    new.next(12)

    assert old.clock.stop()
    assert new.clock.stop()
    found = [job["periodic"]["tick"] for job in jobs(server) if job["class"] == "sweep"]
    assert {round(b - a, 3) for a, b in pairwise(found)} == {0.2}


def test_a_claim_of_the_old_code_for_what_the_new_has_changed_is_refused(server, clocks):
    old = clocks(server.url, old_code)
    last = ran(server, old, 70 * 60)
    old.clock._look()
    new = clocks(server.url, new_code)
    new.clock._look()

    # It has not asked yet what has changed.
    settled = old.step()

    assert {tick.entry for tick in settled} == {"same"}
    assert {(tick.entry, tick.won) for tick in new.step()} == {("same", False), ("changed", True), ("added", True)}
    assert [job["args"] for job in jobs(server) if job["class"] == "changed"] == [["new"]]
    assert nominal(server)[0] == last + 3600


def test_questions_are_those_of_the_code_that_counts(server, clocks):
    asked = []
    clocks(server.url, lambda s: s.every("1h", "sweep", if_=lambda _: asked.append("old"))).step()
    new = clocks(server.url, lambda s: s.every("1h", "sweep", if_=lambda _: asked.append("new")))

    # A question has a name only, which is the same: both serve it.
    assert new.step() == []
    assert asked == ["old"]
    assert served(new) == {"sweep"}


# --- rollback -------------------------------------------------------------------------------


def rolled_back(server, clocks, *, alive_ms):
    old = clocks(server.url, old_code, alive_ms=60_000)
    old.step()
    new = clocks(server.url, new_code, alive_ms=alive_ms)
    new.step()
    old.poll()
    return old, new


def test_rolled_back_code_counts_again_once_no_clock_of_the_newer_code_lives(server, clocks):
    old, new = rolled_back(server, clocks, alive_ms=100)
    until(lambda: not server.exists(keys.periodic_alive("", new.book._digest)))

    settled = old.enter()

    assert served(old) == names(server) == {"same", "changed", "dropped"}
    assert entry(server, "changed")["stamp"] == stamp(old, "changed")
    # It was deleted with its past, and is new again; the others have run.
    assert [tick.entry for tick in settled] == ["dropped"]


def test_rolled_back_code_waits_as_long_as_a_clock_of_the_newer_code_lives(server, clocks):
    old, new = rolled_back(server, clocks, alive_ms=60_000)

    for _ in range(3):
        assert old.enter() == []
        assert new.poll() == []

    assert names(server) == {"same", "changed", "added"}
    assert served(old) == {"same"}


def test_a_clock_of_the_newer_code_that_was_only_cut_off_counts_no_more_and_follows(server, clocks):
    old, new = rolled_back(server, clocks, alive_ms=100)
    until(lambda: not server.exists(keys.periodic_alive("", new.book._digest)))
    old.enter()

    new.poll()

    assert served(new) == {"same"}
    assert names(server) == {"same", "changed", "dropped"}


def test_releases_that_enter_all_the_time_delay_a_clock_and_do_not_end_it(server, clocks):
    old, new = rolled_back(server, clocks, alive_ms=60_000)
    old.office.lapse(10)
    store, run, entered = old.office.store, old.office.store.run, []

    def interrupted(command):
        if command.name == "periodic_enter":
            entered.append(command)
            server.client.hset(keys.periodic_code(""), "current", f"another-{len(entered)}")
        return run(command)

    store.run = interrupted
    old.clock.step()
    assert old.states.get() == "watching"
    assert old.states.get() == "gone"
    assert len(entered) == 20

    store.run = run
    server.client.hset(keys.periodic_code(""), "current", new.book._digest)
    assert old.enter() == []
    assert old.states.get() == "watching"
    assert served(old) == {"same"}


# --- what a changed entry keeps -------------------------------------------------------------


def test_a_changed_expression_counts_from_now(server, clocks):
    old = clocks(server.url, lambda s: s.every("1h", "sweep", missed="all"))
    last = ran(server, old, 5 * 3600 + 60)

    new = clocks(server.url, lambda s: s.every("30m", "sweep", missed="all"))
    settled = new.step()

    assert settled == []
    found = entry(server, "sweep")
    assert (float(found["anchor"]), float(found["last"])) == (last, last)
    assert now(server) - 10 < float(found["since"]) <= now(server)
    assert new.clock._dial.get("sweep").tick == last + 5 * 3600 + 1800


def test_changed_arguments_change_no_tick_and_run_nothing_again(server, clocks):
    old = clocks(server.url, lambda s: s.every("1h", "sweep", args=["old"]))
    last = ran(server, old, 30 * 60)
    old.step()

    new = clocks(server.url, lambda s: s.every("1h", "sweep", args=["new"]))
    settled = new.step()

    assert settled == []
    assert new.clock._dial.get("sweep").tick == last + 3600
    assert not jobs(server)


def test_what_was_missed_during_a_deploy_runs_with_the_new_arguments(server, clocks):
    old = clocks(server.url, lambda s: s.every("1h", "sweep", args=["old"]))
    last = ran(server, old, 70 * 60)

    new = clocks(server.url, lambda s: s.every("1h", "sweep", args=["new"]))
    new.step()

    assert [(job["args"], job["periodic"]["tick"]) for job in jobs(server)] == [(["new"], last + 3600)]


def test_an_entry_that_is_paused_stays_so_whatever_the_new_code_changes(server, clocks):
    old = clocks(server.url, lambda s: s.every("1h", "sweep"))
    ran(server, old, 70 * 60)
    old.office.store.run(entries.pause("", "sweep"))

    for define in (lambda s: s.every("1h", "sweep", args=[1]), lambda s: s.every("5m", "sweep")):
        new = clocks(server.url, define)
        assert new.step() == []
        assert served(new) == set()

    assert "paused" in entry(server, "sweep")


def test_code_says_only_of_a_new_entry_that_it_begins_paused(server, clocks):
    first = clocks(server.url, lambda s: s.every("1h", "sweep", paused=True))
    assert first.step() == []
    first.office.store.run(entries.resume("", "sweep"))

    assert first.poll() == []
    assert served(first) == {"sweep"}
    again = clocks(server.url, lambda s: s.every("1h", "sweep", paused=True))
    assert again.step() == []
    assert served(again) == {"sweep"}


# --- without code, and against it -------------------------------------------------------------


def test_a_process_without_a_schedule_of_its_own_removes_nothing(server, clocks):
    clocks(server.url, new_code).step()

    nothing = clocks(server.url)

    assert nothing.step() == []
    assert nothing.enter() == []
    assert names(server) == {"same", "changed", "added"}
    assert served(nothing) == set()
    assert nothing.book.is_current


def test_code_takes_over_an_entry_from_elsewhere_and_its_past(server, clocks):
    first = clocks(server.url)
    made = first.office.schedule.every_entry("1h", "sweep", args=["api"])
    first.office.store.run(entries.define("", [first.office.definition(made)], origin="api"))
    (tick,) = first.step()

    code = clocks(server.url, lambda s: s.every("1h", "sweep", args=["code"]))

    assert code.step() == []
    first.poll()
    assert (served(code), served(first)) == ({"sweep"}, set())
    assert (entry(server, "sweep")["origin"], entry(server, "sweep")["last"]) == ("code", ticks.text(tick.at))


def test_code_does_not_remove_what_comes_from_elsewhere(server, clocks):
    first = clocks(server.url, old_code)
    made = first.office.schedule.every_entry("1h", "dynamic")
    first.office.store.run(entries.define("", [first.office.definition(made)], origin="api"))
    first.step()

    new = clocks(server.url, new_code)
    new.step()

    assert names(server) == {"same", "changed", "added", "dynamic"}
    assert "dynamic" in served(new)


def test_a_clock_whose_code_does_not_count_asks_now_and_then_and_reads_nothing(server, deploy):
    old, _ = deploy
    store, run, asked = old.office.store, old.office.store.run, []
    store.run = lambda command: asked.append(command.name) or run(command)

    for _ in range(21):
        old.poll()

    assert asked.count("periodic_enter") == 2
    assert set(asked) == {"periodic_poll", "periodic_enter", "HGET"}
