"""However many clocks run and however often they restart, each tick is in its queue once."""

from __future__ import annotations

import json
import queue
from itertools import pairwise

import pytest

from mainspring.clock import Clock
from mainspring.schedule import ticks
from mainspring.store import keys
from mainspring.store.connection import Store
from support import until


def jobs(server, name="default"):
    """Return the jobs of a queue, the oldest first."""
    return [json.loads(payload) for payload in reversed(server.client.lrange(keys.queue(name), 0, -1))]


def anchor(server, entry, seconds_ago):
    """Say that *entry* was first registered some time ago; return that time."""
    seconds, _ = server.client.time()
    server.client.hset(keys.PERIODIC_ANCHOR, entry, f"{seconds - seconds_ago}.000")
    return float(seconds - seconds_ago)


def last_claimed(server, entry, seconds_ago):
    """Say that *entry* was anchored and ran last some time ago, and not since."""
    tick = anchor(server, entry, seconds_ago)
    server.client.hset(keys.PERIODIC_LAST, entry, ticks.text(tick))
    return tick


# --- ticks --------------------------------------------------------------------------


def test_a_new_period_runs_at_once_and_then_each_period(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.2s", "sweep")).start()

    settled = watched.next(4)

    assert [round(b.at - a.at, 3) for a, b in pairwise(settled)] == [0.2] * 3
    assert settled[0].at == float(server.client.hget(keys.PERIODIC_ANCHOR, "sweep"))
    assert all(tick.won for tick in settled)


def test_the_job_of_a_tick_has_the_ticks_id_and_time_and_its_queue(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "charge", args=[42], queue="billing", name="c")).start()

    (settled,) = watched.next()

    (job,) = jobs(server, "billing")
    assert (job["class"], job["args"], job["tick"]) == ("charge", [42], settled.at)
    assert job["jid"] == settled.jid == ticks.jid("c", settled.at)
    assert 0 <= job["now"] - settled.at < 5
    assert not server.exists(keys.queue("default"))


def test_a_tick_is_never_enqueued_before_it_is_due_and_soon_after(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.1s", "sweep")).start()

    lags = sorted(tick.lag for tick in watched.next(30))

    assert lags[0] >= 0
    assert lags[15] < 0.05


def test_a_first_run_can_be_skipped(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.5s", "sweep", skip_first_run=True)).start()

    (settled,) = watched.next()

    assert settled.at == pytest.approx(float(server.client.hget(keys.PERIODIC_ANCHOR, "sweep")) + 0.5)


def test_a_new_entry_with_a_time_of_day_has_missed_nothing(server, clocks):
    watched = clocks(server.url, lambda s: (s.cron("* * * * *", "a"), s.every("1d", "b", at="00:00", missed="all")))

    watched.start().became("watching")

    assert watched.clock.stop()
    assert {tick.at % 60 for tick in watched.settled()} <= {0.0}  # none, but on the full minute
    assert not server.exists(keys.PERIODIC_LAST) or jobs(server)


def test_2500_entries_due_at_once_are_all_enqueued(server, clocks):
    watched = clocks(server.url, lambda s: [s.every("1h", "sweep") for _ in range(2500)]).start()

    settled = watched.next(2500)

    assert len({tick.entry for tick in settled}) == 2500
    assert server.client.llen(keys.queue("default")) == 2500
    assert server.client.hlen(keys.PERIODIC_LAST) == 2500


# --- restarts and several clocks ------------------------------------------------------


def test_two_clocks_side_by_side_enqueue_each_tick_once(server, clocks):
    one, two = (clocks(server.url, lambda s: s.every("0.2s", "sweep")).start() for _ in range(2))

    first, second = one.next(12), two.next(12)

    one.clock.stop()
    two.clock.stop()
    found = [job["tick"] for job in jobs(server)]
    assert [round(b - a, 3) for a, b in pairwise(found)] == [0.2] * (len(found) - 1)
    won = [tick.at for tick in (*first, *second, *one.settled(), *two.settled()) if tick.won]
    assert sorted(won) == found


def test_a_restart_runs_nothing_and_shifts_nothing(server, clocks):
    def define(schedule):
        schedule.every("1h", "hourly")
        schedule.every("1d", "daily", at="00:00")

    clocks(server.url, define).start().next()
    before = server.snapshot()

    for _ in range(3):
        again = clocks(server.url, define).start()
        again.became("watching")
        assert again.clock.stop()
        assert again.settled() == []

    assert server.snapshot() == before


def test_a_clock_that_comes_second_learns_what_has_run(server, clocks):
    clocks(server.url, lambda s: s.every("1h", "sweep")).start().next()

    second = clocks(server.url, lambda s: (s.every("1h", "sweep"), s.every("1h", "new"))).start()

    assert [tick.entry for tick in second.next()] == ["new"]
    assert len(jobs(server)) == 2


# --- what was missed ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [3]),
        ({"missed": "once"}, [3]),
        ({"missed": "all"}, [1, 2, 3]),
        ({"missed": "skip"}, []),
        ({"missed": "once", "grace": "30s"}, []),
        ({"missed": "all", "grace": "45m"}, [2, 3]),
    ],
)
def test_after_downtime_the_policy_decides(server, clocks, options, expected):
    # Three ticks of every half an hour were missed, the newest ten minutes ago.
    last = last_claimed(server, "sweep", 100 * 60)
    watched = clocks(server.url, lambda s: (s.every("30m", "sweep", **options), s.every("1h", "marker"))).start()
    watched.became("watching")

    settled = watched.next(len(expected) + 1)

    assert watched.clock.stop()
    assert [tick.at for tick in settled if tick.entry == "sweep"] == [last + n * 1800 for n in expected]
    assert watched.settled() == []


