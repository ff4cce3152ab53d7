"""Jitter puts each tick off by the same on every clock: none comes early, none out of order, none twice, none is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest

from clock.stored import anchor, history, jobs, names, nominal, now, ran
from mainspring.schedule import ticks
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.interval import Interval
from mainspring.store import keys


def delay(name, tick, jitter="1h"):
    """Return by how much a tick of an hourly entry is put off."""
    return Catalog().every("1h", name, jitter=jitter).delay(Interval(3600.0, tick), tick)


def spread(server, clocks, low, high, ago, **options):
    """Return a clock of an hourly entry whose newest tick, *ago* seconds ago, is put off by *low* to *high* seconds."""
    tick = float(int(now(server)) - ago)
    name = next(name for n in range(10_000) if low < delay(name := f"sweep-{n}", tick) < high)
    watched = clocks(server.url, lambda s: s.every("1h", "sweep", name=name, jitter="1h", **options))
    ran(server, watched, ago + 3600)
    before = {"anchor": ticks.text(tick - 3600), "since": ticks.text(tick - 3601), "last": ticks.text(tick - 3600)}
    server.client.hset(keys.periodic_entry("", name), mapping=before)
    return watched, name, tick


def test_two_clocks_put_each_tick_off_by_the_same(server, clocks):
    both = [clocks(server.url, lambda s: s.every("0.5s", "sweep", jitter="0.4s")).start() for _ in range(2)]

    settled = [watched.next(8) for watched in both]

    assert all(watched.clock.stop() for watched in both)
    assert all(tick.lag >= 0 for found in settled for tick in found)
    found = nominal(server)
    assert [round(b - a, 3) for a, b in pairwise(found)] == [0.5] * (len(found) - 1)
    (entry,) = both[0].office.schedule.values()
    rule = entry.rule.anchored(anchor(server, "sweep"))
    due = [tick + entry.delay(rule, tick) for tick in found]
    assert due == sorted(due)
    assert len({round(b - a, 3) for a, b in pairwise(due)}) > 3
    assert all(job["enqueued_at"] >= at - 0.001 for job, at in zip(jobs(server), due, strict=True))


@pytest.mark.parametrize("missed", ["once", "all", "skip"])
def test_a_tick_that_its_jitter_still_holds_back_at_a_restart_is_neither_lost_nor_missed(server, clocks, missed):
    watched, name, tick = spread(server, clocks, 120, 3600, ago=60, missed=missed)

    assert watched.step() == []

    hand = watched.clock._dial.get(name)
    assert (hand.tick, hand.ready) == (tick, round(tick + delay(name, tick), 3))
    assert history(server, name) == []


def test_a_tick_whose_jitter_ended_while_no_clock_ran_is_caught_up(server, clocks):
    # It was due a minute ago at least, and its nominal time is longer ago than its grace.
    watched, name, tick = spread(server, clocks, 1900, 2100, ago=2160)

    (settled,) = watched.step()

    assert (settled.at, settled.kind, settled.won) == (tick, "caught_up", True)
    assert 59 < settled.lag < 280
    assert jobs(server)[0]["periodic"]["late"] == pytest.approx(settled.lag, abs=1)
    assert names(server) == {name}


def test_jitter_that_skips_says_so_of_a_tick_whose_jitter_ended_while_no_clock_ran(server, clocks):
    watched, name, tick = spread(server, clocks, 1900, 2100, ago=2160, missed="skip")

    (settled,) = watched.step()

    assert (settled.at, settled.kind) == (tick, "missed")
    assert history(server, name) == [{"tick": tick, "kind": "missed", "folded": 1}]


def test_a_claim_before_the_jitter_has_ended_is_refused(server, clocks):
    watched, name, _ = spread(server, clocks, 120, 3600, ago=60)
    watched.step()

    # As if this machine's quartz had gained an hour since it asked.
    watched.clock._server_time._offset += 3600
    watched.clock._polled += 3600
    watched.clock.step()

    assert watched.settled() == []
    assert history(server, name) == []
    assert not jobs(server)
