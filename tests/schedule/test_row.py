"""A line from outside of Python becomes a row, or is refused with its key, its entry, and what would be right."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import row
from mainspring.schedule.row import Row

LEAST = {"name": "report", "job": "shop.report"}


def test_a_row_is_what_was_written():
    given = LEAST | {"every": "1d", "at": ["06:00", "18:00"], "tz": "Europe/Rome", "args": [1], "paused": True}

    assert row.of(given) == Row(
        name="report",
        job="shop.report",
        every="1d",
        at=["06:00", "18:00"],
        tz="Europe/Rome",
        options={"args": [1], "paused": True},
    )


def test_what_is_null_is_not_written():
    assert row.of(LEAST | {"cron": "@daily", "every": None, "tz": None, "queue": None}) == Row(**LEAST, cron="@daily")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("args", ()),
        ("args", [1, None]),
        ("kwargs", {}),
        ("queue", "low"),
        ("missed", "all"),
        ("grace", timedelta(minutes=5)),
        ("grace", 0.5),
        ("overlap", "skip"),
        ("jitter", "30s"),
        ("start", datetime(2026, 12, 24, 18, tzinfo=UTC)),
        ("end", "2026-12-24T18:00Z"),
        ("end", 1.8e9),
        ("exclude", ["2026-12-25", date(2026, 12, 26)]),
        ("exclude", "* * * * sun"),
        ("dst", "skip"),
        ("skip_first_run", False),
        ("paused", True),
        ("description", ""),
    ],
)
def test_every_option_of_an_entry_may_stand_in_a_row(key, value):
    assert row.of(LEAST | {"every": 60, key: value}).options == {key: value}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"naem": 1}, "'naem': in the entry 'report': there is no such key; did you mean name?"),
        ({"corn": "@daily"}, "did you mean cron?"),
        ({"zzz": 1}, "known are name, job, every, cron, at, tz, args"),
        ({1: 2}, "1: in the entry 'report': there is no such key"),
        ({"job": None}, "'job': in the entry 'report': this key is missing"),
        ({"name": None}, "'name': in an entry without a name: this key is missing"),
        ({"job": 7}, "7: job, in the entry 'report': write a text"),
        ({"every": True}, "True: every, in the entry 'report': write a duration"),
        ({"every": None}, "'report': in the entry 'report': an entry has one of every and cron, and neither is there"),
        ({"cron": "@daily"}, "an entry has one of every and cron, and both are there"),
        ({"every": None, "cron": 5}, "5: cron, in the entry 'report': write a cron expression"),
        ({"every": None, "cron": "@daily", "at": "12:00"}, "'12:00': at, in the entry 'report': it goes with every"),
        ({"at": ["12:00", 12]}, "at, in the entry 'report': write a time of day"),
        ({"tz": 1}, "write the name of a zone"),
        ({"args": "42"}, "'42': args, in the entry 'report': write a list of the job's arguments, such as [42]"),
        ({"args": {"a": 1}}, "write a list"),
        ({"kwargs": [1]}, "write the job's arguments by name"),
        ({"kwargs": {1: 1}}, "write the job's arguments by name"),
        ({"paused": "yes"}, "'yes': paused, in the entry 'report': write true or false"),
        ({"paused": 1}, "write true or false"),
        ({"start": False}, "write a date and time"),
        ({"exclude": [1]}, "write a date, a cron expression, or a list of these"),
        ({"if_": "x"}, "'if_': in the entry 'report': there is no such key"),
    ],
)
def test_what_is_wrong_is_said(change, said):
    with pytest.raises(InvalidSchedule) as caught:
        row.of(LEAST | {"every": "1d"} | change)

    assert said in str(caught.value)
