"""What an entry asks before a tick is heard; what fails there is told, tried again, given up in time, and stops no other."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clock.stored import anchor, entry, history, jobs, nominal, ran, said
from mainspring.base.errors import StoreUnavailable, WrongArguments
from mainspring.schedule import ticks
from mainspring.store import entries
from support import until


def kinds(settled):
    return [(tick.kind, tick.why, tick.won) for tick in settled]


# --- questions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"if_": lambda _: True}, ""),
        ({"if_": lambda _: "yes"}, ""),
        ({"if_": lambda _: False}, "if_"),
        ({"if_": lambda _: None}, "if_"),
        ({"exclude": lambda _: False}, ""),
        ({"exclude": lambda _: True}, "exclude"),
        ({"if_": lambda _: False, "exclude": lambda _: True}, "if_"),
    ],
)
def test_a_question_decides_about_a_tick_and_the_history_says_so(server, clocks, options, why):
    watched = clocks(server.url, lambda s: s.every("1h", "sweep", **options))

    settled = watched.step()

    assert kinds(settled) == [("skipped", why, False) if why else ("scheduled", "", True)]
    assert said(server, "sweep") == [f"skipped {why}" if why else "scheduled"]
    assert len(jobs(server)) == (0 if why else 1)
    assert entry(server, "sweep")["last"] == ticks.text(settled[0].at)


def test_a_question_is_asked_with_the_nominal_time_in_the_entrys_zone(server, clocks):
    asked = []
    watched = clocks(server.url, lambda s: s.every("1h", "sweep", tz="Asia/Tokyo", if_=asked.append))
    ran(server, watched, 70 * 60)

    watched.step()

    (t,) = asked
    (told,) = history(server, "sweep")
    assert t == datetime.fromtimestamp(told["tick"], ZoneInfo("Asia/Tokyo"))
    assert t.utcoffset() == timedelta(hours=9)


def test_a_question_is_not_asked_about_what_is_given_up(server, clocks):
    asked = []
    watched = clocks(server.url, lambda s: s.every("1h", "sweep", missed="skip", if_=asked.append))
    ran(server, watched, 100 * 60)

    assert kinds(watched.step()) == [("missed", "", False)]
    assert asked == []


def test_what_is_excluded_has_no_tick_and_no_history(server, clocks):
    days = [datetime.now(ZoneInfo("UTC")).date() + timedelta(days=n) for n in (0, 1)]

    def define(schedule):
        schedule.every("1s", "a", exclude=days)
        schedule.every("1s", "b", exclude=[f"* * {day.day} {day.month} *" for day in days])

    watched = clocks(server.url, define)

    assert watched.step() == []
    assert (said(server, "a"), said(server, "b")) == ([], [])
    assert all(hand.tick % 86_400 < 1 for hand in watched.clock._dial._hands.values())


# --- what fails ----------------------------------------------------------------------------


class Trouble:
    """What raises until it is mended."""

    def __init__(self, error):
        self.error, self.is_mended = error, False

    def __call__(self, *_):
        if not self.is_mended:
            raise self.error()
        return True


def by_if(watched, trouble):
    watched.office.schedule.every("1h", "broken", if_=trouble, grace="0.5s")


def by_exclude(watched, trouble):
    def excluded(t):
        return not trouble(t)

    watched.office.schedule.every("1h", "broken", exclude=excluded, grace="0.5s")


def by_before(watched, trouble):
    watched.office.schedule.every("1h", "broken", grace="0.5s")
    watched.office.on_run(before=lambda entry, time: entry.name != "broken" or trouble())


def by_around(watched, trouble):
    def around(entry, time):
        _ = entry.name != "broken" or trouble()
        yield

    watched.office.schedule.every("1h", "broken", grace="0.5s")
    watched.office.on_run(around=around)


def by_middleware(watched, trouble):
    def link(push):
        _ = push.name != "broken" or trouble()
        yield

    watched.office.schedule.every("1h", "broken", grace="0.5s")
    watched.office.use(enqueue=link)


def by_payload(watched, trouble):
    build = watched.office.tick_payload

    def tick_payload(entry, *args, **options):
        _ = entry.name != "broken" or trouble()
        return build(entry, *args, **options)

    watched.office.schedule.every("1h", "broken", grace="0.5s")
    watched.office.tick_payload = tick_payload


WAYS = [by_if, by_exclude, by_before, by_around, by_middleware, by_payload]


def own():
    return ValueError("no such customer")


def of_another_store():
    return StoreUnavailable("another store is gone", applied=False)


@pytest.mark.parametrize("error", [own, of_another_store])
@pytest.mark.parametrize("way", WAYS)
def test_what_raises_stops_no_other_entry_is_told_once_and_is_given_up_when_its_grace_ends(server, clocks, way, error):
    watched = clocks(server.url, lambda s: s.every("0.1s", "fine"))
    way(watched, Trouble(error))
    watched.start()

    settled = watched.next(5)
    while settled[-1].entry != "broken":
        settled += watched.next()

    assert watched.clock.stop()
    *others, given_up = settled
    assert kinds([given_up]) == [("missed", "", False)]
    assert given_up.lag > 0.5
    assert {(tick.entry, tick.won) for tick in others} == {("fine", True)}
    assert history(server, "broken") == [{"tick": anchor(server, "broken"), "kind": "missed", "folded": 1}]
    (told,) = watched.office.errors()
    assert type(told) is type(error())
    assert told.__notes__ == [f"periodic entry 'broken', tick {ticks.text(anchor(server, 'broken'))}"]
    assert [watched.states.get() for _ in range(watched.states.qsize())] == ["watching", "stopped"]


@pytest.mark.parametrize("way", WAYS)
def test_what_raised_and_raises_no_more_is_enqueued(server, clocks, way):
    watched, trouble = clocks(server.url), Trouble(own)
    way(watched, trouble)
    assert watched.step() == []
    assert entry(server, "broken").get("last") is None

    trouble.is_mended = True

    assert kinds(until(watched.step)) == [("scheduled", "", True)]
    assert nominal(server) == [anchor(server, "broken")]
    assert said(server, "broken") == ["scheduled"]


def test_each_tick_that_fails_is_told(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.4s", "sweep", grace="0.1s", if_=lambda _: 1 / 0)).start()

    errors = [watched.office.failed.get(timeout=15) for _ in range(3)]

    begin = anchor(server, "sweep")
    assert [error.__notes__ for error in errors] == [
        [f"periodic entry 'sweep', tick {ticks.text(begin + n * 0.4)}"] for n in range(3)
    ]


def test_arguments_that_do_not_fit_stop_an_entry_from_elsewhere_and_no_other(server, clocks):
    watched = clocks(server.url)

    def charge(customer: int):
        """Take one argument, which is a number."""

    watched.office.job(name="charge")(charge)
    for name, args in (("right", [42]), ("wrong", ["forty-two"]), ("many", [1, 2])):
        made = watched.office.schedule.every_entry("1h", "charge", name=name, args=args)
        watched.office.store.run(entries.define("", [watched.office.definition(made)], origin="api"))

    settled = watched.step()

    assert [tick.entry for tick in settled] == ["right"]
    errors = watched.office.errors()
    assert [type(error) for error in errors] == [WrongArguments] * 2
    assert {error.__notes__[0].split("'")[1] for error in errors} == {"wrong", "many"}


def test_a_job_that_no_app_here_knows_is_pushed_by_its_name(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "Hard::Worker", args=[1], queue="ruby"))

    watched.step()

    ((job,),) = [jobs(server, "ruby")]
    assert (job["class"], job["args"], job["queue"]) == ("Hard::Worker", [1], "ruby")
