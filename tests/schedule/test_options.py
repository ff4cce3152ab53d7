"""What may be said of an entry is taken as it is meant, or refused with what is wrong and what would be right."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial

import pytest

from mainspring.base.errors import InvalidName, InvalidSchedule
from mainspring.schedule import options
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.zones import zone


def entry(tz="UTC", **given):
    return Catalog(tz).every("1h", "job", **given)


# --- what is taken ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"missed": "all"}, {"missed": "all"}),
        ({"grace": "5m"}, {"grace": 300.0}),
        ({"grace": 0}, {"grace": 0.0}),
        ({"jitter": timedelta(minutes=5)}, {"jitter": 300.0}),
        ({"jitter": None}, {"jitter": 0.0}),
        ({"overlap": "buffer"}, {"overlap": "buffer"}),
        ({"dst": "skip"}, {"dst": "skip"}),
        ({"paused": True, "skip_first_run": True}, {"paused": True, "skip_first_run": True}),
        ({"description": "For people."}, {"description": "For people."}),
        ({"args": (1, [2])}, {"args": (1, [2])}),
        ({"kwargs": None}, {"kwargs": {}}),
        ({"exclude": "2026-12-25"}, {"exclude": ("2026-12-25",)}),
        ({"exclude": date(2026, 12, 25)}, {"exclude": ("2026-12-25",)}),
        ({"exclude": ["* * * * sun", date(2026, 12, 25)]}, {"exclude": ("* * * * sun", "2026-12-25")}),
    ],
)
def test_an_option_is_taken_in_each_of_its_forms(given, expected):
    made = entry(**given)

    assert {name: getattr(made, name) for name in expected} == expected


def test_a_question_is_kept_as_it_is():
    if_, unless = partial(bool), [].__contains__

    made = entry(if_=if_, exclude=unless)

    assert (made.if_, made.unless, made.exclude) == (if_, unless, ())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-12-24T18:00+01:00", datetime(2026, 12, 24, 17, tzinfo=UTC)),
        ("2026-12-24 18:00", datetime(2026, 12, 24, 17, tzinfo=UTC)),
        ("2026-12-24", datetime(2026, 12, 23, 23, tzinfo=UTC)),
        (datetime(2026, 12, 24, 18), datetime(2026, 12, 24, 17, tzinfo=UTC)),  # noqa: DTZ001 - that is the point
        (datetime(2026, 12, 24, 18, tzinfo=timezone(timedelta(hours=9))), datetime(2026, 12, 24, 9, tzinfo=UTC)),
        (1_700_000_000, datetime.fromtimestamp(1_700_000_000, UTC)),
        ("1970-01-01T00:00Z", datetime.fromtimestamp(0, UTC)),
    ],
)
def test_a_time_without_a_zone_is_meant_in_that_of_the_entry(value, expected):
    assert options.moment("start", value, zone("Europe/Paris")) == expected.timestamp()


def test_a_time_has_the_milliseconds_of_ticks():
    assert options.moment("end", 1_700_000_000.123456, UTC) == 1_700_000_000.123


def test_no_time_is_none():
    assert options.moment("end", None, UTC) is None


# --- what is refused --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"missed": "never"}, "missed: write one of 'once', 'all', 'skip'"),
        ({"overlap": "queue"}, "overlap: write one of 'allow', 'skip', 'buffer'"),
        ({"dst": "twice"}, "dst: write one of 'vixie', 'skip', 'both'"),
        ({"grace": "-1s"}, "as grace: .*negative"),
        ({"jitter": "soon"}, "as jitter: "),
        ({"jitter": True}, "as jitter: "),
        ({"skip_first_run": 1}, "skip_first_run: write True or False"),
        ({"paused": "no"}, "paused: write True or False"),
        ({"description": 5}, "description: write a text"),
        ({"if_": True}, "if_: write a function"),
        ({"args": "42"}, "args: write a list"),
        ({"start": "tomorrow"}, "start: write a datetime"),
        ({"start": date(2026, 1, 1)}, "start: write a datetime"),
        ({"start": True}, "start: write a datetime"),
        ({"start": "1969-12-31"}, "start: write a time from 1970 to 2999"),
        ({"end": "9999-12-31"}, "end: write a time from 1970 to 2999"),
        ({"end": 1e18}, "end: write a time from 1970 to 2999"),
        ({"end": 10**400}, "end: write a time from 1970 to 2999"),
        ({"end": float("nan")}, "end: write a time from 1970 to 2999"),
        ({"start": "0001-01-01", "tz": "Asia/Tokyo"}, "start: write a time from 1970 to 2999"),
        ({"start": "2026-12-02", "end": "2026-12-01"}, "end: it lies before the start"),
        ({"start": "2026-12-01T10:00", "end": "2026-12-01T10:30", "exclude": "* * 1 12 *"}, "exclude: nothing is left"),
        ({"exclude": "* * * * *"}, "exclude: nothing is left of the schedule"),
        ({"exclude": "* * * * *", "end": "2026-12-01"}, "exclude: nothing is left of the schedule"),
        ({"exclude": 5}, "exclude: write a list of at most 100"),
        ({"exclude": {"2026-12-25"}}, "exclude: write a list of at most 100"),
        ({"exclude": ["2026-12-25"] * 101}, "exclude: write a list of at most 100"),
        ({"exclude": [datetime(2026, 12, 25, tzinfo=UTC)]}, "exclude: write a date such as"),
        ({"exclude": [None]}, "exclude: write a date such as"),
        ({"exclude": "2026-13-01"}, "five fields"),
        ({"exclude": "* * * * * Europe/Pariss"}, "Europe/Paris"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_would_be_right(given, says):
    with pytest.raises(InvalidSchedule, match=says):
        entry(**given)


def test_a_rule_of_which_its_start_and_end_leave_nothing_is_refused():
    catalog = Catalog()

    with pytest.raises(InvalidSchedule, match="end: nothing is left of the schedule"):
        catalog.cron("0 12 * * *", "job", start="2026-12-01T13:00", end="2026-12-02T11:00")

    assert not catalog


@pytest.mark.parametrize(
    ("given", "following"),
    [
        ({"end": "2001-01-01"}, None),
        ({"start": "2001-01-01", "end": "2001-01-01"}, None),
        ({"end": "2001-01-01", "exclude": "* * * * sun"}, None),
        ({"start": "2999-12-01"}, "2999-12-01T00:00"),
    ],
)
def test_an_entry_may_have_ended_and_may_begin_late(given, following):
    tick = entry(**given).rule.anchored(1_700_000_000.0).after(1_790_000_000.0)

    assert tick == (following and datetime.fromisoformat(following).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize("value", ["", "a\nb", "\ud800", "x" * 256, 5, None])
def test_a_name_that_cannot_be_stored_or_shown_is_refused(value):
    with pytest.raises(InvalidName, match="write 1 to 255 bytes of printable text"):
        options.name(value)
