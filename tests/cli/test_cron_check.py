"""All that is wrong with a schedule is said at once, before it is deployed, and without a server."""

from __future__ import annotations

import json
import re

import pytest

WRONG = """
    from shop.jobs import add, app, total

    app.cron("0 9 * * mon-fri", total, name="report", tz="Europe/London")
    app.cron("61 * * * *", total)
    app.every("1d", total, at="24:00")
    app.cron("@daily", "totl")
    app.every("1d", add, args=[1])

    @app.every("soon")
    def hello() -> None: ...

    app.every("10m", total, name="report")
    app.every("10m", total, name="sweep", tz="Europe/Londno")
    app.every("10m", hello, name="hello")
"""
ODD = """
    from shop.jobs import app, total

    app.cron("*/7 * * * *", total, name="seven")
    app.cron("30 2 * * *", total, name="spring", tz="Europe/Berlin")
    app.every("1d", total, at="Sunday 02:30", name="at", tz="Europe/Berlin")
    app.cron("@daily", total, name="over", end="2020-01-01")
    app.every("10m", total, name="fine")
"""


@pytest.fixture(autouse=True)
def nowhere(project, monkeypatch):
    """Name a store that is not there: a check must not need it."""
    monkeypatch.setenv("MAINSPRING_URL", "redis://127.0.0.1:1/0")


def test_all_that_is_wrong_is_said_with_its_line(ms, write):
    write("shop/clock.py", WRONG)

    ended = ms("cron", "check", "-A", "shop.clock")

    assert ended.code == 1
    found = [line.split(": ", 2)[0::2] for line in ended.out.splitlines() if ": error: " in line]
    assert [where for where, _ in found] == [f"shop/clock.py:{line}" for line in (5, 6, 7, 8, 10, 13, 14)]
    for (_, said), word in zip(
        found, ("61", "24:00", "totl", "y", "soon", "another entry", "Europe/London"), strict=True
    ):
        assert word in said
    assert "2 entries, 7 errors, 0 warnings" in ended.err


def test_those_that_are_right_are_shown_with_their_next_times(ms, write):
    write("shop/clock.py", WRONG)

    shown = ms("cron", "check", "-A", "shop.clock").out

    assert re.search(
        r"^report +0 9 \* \* mon-fri +\w{3} \d{4}-\d\d-\d\d 09:00:00 (GMT|BST)  \w{3} ", shown, re.MULTILINE
    )
    assert re.search(r"^hello +every 10m +at once +\w{3} ", shown, re.MULTILINE)


def test_what_is_odd_is_a_warning(ms, write):
    write("shop/clock.py", ODD)

    ended = ms("cron", "check", "-A", "shop.clock")

    assert ended.code == 0
    found = {line.split(": ")[0]: line for line in ended.out.splitlines() if ": warning: " in line}
    assert found.keys() == {"seven", "spring", "at", "over"}
    assert "a step of 7 is uneven" in found["seven"]
    assert "it runs at 03:00" in found["spring"]
    assert "02:30 is no time in Europe/Berlin" in found["at"]
    assert "it is never due again" in found["over"]
    assert "5 entries, 0 errors, 4 warnings" in ended.err


def test_warnings_can_be_made_to_count(ms, write):
    write("shop/clock.py", ODD)

    assert ms("cron", "check", "-A", "shop.clock", "--strict").code == 1


def test_a_schedule_that_is_right_is_0(ms, write):
    write("shop/clock.py", "from shop.jobs import app, total\napp.every('10m', total)\n")

    ended = ms("cron", "check", "-A", "shop.clock", "--strict")

    assert ended.code == 0
    assert "1 entry, 0 errors, 0 warnings" in ended.err


def test_it_is_one_document(ms, write):
    write("shop/clock.py", WRONG)

    ended = ms("cron", "check", "-A", "shop.clock", "--json")
    document = json.loads(ended.out)

    assert (ended.code, document["ok"]) == (1, False)
    assert document["findings"][0].items() >= {"where": "shop/clock.py:5", "kind": "error"}.items()
    assert [entry["name"] for entry in document["entries"]] == ["report", "hello"]
    assert all(len(entry["next"]) == 3 for entry in document["entries"])


def test_what_stops_the_import_does_not_hide_what_was_found_before(ms, write):
    write("shop/clock.py", WRONG + "\n    1 / 0\n")

    ended = ms("cron", "check", "-A", "shop.clock")

    assert ended.code == 78
    assert ended.out.count(": error: ") == 7
    assert "ZeroDivisionError" in ended.err


def test_what_is_wrong_in_a_file_is_said_too(ms, write):
    write("shop/schedule.yml", "a: {job: totl, every: 1d}\nb: {job: total, evry: 1d}\nc: {job: total, every: 1d}\n")
    write("shop/clock.py", "from shop.jobs import app\napp.periodic.load('shop/schedule.yml')\n")

    ended = ms("cron", "check", "-A", "shop.clock")

    assert ended.code == 1
    assert ended.out.count(": error: ") == 2
    assert "1 entry, 2 errors" in ended.err


def test_what_only_a_database_knows_is_not_asked(ms, write):
    write("shop/clock.py", "from shop.jobs import app\n@app.periodic.sync\ndef rows():\n    raise SystemExit\n")

    ended = ms("cron", "check", "-A", "shop.clock")

    assert ended.code == 0
    assert "1 source not asked" in ended.err
