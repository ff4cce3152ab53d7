"""A run out of turn goes the way of every tick, and leaves the schedule as it was."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from api.shop import jobs, shop, state
from contracts.proxy import Proxy
from mainspring import PushAmbiguous, PushFailed
from mainspring.base.errors import InvalidOption, InvalidSchedule, UnknownJob, WrongArguments
from mainspring.base.timesource import TimeSource
from mainspring.clock import Clock
from mainspring.schedule import ticks
from mainspring.store import keys

DAY = timedelta(days=1)


class Hasty(TimeSource):
    def sleep(self, seconds: float) -> None:
        """Lose no time."""


@pytest.fixture
def app(server):
    app = shop(server.url, tz="Europe/London", time=Hasty())
    yield app
    app.close()


@pytest.fixture
def sweep(server, app):
    """Define an entry that has run each day at noon, London's time, for years."""
    app.periodic.put("sweep", "report", cron="0 12 * * *")
    server.client.hset(keys.periodic_entry("", "sweep"), mapping={"anchor": 1_600_000_000, "since": 1_600_000_000})
    return app.periodic["sweep"]


def now(server):
    seconds, micros = server.client.time()
    return seconds + micros / 1e6


def schedule_of(server, name):
    """Return what the store knows of an entry's ticks."""
    return {field: value for field, value in state(server, name).items() if field != "runs"}


# --- now ----------------------------------------------------------------------------


def test_a_manual_run_is_enqueued_as_a_tick_is_and_says_what_it_is(server, app):
    app.periodic.put("sum", "add", cron="0 9 * * *", args=[1], kwargs={"y": 2}, tz="Asia/Tokyo")
    before, schedule = now(server), schedule_of(server, "sum")

    made = app.periodic.trigger("sum")

    (job,) = jobs(server, "sums")
    assert (job["class"], job["args"], job["kwargs"], job["queue"]) == ("shop.add", [1], {"y": 2}, "sums")
    assert (made.jid, made.queue, made.at) == (job["jid"], "sums", None)
    told = job["periodic"]
    assert (told["name"], told["kind"], told["tz"], told["late"]) == ("sum", "manual", "Asia/Tokyo", 0)
    assert before - 0.001 <= told["tick"] <= now(server) + 0.001
    assert schedule_of(server, "sum") == schedule
    (line,) = app.periodic["sum"].history()
    assert (line.kind, line.jid, line.tick.timestamp()) == ("manual", made.jid, told["tick"])


def test_a_manual_run_does_not_take_the_place_of_the_next_tick(server, app, sweep):
    schedule = schedule_of(server, "sweep")
    following = sweep.next

    for _ in range(3):
        sweep.trigger()

    assert schedule_of(server, "sweep") == schedule
    assert app.periodic["sweep"].next == following
    assert len({job["jid"] for job in jobs(server)}) == 3


def test_a_paused_entry_can_be_run_by_hand(server, app, sweep):
    sweep.pause()

    sweep.trigger()

    assert len(jobs(server)) == 1
    assert app.periodic["sweep"].is_paused


def test_other_arguments_serve_one_run_only(server, app):
    app.periodic.put("sum", "add", cron="0 9 * * *", args=[1], kwargs={"y": 2})

    app.periodic.trigger("sum", [7])
    app.periodic.trigger("sum")

    assert [(job["args"], job["kwargs"]) for job in jobs(server, "sums")] == [([7], {"y": 2}), ([1], {"y": 2})]


@pytest.mark.parametrize("args", [["x"], [1, 2, 3], [], "1", 5, [None]])
def test_other_arguments_that_do_not_fit_are_refused_and_nothing_is_enqueued(server, app, args):
    app.periodic.put("sum", "add", cron="0 9 * * *", args=[1])

    with pytest.raises(WrongArguments):
        app.periodic.trigger("sum", args)

    assert jobs(server, "sums") == []
    assert app.periodic["sum"].history() == []


@pytest.mark.parametrize("day", [date(2026, 11, 22), "2026-11-22"])
def test_arguments_may_be_given_as_they_are_or_as_json(server, app, sweep, day):
    sweep.trigger([day])

    assert jobs(server)[0]["args"] == ["2026-11-22"]


def test_an_entry_of_code_runs_before_any_clock_has_seen_it(server, app):
    app.every("1h", "add", name="sum", args=[1])

    made = app.periodic.trigger("sum")

    (job,) = jobs(server, "sums")
    assert (job["jid"], job["periodic"]["kind"]) == (made.jid, "manual")
    assert state(server, "sum") == {}


