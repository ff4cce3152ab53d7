"""Hooks hear of each round and of each tick, may say no, and whatever goes wrong in them, the clock goes on."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from clock.stored import anchor, entry, history, jobs, nominal, now, ran, said
from mainspring.base.errors import InvalidOption, StoreUnavailable
from mainspring.schedule.entry import Entry
from support import until

TOKYO = ZoneInfo("Asia/Tokyo")


def hourly(*names):
    return lambda schedule: [schedule.every("1h", name) for name in names]


def names(settled):
    return {tick.entry for tick in settled}


# --- rounds --------------------------------------------------------------------------------


def test_a_round_has_its_time_in_the_apps_zone_and_is_called_only_if_something_is_due(server, clocks):
    asked = []
    watched = clocks(server.url, hourly("a", "b"), tz="Asia/Tokyo")
    watched.office.on_tick(before=asked.append)

    settled = watched.step()
    watched.poll()

    assert names(settled) == {"a", "b"}
    (time,) = asked
    assert abs(time.timestamp() - now(server)) < 10
    assert time.tzinfo == TOKYO


def test_a_round_that_a_hook_refuses_skips_all_that_is_due_and_the_history_says_so(server, clocks):
    watched = clocks(server.url, hourly("a", "b"))
    watched.office.on_tick(before=lambda _: False)

    settled = watched.step()

    assert {(tick.kind, tick.why, tick.won) for tick in settled} == {("skipped", "on_tick", False)}
    assert (said(server, "a"), said(server, "b")) == (["skipped on_tick"], ["skipped on_tick"])
    assert not jobs(server)
    assert watched.poll() == []


def test_a_refused_round_does_not_change_what_was_given_up(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "a", missed="skip"))
    ran(server, watched, 100 * 60)
    watched.office.on_tick(before=lambda _: False)

    watched.step()

    assert said(server, "a") == ["missed"]


def test_a_hook_after_a_round_is_called_when_its_jobs_are_in_their_queues(server, clocks):
    found = []
    watched = clocks(server.url, hourly("a", "b"))
    watched.office.on_tick(after=lambda _: found.append(len(jobs(server))))

    watched.step()

    assert found == [2]


def test_a_hook_around_a_round_has_the_round_between_its_halves(server, clocks):
    found = []
    watched = clocks(server.url, hourly("a", "b"))

    def around(time):
        found.append(len(jobs(server)))
        happened = yield
        found.append((len(jobs(server)), happened))

    watched.office.on_tick(around=around)
    watched.step()

    assert found == [0, (2, True)]


def test_a_hook_before_a_round_that_raises_is_told_once_and_the_round_is_tried_again(server, clocks):
    watched, broken = clocks(server.url, hourly("a", "b")), [True]

    def before(time):
        if broken:
            raise ValueError("no such calendar")

    watched.office.on_tick(before=before)
    assert watched.step() == []
    watched.office.lapse(0.2)
    assert watched.step() == []
    (error,) = watched.office.errors()
    assert error.__notes__ == ["on_tick, before 2 periodic entries"]

    broken.clear()

    # Each entry waits for itself.
    done: list[str] = []
    until(lambda: done.extend(names(watched.step())) or sorted(done) == ["a", "b"])
    assert nominal(server) == [anchor(server, "a"), anchor(server, "b")]


def test_a_hook_before_rounds_that_never_stops_raising_ends_the_grace_of_what_is_due(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "a", grace="0.5s"))
    watched.office.on_tick(before=lambda _: 1 / 0)

    (settled,) = watched.start().next()

    assert settled.kind == "missed"
    assert said(server, "a") == ["missed"]


# --- ticks ---------------------------------------------------------------------------------


def test_a_hook_hears_of_each_tick_with_its_entry_and_its_nominal_time(server, clocks):
    heard = []
    watched = clocks(server.url, lambda s: s.every("1h", "a", tz="Asia/Tokyo"))
    watched.office.on_run(before=lambda *told: heard.append(told), after=lambda *told: heard.append(told))

    (settled,) = watched.step()

    assert heard == [(watched.office.schedule["a"], datetime.fromtimestamp(settled.at, TOKYO))] * 2
    assert isinstance(heard[0][0], Entry)


def test_a_tick_that_a_hook_refuses_is_skipped_and_the_others_are_not(server, clocks):
    heard = []
    watched = clocks(server.url, hourly("a", "b"))
    watched.office.on_run(before=lambda entry, _: entry.name != "a", after=lambda entry, _: heard.append(entry.name))

    settled = watched.step()

    assert {(tick.entry, tick.kind, tick.why, tick.won) for tick in settled} == {
        ("a", "skipped", "on_run", False),
        ("b", "scheduled", "", True),
    }
    assert (said(server, "a"), said(server, "b")) == (["skipped on_run"], ["scheduled"])
    assert heard == ["b"]


def test_hooks_do_not_hear_of_what_is_skipped_or_given_up_anyway(server, clocks):
    heard = []
    watched = clocks(server.url, lambda s: (s.every("1h", "a", if_=lambda _: False), s.every("1h", "b", missed="skip")))
    ran(server, watched, 100 * 60, "b")
    watched.office.on_run(before=lambda entry, _: heard.append(entry.name))

    assert names(watched.step()) == {"a", "b"}
    assert heard == []


def test_only_the_clock_that_has_enqueued_a_job_calls_what_stands_after_and_all_what_stands_around(server, clocks):
    heard, both = [], [clocks(server.url, hourly("a")) for _ in range(2)]
    for number, watched in enumerate(both):

        def around(entry, time, number=number):
            heard.append(("around", number, (yield)))

        watched.office.on_run(after=lambda *_, number=number: heard.append(("after", number)), around=around)
        watched.clock._look()

    for watched in both:
        watched.step()

    assert heard == [("around", 0, True), ("after", 0), ("around", 1, False)]


def test_a_hook_around_a_tick_whose_job_a_middleware_stopped_sees_that_it_was_not_enqueued(server, clocks):
    heard = []
    watched = clocks(server.url, hourly("a"))

    def around(entry, time):
        heard.append((yield))

    def stops(push):
        return
        yield

    watched.office.on_run(around=around)
    watched.office.use(enqueue=stops)

    assert [tick.why for tick in watched.step()] == ["middleware"]
    assert heard == [False]


def test_a_hook_around_a_tick_hears_of_what_raises_within(server, clocks):
    heard = []
    watched = clocks(server.url, hourly("a"))

    def around(entry, time):
        try:
            yield
        except ValueError as error:
            heard.append(str(error))
            raise

    def raises(push):
        raise ValueError("no such customer")
        yield

    watched.office.on_run(around=around)
    watched.office.use(enqueue=raises)

    assert watched.step() == []
    assert heard == ["no such customer"]
    assert len(watched.office.errors()) == 1


@pytest.mark.parametrize("where", ["on_tick", "on_run"])
@pytest.mark.parametrize("how", ["after", "around"])
def test_a_hook_that_raises_after_its_job_is_in_the_queue_is_told_and_changes_nothing(
    server, clocks, caplog, where, how
):
    watched = clocks(server.url, hourly("a", "b"))

    def raises(*_):
        raise ValueError("no such dashboard")

    def around(*_):
        yield
        raise ValueError("no such dashboard")

    getattr(watched.office, where)(**{how: raises if how == "after" else around})
    settled = watched.step()

    assert {(tick.entry, tick.won) for tick in settled} == {("a", True), ("b", True)}
    assert len(watched.office.errors()) == (1 if where == "on_tick" else 2)
    assert "no such dashboard" in caplog.text
    assert watched.poll() == []
    assert len(jobs(server)) == 2


def test_hooks_hear_of_an_outage_and_what_one_raises_then_keeps_no_other_from_hearing(server, clocks):
    heard = []
    watched = clocks(server.url, hourly("a", "b", "c"))
    store, pipeline = watched.office.store, watched.office.store.pipeline

    def around(entry, time):
        try:
            yield
        except StoreUnavailable:
            heard.append(entry.name)
            raise RuntimeError(entry.name) from None

    def cut_off(commands):
        if commands and commands[0].name == "periodic_claim":
            store.pipeline = pipeline
            raise StoreUnavailable("gone", applied=None)
        return pipeline(commands)

    def outer(time):
        try:
            yield
        finally:
            heard.append("round")

    watched.office.on_tick(around=outer)
    watched.office.on_run(around=around)
    store.pipeline = cut_off
    assert watched.step() == []

    assert heard[-1] == "round"
    assert sorted(heard[:-1]) == ["a", "b", "c"]
    assert [str(error) for error in watched.office.errors()] == heard[:-1]
    assert [watched.states.get() for _ in range(2)] == ["watching", "gone"]
    watched.office.lapse(1)
    assert names(watched.step()) == {"a", "b", "c"}
    assert "last" in entry(server, "a")


# --- what can be no hook ---------------------------------------------------------------------


def generator(*_):
    yield


@pytest.mark.parametrize(
    ("where", "hooks", "says"),
    [
        ("on_tick", {"before": lambda: None}, r"def <lambda>\(time\)"),
        ("on_tick", {"after": lambda a, b: None}, r"def <lambda>\(time\)"),
        ("on_run", {"before": lambda time: None}, r"def <lambda>\(entry, time\)"),
        ("on_run", {"after": generator}, "has a yield"),
        ("on_run", {"around": lambda entry, time: None}, "generator function that yields once"),
    ],
)
def test_what_can_be_no_hook_is_refused_where_it_is_added(server, clocks, where, hooks, says):
    office = clocks(server.url, hourly("a")).office

    with pytest.raises(InvalidOption, match=says):
        getattr(office, where)(**hooks)

    assert office.hooks.tick.open("time") is None
    assert office.hooks.run.open("entry", "time") is None


def test_the_history_of_a_tick_that_was_skipped_names_no_job(server, clocks):
    watched = clocks(server.url, hourly("a"))
    watched.office.on_run(before=lambda *_: False)

    (settled,) = watched.step()

    assert history(server, "a") == [{"tick": settled.at, "kind": "skipped", "why": "on_run"}]