def test_a_tick_of_a_moment_ago_is_skipped_if_no_clock_ran_then(server, clocks):
    last_claimed(server, "sweep", 30 * 60 + 20)
    watched = clocks(server.url, lambda s: (s.every("30m", "sweep", missed="skip"), s.every("1h", "marker"))).start()

    assert [tick.entry for tick in watched.next()] == ["marker"]

    assert watched.clock.stop()
    assert watched.settled() == []


def test_what_was_missed_is_said_once(server, clocks, caplog):
    last_claimed(server, "sweep", 100 * 60)
    watched = clocks(server.url, lambda s: s.every("30m", "sweep")).start()

    watched.next()

    (record,) = [record for record in caplog.records if record.event == "clock.missed"]
    assert record.facts == {"entry": "sweep", "policy": "once", "run": 1, "left_out": 2}


def test_two_clocks_catch_up_together_and_each_tick_runs_once(server, clocks):
    last = last_claimed(server, "sweep", 50 * 60 + 30)
    both = [clocks(server.url, lambda s: s.every("1m", "sweep", missed="all")) for _ in range(2)]

    for watched in both:
        watched.start()

    until(lambda: len(jobs(server)) >= 50)
    assert all(watched.clock.stop() for watched in both)
    assert [job["tick"] for job in jobs(server)][:50] == [last + 60 * n for n in range(1, 51)]


# --- what an entry does wrong ----------------------------------------------------------


def test_an_entry_that_fails_stops_no_other_and_runs_when_it_can(server, clocks, caplog):
    watched = clocks(server.url, lambda s: (s.every("1h", "broken"), s.every("0.1s", "fine")))
    build, broken = watched.office.tick_payload, [True]

    def tick_payload(entry, tick, now):
        if entry.name == "broken" and broken:
            raise ValueError("no such customer")
        return build(entry, tick, now)

    watched.office.tick_payload = tick_payload
    watched.start()
    assert {tick.entry for tick in watched.next(5)} == {"fine"}

    broken.clear()

    while watched.next()[0].entry != "broken":
        pass
    assert [job["class"] for job in jobs(server)].count("broken") == 1
    (record,) = [record for record in caplog.records if record.event == "clock.entry_failed"]
    assert "no such customer" in record.facts["error"]