def test_a_run_of_code_that_lives_elsewhere_needs_its_queue(server, app):
    app.periodic.put("ruby", "HardWorker", every="1h", queue="ruby", args=[1, "a"])

    app.periodic.trigger("ruby")

    assert [(job["class"], job["args"]) for job in jobs(server, "ruby")] == [("HardWorker", [1, "a"])]
    with pytest.raises(UnknownJob):
        app.periodic.put("slip", "shop.ad", every="1h")


def test_a_middleware_stands_around_it_too(server, app, sweep):
    seen = []

    def watches(push):
        seen.append(push.fields["periodic"]["kind"])
        push.queue = "high"
        yield

    app.use(enqueue=watches)

    assert sweep.trigger().queue == "high"
    sweep.backfill("2026-01-05", "2026-01-06")
    assert seen == ["manual", "backfilled"]
    assert len(jobs(server, "high")) == 2


def test_a_middleware_that_stops_it_leaves_nothing(server, app, sweep):
    def stops(push):
        return
        yield

    app.use(enqueue=stops)
    before = server.keys()

    assert sweep.trigger().jid == ""
    assert [made.jid for made in sweep.backfill("2026-01-05", "2026-01-08")] == ["", "", ""]
    assert server.keys() == before
    assert sweep.history() == []


def test_a_run_that_must_not_overlap_is_known_to_the_next_tick(server, app):
    app.periodic.put("one", "report", cron="0 9 * * *", overlap="skip")
    app.periodic.put("many", "report", cron="0 9 * * *")

    made = [app.periodic.trigger("one").jid for _ in range(2)]
    app.periodic.trigger("many")

    assert state(server, "one")["runs"].split() == made
    assert "runs" not in state(server, "many")


# --- for ticks that have passed -------------------------------------------------------


def test_each_tick_of_the_time_is_enqueued_oldest_first(server, sweep):
    schedule = schedule_of(server, "sweep")

    made = sweep.backfill("2026-03-27 12:00", "2026-04-01 12:00")

    found = jobs(server)
    assert [job["jid"] for job in found] == [one.jid for one in made]
    # The clocks change on the 29th: noon stays noon.
    told = [datetime.fromtimestamp(job["periodic"]["tick"], UTC).strftime("%d %H") for job in found]
    assert told == ["27 12", "28 12", "29 11", "30 11", "31 11"]
    assert {job["periodic"]["kind"] for job in found} == {"backfilled"}
    assert all(job["periodic"]["late"] > 86_400 for job in found)
    assert schedule_of(server, "sweep") == schedule
    assert [(line.kind, line.jid) for line in sweep.history()] == [("backfilled", one.jid) for one in reversed(made)]


def test_what_would_be_enqueued_can_be_seen_first(server, sweep):
    before = server.keys()

    found = sweep.backfill_ticks("2026-03-27 12:00", "2026-04-01 12:00")

    assert [tick.isoformat() for tick in found[1:3]] == ["2026-03-28T12:00:00+00:00", "2026-03-29T12:00:00+01:00"]
    assert len(found) == 5
    assert server.keys() == before


def test_a_tick_that_is_filled_in_again_has_the_same_job(server, sweep):
    first, again = (sweep.backfill("2026-01-05", "2026-01-08") for _ in range(2))
    wider = sweep.backfill("2026-01-04", "2026-01-09")

    assert first == again
    assert wider[1:4] == first
    # Within the minutes in which a push is remembered it is not made twice.
    assert len(jobs(server)) == 5
    scheduled = ticks.jid("sweep", jobs(server)[0]["periodic"]["tick"])
    assert scheduled not in {one.jid for one in first}


def test_namespaces_have_jobs_of_their_own(server, sweep):
    other = shop(server.url, namespace="other")
    other.periodic.put("sweep", "report", cron="0 12 * * *")

    made = other.periodic.backfill("sweep", "2026-01-05", "2026-01-06")

    assert made[0].jid != sweep.backfill("2026-01-05", "2026-01-06")[0].jid
    other.close()


def test_the_runs_can_be_spread(server, sweep):
    before = now(server)

    made = sweep.backfill("2026-01-05", "2026-01-15", spread="1h")

    assert all(b.at - a.at == pytest.approx(360) for a, b in pairwise(made))
    assert before <= made[0].at <= now(server)
    assert jobs(server) == []
    assert [at for _, at in server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True)] == [one.at for one in made]
    assert len(sweep.history()) == 10


