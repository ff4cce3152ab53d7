"""Periodic entries can be looked at and steered from a shell, whether a clock runs or not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from mainspring import App
from mainspring.store import keys

CLOCK = """
    from shop.jobs import app, total

    app.cron("0 9 * * mon-fri", total, name="report", tz="Europe/London", args=[1], description="For the board.")
    app.every("10m", total, name="sweep", paused=True)
"""
STOPPER = """
    def stops(push):
        return
        yield

    app.use(enqueue=stops)
"""
# Always on the day on which Berlin's clocks go forward, at a time that they pass over.
GAP = "30 2 * 3 sun#-1"


@pytest.fixture
def clock(write):
    """A clock file, which no clock has registered."""
    write("shop/clock.py", CLOCK)


@pytest.fixture
def periodic(server):
    """The entries of an App of another release, which are in the store."""
    app = App(server.url)
    app.periodic.put("backup", "backup", cron="30 3 * * *", queue="low")
    app.periodic.put("spring", "spring", cron=GAP, tz="Europe/Berlin", queue="low")
    return app.periodic


def cells(line):
    return re.split("  +", line)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


# --- list --------------------------------------------------------------------------------


def test_entries_are_listed_with_their_next_time(ms, clock, periodic):
    header, *rows = map(cells, ms("cron", "-A", "shop.clock").out.splitlines())

    assert header == ["NAME", "SCHEDULE", "NEXT", "LAST", "FROM"]
    assert [row[:2] for row in rows] == [
        ["backup", "30 3 * * *"],
        ["report", "0 9 * * mon-fri"],
        ["spring", GAP],
        ["sweep", "every 10m"],
    ]
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri) \d{4}-\d\d-\d\d 09:00:00 (GMT|BST)", rows[1][2])
    assert rows[1][3].startswith("in ")
    assert [row[-1] for row in rows] == ["api", "no clock has it yet", "api", "paused, no clock has it yet"]
    assert rows[1][-2] == "code"


def test_entries_are_lines_of_json(ms, clock, periodic):
    backup, report, _, sweep = lines(ms("cron", "list", "-A", "shop.clock", "--json").out)

    assert (
        report.items()
        >= {
            "name": "report",
            "job": "shop.jobs.total",
            "schedule": "0 9 * * mon-fri",
            "tz": "Europe/London",
            "description": "For the board.",
            "last": None,
            "is_paused": False,
            "is_registered": False,
            "origin": "code",
        }.items()
    )
    assert (backup["origin"], backup["is_registered"], sweep["is_paused"]) == ("api", True, True)
    assert backup["next"] % 86_400 == 3.5 * 3600


def test_what_is_said_before_the_subcommand_counts_for_it(ms, clock):
    assert len(lines(ms("cron", "-A", "shop.clock", "--json", "list").out)) == 2


def test_no_entries_are_nothing_on_standard_output(ms):
    ended = ms("cron")

    assert (ended.code, ended.out) == (0, "")
    assert "app.every(...)" in ended.err


def test_an_entry_that_cannot_be_read_is_listed_nevertheless(ms, periodic, server):
    (key,) = server.client.keys("mainspring:periodic:*:entry:backup")
    server.client.hset(key, "def", b'{"cron": "of the next release"}')

    backup = ms("cron").out.splitlines()[1]

    assert backup.startswith("backup")
    assert backup.endswith("cannot be read here")
    assert "never" in backup


# --- next --------------------------------------------------------------------------------


def test_the_next_times_are_shown_in_the_entrys_zone_and_in_utc(ms, clock):
    header, *rows = map(cells, ms("cron", "next", "report", "-A", "shop.clock", "-n", "3").out.splitlines())

    assert header == ["LOCAL", "UTC"]
    assert len(rows) == 3
    for local, utc, *_ in rows:
        shown, moment = local.split()[2], datetime.fromisoformat(utc + "Z")
        assert (shown, moment.hour) == ("09:00:00", 9 if local.endswith("GMT") else 8)


def test_a_time_that_no_clock_shows_is_marked(ms, periodic):
    row, *_ = lines(ms("cron", "next", "spring", "-n", "2", "--json").out)

    assert re.fullmatch(r"\d{4}-03-\d\d 03:00:00\+02:00", row["local"])
    assert re.fullmatch(
        r"\d{4}-03-\d\d 02:30 is no time in Europe/Berlin, since the clocks go forward: it runs at 03:00", row["note"]
    )
    assert row["note"] in ms("cron", "next", "spring").out


def test_a_time_that_is_left_out_is_marked(ms, server):
    App(server.url).periodic.put("skips", "s", cron="30 2 * 3 sun", tz="Europe/Berlin", dst="skip", queue="low")

    shown = lines(ms("cron", "next", "skips", "-n", "10", "--json").out)

    left_out = [row["note"] for row in shown if row["tick"] is None]
    assert len(shown) - len(left_out) == 10
    assert left_out[0].endswith(
        "02:30 is no time in Europe/Berlin, since the clocks go forward: it does not run that day"
    )
    assert left_out[0] in ms("cron", "next", "skips", "-n", "10").out


def test_an_entry_that_has_ended_is_never_due(ms, server):
    App(server.url).periodic.put("old", "o", cron="@daily", end="2020-01-01", queue="low")

    ended = ms("cron", "next", "old")

    assert (ended.code, ended.out) == (0, "")
    assert "old is never due again" in ended.err


# --- run, pause, resume ------------------------------------------------------------------


def test_an_entry_is_run_now(ms, clock, server):
    jid = ms("cron", "run", "report", "-A", "shop.clock").out.strip()

    (job,) = map(json.loads, server.client.lrange("queue:default", 0, -1))
    assert (job["jid"], job["class"], job["args"]) == (jid, "shop.jobs.total", [1])
    assert (job["periodic"]["name"], job["periodic"]["kind"]) == ("report", "manual")
    assert json.loads(ms("cron", "run", "report", "-A", "shop.clock", "--json").out)["queue"] == "default"


def test_a_run_that_a_middleware_stops_is_1(ms, write):
    write("shop/clock.py", CLOCK + STOPPER)

    ended = ms("cron", "run", "report", "-A", "shop.clock")

    assert (ended.code, ended.out) == (1, "")
    assert "a middleware of the App stopped it" in ended.err


def test_entries_are_paused_and_resumed(ms, periodic):
    assert ms("cron", "pause", "backup", "spring").out == "backup is paused\nspring is paused\n"

    assert [entry.is_paused for entry in periodic.values()] == [True, True]
    assert ms("cron").out.count("paused") == 2
    assert ms("cron", "pause", "backup").out == "backup was paused\n"
    assert ms("cron", "resume", "backup").out == "backup is resumed\n"
    assert ms("cron", "resume", "backup").out == "backup was not paused\n"
    assert [entry.is_paused for entry in periodic.values()] == [False, True]


def test_an_entry_that_cannot_be_paused_does_not_hinder_the_others(ms, clock, periodic):
    ended = ms("cron", "pause", "bakcup", "report", "backup", "-A", "shop.clock")

    assert (ended.code, ended.out) == (1, "backup is paused\n")
    assert "did you mean 'backup'?" in ended.err
    assert "no clock has registered it yet" in ended.err


# --- backfill, history ---------------------------------------------------------------------


def days(start, end):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return ["--from", f"{today - timedelta(start):%Y-%m-%d}", "--to", f"{today - timedelta(end):%Y-%m-%d}"]


def test_past_ticks_are_shown_and_filled_in(ms, periodic, server):
    dry = ms("cron", "backfill", "backup", *days(8, 1), "--dry-run")

    assert dry.out.count("03:30:00 UTC") == 7
    assert "7 ticks, nothing was enqueued" in dry.err
    assert not server.exists("queue:low")

    assert ms("cron", "backfill", "backup", *days(8, 1)).out == "backup: 7 jobs enqueued\n"

    jobs = [json.loads(job)["periodic"] for job in reversed(server.client.lrange("queue:low", 0, -1))]
    assert [job["kind"] for job in jobs] == ["backfilled"] * 7
    assert [job["tick"] for job in jobs] == sorted(job["tick"] for job in jobs)


def test_past_ticks_are_lines_of_json(ms, periodic):
    assert len(lines(ms("cron", "backfill", "backup", *days(3, 1), "--dry-run", "--json").out)) == 2
    assert [job["queue"] for job in lines(ms("cron", "backfill", "backup", *days(3, 1), "--json").out)] == ["low"] * 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "yesterday", "--to", "2026-11-01"), "yesterday"),
        (("--from", "2020-01-01", "--to", "2999-01-01"), "future"),
        (("--from", "2000-01-01", "--to", "2020-01-01"), "1,000"),
    ],
)
def test_what_cannot_be_filled_in_is_1(ms, periodic, server, words, said):
    ended = ms("cron", "backfill", "backup", *words)

    assert (ended.code, ended.out) != (0, "")
    assert said in ended.err
    assert not server.exists("queue:low")


def test_the_history_tells_what_became_of_ticks(ms, periodic):
    assert "backup has no history yet" in ms("cron", "history", "backup").err

    ms("cron", "run", "backup")
    ms("cron", "backfill", "backup", *days(2, 1))

    rows = [cells(line) for line in ms("cron", "history", "backup").out.splitlines()[1:]]
    assert [row[2] for row in rows] == ["backfilled", "manual"]
    assert "late" in rows[0][-1]
    (newest,) = lines(ms("cron", "history", "backup", "-n", "1", "--json").out)
    assert (newest["kind"], newest["jid"], newest["why"]) == ("backfilled", rows[0][3], None)
    assert newest["outcome"] is None


def test_the_history_tells_how_jobs_of_ticks_ended(ms, periodic, server):
    ms("cron", "run", "backup")
    (line,) = lines(ms("cron", "history", "backup", "--json").out)
    server.client.lpush(keys.periodic_outcomes("", "backup"), f"{line['when']} dead {line['jid']}")
    server.client.expire(keys.periodic_outcomes("", "backup"), 60)

    (row,) = [cells(each) for each in ms("cron", "history", "backup").out.splitlines()[1:]]

    assert row[4] == "dead"
    assert lines(ms("cron", "history", "backup", "--json").out)[0]["outcome"] == "dead"


@pytest.mark.parametrize(
    "words", [("next",), ("run",), ("history",), ("backfill", "--from", "2026-01-01", "--to", "2026-01-02")]
)
def test_an_entry_that_is_not_there_is_1_with_one_that_is_near(ms, periodic, words):
    ended = ms("cron", words[0], "bakcup", *words[1:])

    assert (ended.code, ended.out) == (1, "")
    assert "no periodic entry is named 'bakcup'; did you mean 'backup'?" in ended.err


@pytest.mark.parametrize(
    "words", [(), *((word,) for word in "list next history check run pause resume backfill import".split())]
)
def test_help_shows_what_can_be_pasted(ms, words):
    ended = ms("cron", *words, "--help")

    assert ended.code == 0
    assert "mainspring cron" in ended.out
