"""All periodic entries can be seen: what they run, when they ran, and when they will; and each can be paused or deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from api.shop import happened, shop, state
from mainspring.api.past_ticks import PastTick
from mainspring.base.errors import InvalidOption, InvalidSchedule, UnknownEntry
from mainspring.clock import Clock
from mainspring.store import entries, keys
from mainspring.store.entries import Definition


@pytest.fixture
def app(server):
    app = shop(server.url, tz="Europe/London")
    yield app
    app.close()


def registered(app):
    """Let a clock register the entries in the App's code."""
    Clock(app).step()


def put_by_somebody(app, name, origin, record=b'{"job":"shop.report","schedule":"0 9 * * *","cron":"0 9 * * *"}'):
    definition = Definition(name, "stamp", "when", record)
    app.store.run(entries.define(app.namespace, [definition], origin=origin))


def seconds_ago(server, seconds):
    return round(server.client.time()[0] - seconds, 3)


# --- which there are ----------------------------------------------------------------


def test_entries_of_code_and_from_elsewhere_are_seen_together_by_name(app):
    app.cron("0 9 * * *", "report", name="c")
    app.periodic.put("b", "report", every="1h")
    put_by_somebody(app, "a", "sync:staff")

    assert list(app.periodic) == list(app.periodic.items().mapping) == ["a", "b", "c"]
    assert [entry.origin for entry in app.periodic.values()] == ["sync:staff", "api", "code"]
    assert [entry.is_registered for entry in app.periodic.values()] == [True, True, False]
    assert len(app.periodic) == 3
    assert "b" in app.periodic
    assert "d" not in app.periodic
    assert 5 not in app.periodic
    assert app.periodic.get("d") is None


def test_an_entry_says_what_it_runs(app):
    put = {"args": [1], "kwargs": {"y": 2}, "queue": "low", "missed": "all", "overlap": "skip", "description": "adds"}
    app.periodic.put("sum", "add", cron="0 9 * * mon-fri", tz="Asia/Tokyo", **put)

    entry = app.periodic["sum"]

    assert (entry.name, entry.job, entry.schedule, entry.tz) == ("sum", "shop.add", "0 9 * * mon-fri", "Asia/Tokyo")
    assert (entry.args, entry.kwargs, entry.queue) == ((1,), {"y": 2}, "low")
    assert (entry.missed, entry.overlap, entry.description) == ("all", "skip", "adds")
    assert (entry.last, entry.problem, entry.is_paused) == (None, None, False)
    assert entry.words == "at 09:00, monday to friday"
    assert app.periodic.put("sum", "add", every="10m", args=[1]).words == "every 10m"


def test_an_unknown_entry_is_an_error_that_names_what_comes_close(app):
    app.every("1h", "report", name="weekly.report")
    app.periodic.put("daily.report", "report", every="1h")

    with pytest.raises(UnknownEntry, match=r"no periodic entry is named 'daily.rport'; did you mean 'daily.report'"):
        app.periodic["daily.rport"]
    with pytest.raises(KeyError) as caught:
        app.periodic.trigger("nothing like it")
    assert caught.value.candidates == ()


def test_two_namespaces_do_not_see_each_other(server, app):
    other = shop(server.url, namespace="other")
    app.periodic.put("a", "report", every="1h")
    other.periodic.put("b", "report", every="1h")

    assert (list(app.periodic), list(other.periodic)) == (["a"], ["b"])
    with pytest.raises(UnknownEntry):
        other.periodic.delete("a")
    other.close()


def test_thousands_of_entries_are_read_in_a_few_round_trips(server, app):
    made = [Definition(f"{n:04}", "s", "w", b'{"job":"shop.report","every":60.0}') for n in range(1_200)]
    for part in (made[:500], made[500:1_000], made[1_000:]):
        app.store.run(entries.define("", part, origin="api"))
    app.periodic.values()
    server.client.config_resetstat()

    names = [entry.name for entry in app.periodic.values()]

    assert names == [one.name for one in made]
    calls = {name: found["calls"] for name, found in server.client.info("commandstats").items()}
    assert calls["cmdstat_evalsha"] == 3
    assert calls["cmdstat_zrange"] == 1