@pytest.mark.parametrize("anchored", [0, 250_000, 36 * 3_600])
def test_a_period_is_counted_back_beyond_its_anchor(server, app, anchored):
    app.periodic.put("sweep", "report", every="6h")
    anchor = round(now(server) - anchored - 10, 3)
    server.client.hset(keys.periodic_entry("", "sweep"), mapping={"anchor": anchor})
    end = datetime.fromtimestamp(now(server), UTC)

    found = app.periodic.backfill_ticks("sweep", end - 2 * DAY, end)

    assert len(found) == 8
    assert {round((tick.timestamp() - anchor) % 21_600, 3) % 21_600 for tick in found} == {0.0}
    assert end - 2 * DAY <= found[0] < found[-1] < end


def test_a_period_that_starts_later_has_no_ticks_before(server, app):
    end = datetime.fromtimestamp(now(server), UTC)
    app.periodic.put("sweep", "report", every="7h", start=end - DAY)
    anchor = float(state(server, "sweep")["anchor"])

    found = app.periodic.backfill_ticks("sweep", end - 5 * DAY, end)

    assert [tick.timestamp() for tick in found] == pytest.approx([anchor - 25_200 * n for n in (3, 2, 1)])


@pytest.mark.parametrize(("hours", "fits"), [(1_000, True), (1_001, False)])
def test_a_thousand_ticks_and_no_more(server, app, hours, fits):
    entry = app.periodic.put("sweep", "report", cron="0 * * * *")
    start = datetime(2026, 1, 1, tzinfo=UTC)

    if fits:
        assert len(entry.backfill(start, start + timedelta(hours=hours))) == len(jobs(server)) == 1_000
    else:
        with pytest.raises(InvalidOption, match="'sweep' has more than 1,000 ticks in this time; backfill it in parts"):
            entry.backfill(start, start + timedelta(hours=hours))
        assert jobs(server) == []


@pytest.mark.parametrize(
    ("start", "end", "error", "says"),
    [
        ("2026-01-01", "2100-01-01", InvalidOption, "end='2100-01-01' lies in the future"),
        ("soon", "2026-01-01", InvalidSchedule, "start: write a datetime"),
        ("2026-01-01", None, InvalidOption, "end: write a time"),
        ("2026-01-01", [], InvalidSchedule, "end: write a datetime"),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(server, sweep, start, end, error, says):
    with pytest.raises(error, match=says):
        sweep.backfill(start, end)

    assert jobs(server) == []


def test_an_empty_time_has_no_ticks(server, sweep):
    before = server.keys()

    assert sweep.backfill("2026-01-05 13:00", "2026-01-06") == []
    assert sweep.backfill("2026-01-08", "2026-01-05") == []
    assert server.keys() == before


# --- when the store does not answer ----------------------------------------------------


@pytest.mark.both_stores
def test_a_lost_answer_is_asked_for_again_and_nothing_is_doubled(server, sweep):
    proxy = Proxy(server.socket_path)
    app = shop(proxy.url, time=Hasty())
    entry = app.periodic["sweep"]

    proxy.cut_next_answer(b'"kind":"manual"')
    made = [entry.trigger()]
    proxy.cut_next_answer(b'"kind":"backfilled"')
    made += entry.backfill("2026-01-05", "2026-01-08")

    assert [job["jid"] for job in jobs(server)] == [one.jid for one in made]
    assert len(entry.history()) == 4
    app.close()
    proxy.close()


def test_who_gets_no_answer_learns_whether_the_job_may_be_there(server, sweep):
    proxy = Proxy(server.socket_path)
    app = shop(proxy.url, time=Hasty())
    entry = app.periodic["sweep"]

    proxy.cut_next_answer(b'"kind":"manual"', times=9)
    with pytest.raises(PushAmbiguous) as caught:
        entry.trigger()

    assert [job["jid"] for job in jobs(server)] == list(caught.value.jids)
    app.close()
    proxy.close()


def test_a_store_that_refuses_has_stored_nothing(server, sweep):
    server.client.set(keys.queue("default"), "no list")

    with pytest.raises(PushFailed) as caught:
        sweep.backfill("2026-01-05", "2026-01-08")

    assert len(caught.value.jids) == 3
    assert sweep.history() == []


def test_a_run_by_hand_and_the_clock_do_not_disturb_each_other(server, app):
    app.every("1h", "report", name="code", overlap="allow")
    clock = Clock(app)
    clock.step()
    following = app.periodic["code"].next

    app.periodic.trigger("code")
    clock.step()

    assert app.periodic["code"].next == following
    assert [job["periodic"]["kind"] for job in jobs(server)] == ["scheduled", "manual"]
