"""Twenty-five deploys a day lose no tick, double none, and run no daily job again.

The same schedule of thirty entries, on two machines, is held against its ideal: on simulated time
through fourteen days, and with real processes, a real server and short periods for as long as there is time.
"""

from __future__ import annotations

import random

import pytest

from scenarios import deploys
from scenarios.deploylines import DAY, LINES
from scenarios.livedeploys import Machines
from scenarios.record import at_length, record
from scenarios.ticktally import ideal_ms, newest, rows, tally
from support import until

DAYS = at_length(4, 14)
#: Deploys of real processes; at length some minutes of them.
DEPLOYS = at_length(3, 50)

#: At periods of seconds, a week's entries among them.
EVERY_TICK = [*rows(21, missed="all"), {"name": "daily", "every": "1d"}, {"name": "weekly", "every": "1w"}]
NEWEST_TICK = [{"name": "newest", "every": "1s"}, {"name": "newest by cron", "cron": "* * * * * *"}]
NO_LATE_TICK = [{**row, "name": f"skipped {row['name']}", "missed": "skip"} for row in rows(5)]


@pytest.fixture(scope="module")
def story() -> deploys.Story:
    return deploys.tell(random.SystemRandom().randrange(10**6), DAYS)


# --- on simulated time --------------------------------------------------------------------


def test_through_many_days_every_entry_has_its_ideal_ticks(story):
    wrong = [(each.line.name, each.missing, each.double) for each in story.counts if each.missing or each.double]

    assert not wrong, f"seed {story.seed}"
    assert len(story.deploys) == DAYS * 25
    assert len(story.spans) == 2 * (DAYS * 25 + 1)
    assert len(story.counts) == 30
    assert sum(each.enqueued for each in story.counts) > DAYS * 3_000


def test_no_daily_job_runs_again_after_a_restart(story):
    daily = [each for each in story.counts if each.line.every == DAY and isinstance(each.line.at or "", str)]

    assert len(daily) == 7
    assert {each.enqueued for each in daily} == {DAYS}


def test_while_there_is_a_clock_every_job_is_on_time(story):
    assert story.late < 0.001


def test_only_what_asks_to_be_skipped_is_skipped(story):
    ideal = {line.name: len(deploys.ideal(line, story.start, story.end)) for line in LINES}

    less = {each.line.name for each in story.counts if each.wanted < ideal[each.line.name]}

    # Every fifth deploy leaves no clock for half a minute.
    assert len(story.gaps) == DAYS * 25 // 5
    assert less <= {line.name for line in LINES if line.options.get("missed") == "skip"}


def test_the_naive_clocks_of_the_same_story_enqueue_twice_and_more(story):
    once = [each for each in story.counts if each.line.every == DAY and each.line.at is None]

    assert sum(each.naive for each in story.counts) > 2 * sum(each.wanted for each in story.counts)
    # Each process runs it when it starts.
    assert [each.naive for each in once] == [len(story.spans)]


def test_the_checker_finds_what_is_missing_and_what_is_double():
    found = deploys.count(LINES[0], [1.0, 2.0, 3.0], [1.0, 1.0, 3.0, 9.0], [])

    assert (found.missing, found.double) == (1, 2)


# --- with real processes --------------------------------------------------------------------


def test_real_clocks_that_are_restarted_all_the_time_enqueue_every_tick_once(server, tmp_path):
    seed = random.SystemRandom().randrange(10**6)
    entries = [*EVERY_TICK, *NEWEST_TICK, *NO_LATE_TICK]
    machines = Machines(server, tmp_path, entries, random.Random(seed))
    with machines.up():
        began = machines.now()
        for _ in range(DEPLOYS):
            machines.deploy()
        took, last = machines.now() - began, machines.now()
        often = [row for row in entries if row["name"] not in {"daily", "weekly"}]
        until(lambda: min(newest(server, often)) > last, 30, every=0.1)
        machines.end()

    # A jitter may lead into a gap, and what came due just before may be given up there.
    gaps = [(gap.since - 1, gap.until) for gap in machines.gaps]
    found = tally(server, EVERY_TICK)
    others = [tally(server, NEWEST_TICK, gaps), tally(server, NO_LATE_TICK, gaps)]
    record(
        "F23",
        f"two machines' clocks restarted {DEPLOYS} times each, by TERM and kill -9, most side by side, 30 entries",
        "every tick enqueued exactly once, no daily job again",
        **vars(found),
        daily=tally(server, EVERY_TICK[-2:-1]).ticks,
        minutes=round(took / 60, 1),
        seed=seed,
    )
    assert len(entries) == 30
    assert [(each.missing, each.double, each.strange, each.early) for each in (found, *others)] == [(0, 0, 0, 0)] * 3
    assert {
        name: len(list(ideal_ms(server, row))) for row in EVERY_TICK if (name := row["name"]) in {"daily", "weekly"}
    } == {
        "daily": 1,
        "weekly": 1,
    }
    assert not server.client.smembers("paused")