def test_an_entry_that_this_release_cannot_read_does_not_hide_the_others(app):
    app.periodic.put("good", "report", every="1h")
    put_by_somebody(app, "new", "api", b'{"job":"shop.report","schedule":"at full moon","moon":"full"}')
    put_by_somebody(app, "odd", "api", b'{"job":"shop.report","schedule":"never","cron":"0 0 30 2 *"}')
    put_by_somebody(app, "torn", "api", b'{"job":')

    bad = [app.periodic[name] for name in ("new", "odd", "torn")]

    assert [entry.name for entry in app.periodic.values() if entry.problem is None] == ["good"]
    assert [(entry.job, entry.schedule) for entry in bad] == [
        ("shop.report", "at full moon"), ("shop.report", "never"), ("", "")
    ]  # fmt: skip
    assert [(entry.next, entry.upcoming(3), entry.last) for entry in bad] == [(None, [], None)] * 3
    for entry in bad:
        with pytest.raises(InvalidSchedule, match="this release cannot read the entry"):
            entry.trigger()
        with pytest.raises(InvalidSchedule, match="this release cannot read the entry"):
            entry.backfill(0, 1)
        assert entry.pause()
        entry.delete()


# --- when ---------------------------------------------------------------------------


def test_the_next_ticks_of_a_period_follow_its_anchor(server, app):
    app.periodic.put("sweep", "report", every="1h")
    anchor = seconds_ago(server, 1_000)
    server.client.hset(keys.periodic_entry("", "sweep"), mapping={"anchor": anchor, "last": anchor})

    entry = app.periodic["sweep"]

    assert entry.last.timestamp() == anchor
    assert [tick.timestamp() for tick in entry.upcoming(3)] == [anchor + 3_600 * n for n in (1, 2, 3)]
    assert entry.next == entry.upcoming(1)[0]
    assert str(entry.next.tzinfo) == str(entry.last.tzinfo) == "Europe/London"


def test_ticks_are_nominal_and_in_the_entry_s_zone(app):
    entry = app.periodic.put("report", "report", cron="30 9 * * *", tz="Asia/Kolkata", jitter="30m")

    assert [(tick.hour, tick.minute, tick.second) for tick in entry.upcoming(400)] == [(9, 30, 0)] * 400
    assert all(b - a == timedelta(days=1) for a, b in pairwise(entry.upcoming(400)))
    assert entry.next.utcoffset() == timedelta(hours=5.5)


def test_an_entry_of_code_that_no_clock_has_seen_would_run_at_once(server, app):
    app.every("1h", "report", name="now")
    app.every("1h", "report", name="later", skip_first_run=True)
    before = seconds_ago(server, 0)

    now, later = app.periodic["now"].next.timestamp(), app.periodic["later"].next.timestamp()

    assert before <= now < before + 60
    assert before + 3_600 <= later < before + 3_660
    assert app.periodic["now"].last is None
    assert server.snapshot() == {}


def test_the_next_tick_keeps_within_start_and_end(server, app):
    start = datetime.fromtimestamp(seconds_ago(server, -86_400), UTC)
    app.periodic.put("later", "report", every="1h", start=start)
    app.periodic.put("over", "report", every="1h", end="2020-01-01")
    app.periodic.put("ends", "report", every="1h", start=start, end=start + timedelta(hours=2))

    assert app.periodic["later"].next == start
    assert app.periodic["over"].next is None
    assert app.periodic["ends"].upcoming(10) == [start + timedelta(hours=n) for n in range(3)]


def test_a_paused_entry_says_when_it_would_run(app):
    entry = app.periodic.put("report", "report", cron="0 9 * * *", paused=True)

    assert entry.is_paused
    assert entry.next.hour == 9


@pytest.mark.parametrize("n", [0, -1, 1_001, "3", None, 2.5])
def test_how_many_ticks_are_asked_for_is_bounded(app, n):
    entry = app.periodic.put("report", "report", cron="0 9 * * *")

    with pytest.raises(InvalidOption, match="from 1 to 1,000"):
        entry.upcoming(n)
    with pytest.raises(InvalidOption, match="from 1 to 100"):
        entry.history(n)


# --- what happened ------------------------------------------------------------------


