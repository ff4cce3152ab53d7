"""Of the ticks that came due while no clock ran those run that the policy names, and the history tells of the others."""

from __future__ import annotations

import pytest

from clock.stored import history, jobs, nominal, ran
from support import until


@pytest.mark.parametrize(
    ("options", "expected", "told"),
    [
        ({}, [3], [("caught_up", 3, 2)]),
        ({"missed": "once"}, [3], [("caught_up", 3, 2)]),
        ({"missed": "all"}, [1, 2, 3], [("caught_up", 1, None), ("caught_up", 2, None), ("caught_up", 3, None)]),
        ({"missed": "skip"}, [], [("missed", 3, 3)]),
        ({"missed": "once", "grace": "30s"}, [], [("missed", 3, 3)]),
        ({"missed": "all", "grace": "45m"}, [2, 3], [("caught_up", 2, 1), ("caught_up", 3, None)]),
        ({"missed": "all", "grace": "30s"}, [], [("missed", 3, 3)]),
    ],
)
def test_after_downtime_the_policy_decides_and_the_history_tells_what_was_left_out(
    server, clocks, options, expected, told
):
    # Three ticks of every half an hour were missed, the newest ten minutes ago.
    watched = clocks(server.url, lambda s: s.every("30m", "sweep", **options))
    last = ran(server, watched, 100 * 60)

    watched.start().next(len(told))

    assert watched.clock.stop()
    assert nominal(server) == [last + n * 1800 for n in expected]
    found = [(record["kind"], record["tick"], record.get("folded")) for record in history(server, "sweep")]
    assert found == [(kind, last + n * 1800, folded) for kind, n, folded in told]
    assert watched.settled() == []


def test_a_tick_for_which_others_were_left_out_is_caught_up_however_late_it_is(server, clocks):
    watched = clocks(server.url, lambda s: s.every("2s", "sweep"))
    ran(server, watched, 7)

    (settled,) = watched.step()

    (told,) = history(server, "sweep")
    assert (told["kind"], told["folded"]) == (settled.kind, 2) == ("caught_up", 2)
    assert settled.lag < 5


def test_a_tick_of_a_moment_ago_is_skipped_if_no_clock_ran_then(server, clocks):
    watched = clocks(server.url, lambda s: s.every("30m", "sweep", missed="skip"))
    ran(server, watched, 30 * 60 + 20)

    (settled,) = watched.start().next()

    assert (settled.kind, settled.won) == ("missed", False)
    assert not jobs(server)


def test_a_tick_that_is_due_while_a_clock_begins_was_not_missed(server, clocks):
    watched = clocks(server.url, lambda s: s.every("30m", "sweep", missed="skip"))
    ran(server, watched, 30 * 60)

    (settled,) = watched.start().next()

    assert (settled.kind, settled.won) == ("scheduled", True)


@pytest.mark.parametrize("missed", ["once", "all", "skip"])
def test_a_new_entry_runs_at_once_whatever_becomes_of_missed_ticks(server, clocks, missed):
    # So many that the clock is told of them some milliseconds after they were anchored.
    watched = clocks(server.url, lambda s: [s.every("1h", "sweep", missed=missed) for _ in range(600)]).start()

    assert {tick.kind for tick in watched.next(600)} == {"scheduled"}


def test_what_was_missed_is_said_once(server, clocks, caplog):
    watched = clocks(server.url, lambda s: s.every("30m", "sweep"))
    ran(server, watched, 100 * 60)

    watched.start().next()

    (record,) = [record for record in caplog.records if record.event == "clock.missed"]
    assert record.facts == {"entry": "sweep", "policy": "once", "run": 1, "left_out": 2}


def test_two_clocks_catch_up_together_and_each_tick_runs_once(server, clocks):
    both = [clocks(server.url, lambda s: s.every("1m", "sweep", missed="all")) for _ in range(2)]
    last = ran(server, both[0], 50 * 60 + 30)

    for watched in both:
        watched.start()

    until(lambda: len(jobs(server)) >= 50)
    assert all(watched.clock.stop() for watched in both)
    assert nominal(server)[:50] == [last + 60 * n for n in range(1, 51)]


def test_two_clocks_give_up_what_was_missed_together_and_say_so_once(server, clocks):
    both = [clocks(server.url, lambda s: s.every("30m", "sweep", missed="skip")) for _ in range(2)]
    last = ran(server, both[0], 100 * 60)

    for watched in both:
        watched.clock._look()
    settled = [tick for watched in both for tick in watched.step()]

    assert [tick.at for tick in settled] == [last + 3 * 1800] * 2
    assert history(server, "sweep") == [{"tick": last + 3 * 1800, "kind": "missed", "folded": 3}]
    assert not jobs(server)


def test_what_was_folded_is_told_also_if_the_first_try_to_enqueue_fails(server, clocks):
    asked = []

    def fails_once(_):
        asked.append(1)
        return 1 / (len(asked) - 1)

    watched = clocks(server.url, lambda s: s.every("30m", "sweep", if_=fails_once))
    last = ran(server, watched, 100 * 60)

    watched.start().next()

    assert watched.clock.stop()
    (record,) = history(server, "sweep")
    assert (record["kind"], record["tick"], record["folded"]) == ("caught_up", last + 3 * 1800, 2)


def test_what_was_given_up_stays_given_up_also_if_the_store_fails_meanwhile(private_server, clocks):
    # Its history cannot be written, as on a full server; a clock that has begun would let a tick be so late.
    server = private_server()
    watched = clocks(server.url, lambda s: s.every("30m", "sweep", missed="skip"))
    last = ran(server, watched, 100 * 60 - 45)
    server.client.config_set("maxmemory", 1)
    watched.step()

    server.client.config_set("maxmemory", 0)
    watched.office.lapse(10)
    watched.step()

    assert history(server, "sweep") == [{"tick": last + 3 * 1800, "kind": "missed", "folded": 3}]
    assert not jobs(server)


def test_a_look_that_takes_long_is_followed_by_claims_and_not_by_the_next_look(server, clocks):
    watched = clocks(server.url, lambda s: s.every("30m", "sweep"))
    ran(server, watched, 100 * 60)
    draw = watched.clock._hand

    def slowly(*arguments):
        hand = draw(*arguments)
        watched.office.lapse(6)
        return hand

    watched.clock._hand = slowly
    watched.clock.step()

    assert [tick.kind for tick in watched.settled()] == ["caught_up"]
