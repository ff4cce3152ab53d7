"""However many clocks run and however often they restart, each tick is in its queue once."""

from __future__ import annotations

import logging
import queue
import time
from itertools import pairwise

import pytest

from clock.stored import anchor, entry, jobs, names, nominal
from mainspring.clock import Clock
from mainspring.clock.claims import LONGEST, PART
from mainspring.schedule import ticks
from mainspring.store import keys
from support import best, oversleeping

# --- ticks --------------------------------------------------------------------------


def test_a_new_period_runs_at_once_and_then_each_period(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.2s", "sweep")).start()

    settled = watched.next(4)

    assert [round(b.at - a.at, 3) for a, b in pairwise(settled)] == [0.2] * 3
    assert settled[0].at == anchor(server, "sweep")
    assert all(tick.won for tick in settled)


def test_the_job_of_a_tick_has_the_ticks_id_and_time_and_its_queue(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "charge", args=[42], queue="billing", name="c")).start()

    (settled,) = watched.next()

    (job,) = jobs(server, "billing")
    assert (job["class"], job["args"], job["queue"]) == ("charge", [42], "billing")
    assert job["jid"] == settled.jid == ticks.jid("c", settled.at)
    late = job["periodic"].pop("late")
    assert job["periodic"] == {"name": "c", "tick": settled.at, "tz": "UTC", "kind": "scheduled"}
    assert 0 <= late < 5
    assert 0 <= job["created_at"] - settled.at < 5
    assert not server.exists(keys.queue("default"))