def test_the_history_says_what_became_of_each_tick(server, app):
    entry = app.periodic.put("report", "report", cron="0 9 * * *", tz="Asia/Tokyo")
    tick = datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp()
    happened(
        server, "report",
        (tick + 0.02, {"tick": tick, "kind": "scheduled", "jid": "a"}),
        (tick + 90, {"tick": tick + 30, "kind": "caught_up", "jid": "b", "folded": 7}),
        (tick + 95, {"tick": tick + 95, "kind": "skipped", "why": "overlap"}),
        (tick + 99, {"tick": tick + 98, "kind": "missed", "folded": 3}),
    )  # fmt: skip

    missed, skipped, caught_up, scheduled = entry.history()

    assert (scheduled.kind, scheduled.jid, scheduled.late) == ("scheduled", "a", 0.02)
    assert (caught_up.kind, caught_up.jid, caught_up.folded, caught_up.late) == ("caught_up", "b", 7, 60.0)
    assert (skipped.kind, skipped.jid, skipped.why) == ("skipped", None, "overlap")
    assert (missed.kind, missed.why, missed.folded) == ("missed", None, 3)
    assert scheduled.tick.isoformat() == "2026-11-20T18:00:00+09:00"
    assert scheduled.when - scheduled.tick == timedelta(seconds=0.02)
    assert [line.kind for line in entry.history(2)] == ["missed", "skipped"]


def test_a_tick_that_its_jitter_put_off_is_not_late(server, app):
    entry = app.periodic.put("report", "report", cron="0 9 * * *", jitter="30m")
    tick = datetime(2026, 11, 20, 9, tzinfo=UTC).timestamp()
    delay = entry.definition.delay(entry.definition.rule, tick)
    happened(server, "report", (tick + delay + 0.5, {"tick": tick, "kind": "scheduled", "jid": "a"}))

    assert delay > 1
    assert entry.history()[0].late == 0.5


def test_lines_of_strangers_are_read_as_far_as_they_make_sense(server, app):
    entry = app.periodic.put("report", "report", cron="0 9 * * *", tz="UTC")
    happened(server, "report", (5.0, {}), (6.0, {"tick": "noon", "kind": 7, "jid": [], "why": 1, "folded": "x"}))
    server.client.lpush(keys.periodic_history("", "report"), b"nonsense", b"1.0 []", b"x {}", b"\xff")

    odd, empty = entry.history()

    nothing = {"tick": None, "jid": None, "why": None, "folded": 0, "late": 0.0}
    assert empty == PastTick(when=datetime.fromtimestamp(5, UTC), kind="", **nothing)
    assert odd == PastTick(when=datetime.fromtimestamp(6, UTC), kind="7", **nothing)


# --- steering -----------------------------------------------------------------------


def test_a_pause_holds_until_it_is_lifted_and_what_came_meanwhile_is_passed_over(server, app):
    app.every("1h", "report", name="code")
    registered(app)
    app.periodic.put("put", "report", every="1h")

    for name in ("code", "put"):
        assert (app.periodic.pause(name), app.periodic.pause(name)) == (True, False)
        assert app.periodic[name].is_paused
        before = float(state(server, name)["since"])
        assert (app.periodic.resume(name), app.periodic.resume(name)) == (True, False)
        assert not app.periodic[name].is_paused
        assert float(state(server, name)["since"]) > before


def test_an_entry_of_code_that_no_clock_has_registered_cannot_be_paused(server, app):
    app.every("1h", "report", name="code")

    for steer in (app.periodic.pause, app.periodic.resume):
        with pytest.raises(InvalidOption, match=r"'code' stands in code, and no clock has registered it yet"):
            steer("code")
    assert server.snapshot() == {}


def test_an_entry_is_deleted_with_its_history(server, app):
    app.periodic.put("report", "report", every="1h")
    app.periodic.trigger("report")
    put_by_somebody(app, "synced", "sync:staff")

    app.periodic.delete("report")
    app.periodic.delete("synced")

    assert list(app.periodic) == []
    assert (state(server, "report"), state(server, "synced")) == ({}, {})
    assert not server.exists(keys.periodic_history("", "report"))


def test_an_entry_of_code_is_not_deleted(server, app):
    app.every("1h", "report", name="code")
    with pytest.raises(InvalidSchedule, match="'code': it stands in code, and is taken out there"):
        app.periodic.delete("code")
    registered(app)
    before = server.keys(), state(server, "code")

    with pytest.raises(InvalidSchedule, match="'code': it stands in code, and is taken out there"):
        app.periodic.delete("code")

    assert (server.keys(), state(server, "code")) == before


def test_steering_an_entry_that_is_gone_says_so_and_writes_nothing(server, app):
    entry = app.periodic.put("report", "report", every="1h")
    app.periodic.delete("report")
    before = server.snapshot()

    for steer in (entry.pause, entry.resume, entry.delete, entry.trigger):
        with pytest.raises(UnknownEntry):
            steer()
    with pytest.raises(UnknownEntry):
        entry.backfill(seconds_ago(server, 86_400), seconds_ago(server, 60))

    assert server.snapshot() == before