def test_a_queue_that_is_no_list_stops_its_own_entry_only(server, clocks):
    server.client.set(keys.queue("bad"), "a stranger's", ex=60)
    watched = clocks(server.url, lambda s: (s.every("1h", "a", queue="bad"), s.every("0.1s", "b"))).start()
    assert {tick.entry for tick in watched.next(5)} == {"b"}

    server.client.delete(keys.queue("bad"))

    while watched.next()[0].entry != "a":
        pass
    assert len(jobs(server, "bad")) == 1
    watched.became("watching")
    assert watched.states.empty()


def test_a_hook_that_raises_does_not_end_the_clock(server, clocks, caplog):
    watched = clocks(server.url, lambda s: s.every("0.1s", "sweep"))
    hook, raised = watched.clock.ticked, []

    def raise_once(tick):
        hook(tick)
        if not raised:
            raised.append(tick)
            raise RuntimeError("a hook")

    watched.clock.ticked = raise_once
    watched.start()

    watched.next(3)

    assert "a hook" in caplog.text
    found = [job["tick"] for job in jobs(server)]
    assert len(found) == len(set(found))


# --- life ----------------------------------------------------------------------------------


def test_a_sleeping_clock_stops_at_once(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "sweep")).start()
    watched.next()

    assert watched.clock.stop(timeout=1.0)

    watched.became("watching")
    watched.became("stopped")


def test_a_clock_that_was_stopped_before_it_runs_does_nothing(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "sweep"))
    watched.clock.stop()

    watched.clock.run()

    assert server.keys() == set()


def test_a_clock_without_entries_waits(server, clocks):
    watched = clocks(server.url, lambda s: None).start()

    watched.became("watching")

    assert server.keys() == set()


def test_an_idle_clock_asks_less_than_once_a_second(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "sweep")).start()
    watched.next()
    before = server.client.info("stats")["total_commands_processed"]

    with pytest.raises(queue.Empty):
        watched.next(timeout=3)

    # One for each INFO, and at most one of the clock.
    assert server.client.info("stats")["total_commands_processed"] - before <= 3


def test_the_loop_shows_that_it_advances(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.1s", "sweep"))
    before = watched.clock.advanced
    watched.start().next(3)

    assert watched.clock.advanced > before


def test_companions_live_as_long_as_the_clock(server):
    from clock.conftest import Office

    lived = []

    class Companion:
        def __init__(self, name):
            self.name = name

        def start(self):
            lived.append(f"start {self.name}")

        def stop(self):
            lived.append(f"stop {self.name}")

    clock = Clock(Office(server.url), companions=[Companion("a"), Companion("b")])
    clock.became = lived.append
    clock.stop()

    clock.run()

    assert lived == ["start a", "start b", "stop b", "stop a", "stopped"]


def test_ticks_are_logged_with_their_facts(server, clocks, caplog):
    caplog.set_level("INFO", logger="mainspring.clock")
    watched = clocks(server.url, lambda s: s.every("1h", "sweep")).start()

    (settled,) = watched.next()

    first, record, *_ = caplog.records
    assert (first.event, first.facts) == ("clock.watching", {"entries": 1})
    assert (record.event, record.facts["entry"]) == ("clock.tick", "sweep")
    assert record.facts["jid"] == settled.jid
    assert record.facts["lag_ms"] >= 0


def test_a_store_with_a_prefix_keeps_its_ticks_apart(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "sweep"))
    watched.office.store = Store(server.url, prefix="two:")
    watched.start().next()

    names = server.keys()
    assert {key.split(":")[0] for key in names} == {"two"}
    watched.clock.stop()
    server.flush()