def test_a_tick_is_never_enqueued_before_it_is_due_and_soon_after(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.1s", "sweep")).start()

    def median():
        lags = sorted(tick.lag for tick in watched.next(20))
        assert lags[0] >= 0
        return lags[10] - 10 * oversleeping()

    assert best(median, 0.05) < 0.05


def test_a_first_run_can_be_skipped(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.5s", "sweep", skip_first_run=True)).start()

    (settled,) = watched.next()

    assert settled.at == pytest.approx(anchor(server, "sweep") + 0.5)


def test_a_new_entry_with_a_time_of_day_has_missed_nothing(server, clocks):
    watched = clocks(server.url, lambda s: (s.cron("* * * * *", "a"), s.every("1d", "b", at="00:00", missed="all")))

    watched.start().became("watching")

    assert watched.clock.stop()
    assert {tick.at % 60 for tick in watched.settled()} <= {0.0}  # none, but on the full minute
    assert not any("last" in entry(server, name) for name in "ab") or jobs(server)


def test_2500_entries_due_at_once_are_all_enqueued(server, clocks):
    watched = clocks(server.url, lambda s: [s.every("1h", "sweep") for _ in range(2500)]).start()

    settled = watched.next(2500)

    assert len({tick.entry for tick in settled}) == 2500
    assert server.client.llen(keys.queue("default")) == 2500
    assert len(names(server)) == 2500
    assert all("last" in entry(server, name) for name in names(server))


def test_a_crowd_whose_questions_take_long_does_not_keep_a_clock_from_polling(server, clocks):
    watched = clocks(server.url)

    def slow(_):
        watched.office.lapse(1.2 * LONGEST / PART)
        return True

    for _ in range(3 * PART + 1):
        watched.office.schedule.every("1h", "sweep", if_=slow)
    store, run, pipeline, asked = watched.office.store, watched.office.store.run, watched.office.store.pipeline, []
    store.run = lambda command: asked.append(command.name) or run(command)
    store.pipeline = lambda commands: asked.append(f"{commands[0].name} {len(commands)}") or pipeline(commands)

    settled = watched.step()

    assert len(settled) == 3 * PART + 1
    assert all(tick.won for tick in settled)
    sent = [name for name in asked if name.startswith(("periodic_claim", "periodic_poll"))]
    first = sent.index(f"periodic_claim {PART}")
    assert sent[first : first + 6] == [f"periodic_claim {PART}", "periodic_poll"] * 3


def test_a_crowd_that_another_clock_settles_meanwhile_is_enqueued_once_and_left_to_it(server, clocks):
    both = [clocks(server.url, lambda s: [s.every("1h", "sweep") for _ in range(1200)]) for _ in range(2)]
    for watched in both:
        watched.clock._look()
    first = both[0].step()
    claimed = []
    pipeline = both[1].office.store.pipeline
    both[1].office.store.pipeline = lambda commands: claimed.append(len(commands)) or pipeline(commands)

    second = both[1].step()

    assert {tick.won for tick in first} == {True}
    assert {tick.won for tick in second} == {False}
    assert len({tick.entry for tick in first}) == len({tick.entry for tick in second}) == 1200
    assert len(jobs(server)) == 1200
    assert sum(claimed) == PART
    assert both[1].poll() == []


def test_clocks_side_by_side_begin_a_crowd_at_different_ends(server, clocks):
    both = [clocks(server.url, lambda s: [s.every("1h", "sweep") for _ in range(1200)]) for _ in range(2)]
    for watched in both:
        watched.clock._look()
    begun = []
    for watched in both:
        parts, pipeline = [], watched.office.store.pipeline

        def listening(commands, parts=parts, pipeline=pipeline):
            parts.append({command.keys[0] for command in commands})
            return pipeline(commands)

        watched.office.store.pipeline = listening
        watched.clock.step()
        begun.append(parts[0])

    assert [len(part) for part in begun] == [PART, PART]
    assert len(begun[0] & begun[1]) < PART // 2


# --- restarts and several clocks ------------------------------------------------------


def test_two_clocks_side_by_side_enqueue_each_tick_once(server, clocks):
    one, two = (clocks(server.url, lambda s: s.every("0.2s", "sweep")).start() for _ in range(2))

    first, second = one.next(12), two.next(12)

    one.clock.stop()
    two.clock.stop()
    found = nominal(server)
    assert [round(b - a, 3) for a, b in pairwise(found)] == [0.2] * (len(found) - 1)
    won = [tick.at for tick in (*first, *second, *one.settled(), *two.settled()) if tick.won]
    assert sorted(won) == found


def test_a_restart_runs_nothing_and_shifts_nothing(server, clocks):
    def define(schedule):
        schedule.every("1h", "hourly")
        schedule.every("1d", "daily", at="00:00")

    first = clocks(server.url, define).start()
    first.next()
    assert first.clock.stop()
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


# --- what an entry does wrong ----------------------------------------------------------


def test_an_entry_that_fails_stops_no_other_and_runs_when_it_can(server, clocks, caplog):
    watched = clocks(server.url, lambda s: (s.every("1h", "broken"), s.every("0.1s", "fine")))
    build, broken = watched.office.tick_payload, [True]

    def tick_payload(entry, *args, **options):
        if entry.name == "broken" and broken:
            raise ValueError("no such customer")
        return build(entry, *args, **options)

    watched.office.tick_payload = tick_payload
    watched.start()
    assert {tick.entry for tick in watched.next(5)} == {"fine"}

    broken.clear()

    while watched.next()[0].entry != "broken":
        pass
    assert [job["class"] for job in jobs(server)].count("broken") == 1
    (record,) = [record for record in caplog.records if record.event == "clock.entry_failed"]
    assert "no such customer" in record.facts["error"]
    (error,) = watched.office.errors()
    assert error.__notes__ == [f"periodic entry 'broken', tick {ticks.text(anchor(server, 'broken'))}"]


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


def test_a_key_of_the_clocks_own_that_is_of_another_type_is_said_and_waited_for(server, clocks, caplog):
    server.client.set(keys.periodic_entry("", "sweep"), "a stranger's", ex=60)
    watched = clocks(server.url, lambda s: s.every("1h", "sweep")).start()
    watched.became("gone")
    assert "WRONGTYPE" in caplog.text

    server.client.delete(keys.periodic_entry("", "sweep"))

    watched.became("watching")
    assert [tick.entry for tick in watched.next()] == ["sweep"]


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
    found = nominal(server)
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


def test_a_clock_without_entries_waits_and_writes_nothing_but_its_sign_of_life(server, clocks):
    watched = clocks(server.url).start()

    watched.became("watching")

    assert watched.clock.stop()
    assert server.keys() == {keys.periodic_alive("", "")}


def test_an_idle_clock_asks_once_a_second(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "sweep")).start()
    watched.next()
    before, begun = calls(server), time.monotonic()

    with pytest.raises(queue.Empty):
        watched.next(timeout=3)

    asked = {name: count - before.get(name, 0) for name, count in calls(server).items() if count != before.get(name)}
    assert set(asked) == {"evalsha", "hget", "get", "time", "pexpire", "info"}  # `periodic_poll`, and this test
    assert 2 <= asked["evalsha"] <= time.monotonic() - begun + 1


def calls(server):
    """Return how often each command was called."""
    found = server.client.info("commandstats")
    return {name.removeprefix("cmdstat_"): each["calls"] for name, each in found.items()}


def test_the_loop_shows_that_it_advances(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.1s", "sweep"))
    before = watched.clock.advanced
    watched.start().next(3)

    assert watched.clock.advanced > before


def test_companions_live_as_long_as_the_clock(server, clocks):
    lived = []

    class Companion:
        def __init__(self, name):
            self.name = name

        def start(self):
            lived.append(f"start {self.name}")

        def stop(self):
            lived.append(f"stop {self.name}")

    clock = Clock(clocks(server.url).office, companions=[Companion("a"), Companion("b")])
    clock.became = lived.append
    clock.stop()

    clock.run()

    assert lived == ["start a", "start b", "stop b", "stop a", "stopped"]


def test_ticks_are_logged_with_their_facts(server, clocks, caplog):
    caplog.set_level("INFO", logger="mainspring.clock")
    watched = clocks(server.url, lambda s: s.every("1h", "sweep")).start()

    (settled,) = watched.next()

    first, record, *_ = caplog.records
    assert (first.event, first.facts) == ("clock.watching", {"entries": 1, "is_current": True})
    assert (record.event, record.facts["entry"]) == ("clock.tick", "sweep")
    assert record.facts["jid"] == settled.jid
    assert record.facts["lag_ms"] >= 0


def test_a_log_that_raises_does_not_end_the_clock(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.1s", "sweep"))

    class Full(logging.Handler):
        def handle(self, record):
            raise OSError("no space left on device")

    logger, handler = logging.getLogger("mainspring.clock"), Full()
    logger.addHandler(handler)
    logger.setLevel("DEBUG")
    try:
        assert len(watched.start().next(3)) == 3
        assert watched.clock.stop()
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


# --- whose ticks ---------------------------------------------------------------------------


def test_a_store_with_a_prefix_keeps_its_ticks_apart(server, clocks):
    watched = clocks(server.url, lambda s: s.every("1h", "sweep"), prefix="two:")
    watched.start().next()

    written = server.keys()
    assert {key.split(":")[0] for key in written} == {"two"}
    watched.clock.stop()
    server.flush()


def test_namespaces_keep_two_apps_on_one_store_apart(server, clocks):
    shop = clocks(server.url, lambda s: s.every("1h", "sweep", args=["shop"]), namespace="shop")
    bank = clocks(server.url, lambda s: (s.every("2h", "sweep", args=["bank"]), s.every("1h", "b")), namespace="bank")

    first, second = shop.step(), bank.step()
    again = clocks(server.url, lambda s: s.every("1h", "sweep", args=["shop"]), namespace="shop").step()

    assert ([tick.entry for tick in first], {tick.entry for tick in second}) == (["sweep"], {"sweep", "b"})
    assert again == []
    assert (names(server, "shop"), names(server, "bank")) == ({"sweep"}, {"sweep", "b"})
    assert len({job["jid"] for job in jobs(server)}) == 3
    assert ticks.jid("sweep", 1.0, "shop") != ticks.jid("sweep", 1.0, "bank")
