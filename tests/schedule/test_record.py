"""An entry and its record say the same, on every machine; what differs in a record differs in its stamp."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring.base import codec
from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import record
from mainspring.schedule.catalog import Catalog


def is_weekday(t):
    return t.weekday() < 5


class Office:
    """A question that is an object, and one that is its method."""

    def is_open(self, t):
        return True

    def __call__(self, t):
        return True


def every(period="1h", tz="UTC", **options):
    return Catalog(tz).every(period, "job", **options)


def read(made, tz="UTC"):
    """Return what another clock, whose App has another zone, reads of the record of an entry."""
    return record.entry(made.name, codec.decode(codec.encode(record.record(made))), Catalog(tz))


# --- there and back ----------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
ZONES = st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe"])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["sweep", "nightly sweep", "b\N{LATIN SMALL LETTER U WITH DIAERESIS}ro"]),
        "args": st.lists(JSON, max_size=3),
        "kwargs": st.dictionaries(st.text(max_size=3), JSON, max_size=3),
        "queue": st.sampled_from(["low", "high"]),
        "missed": st.sampled_from(["once", "all", "skip"]),
        "grace": st.none() | st.sampled_from(["5m", 0, 0.5, 1e6]),
        "overlap": st.sampled_from(["allow", "skip", "buffer"]),
        "jitter": st.none() | st.sampled_from(["5m", 0, 0.001, 86_400]),
        "start": st.none() | st.floats(0, 1e9) | st.sampled_from(["2001-01-01", "2001-01-01T09:30:00.125+05:30"]),
        "end": st.none() | st.floats(2e9, 3e10) | st.sampled_from(["2040-01-01", "2040-06-01T02:30"]),
        "exclude": st.sampled_from([(), "2026-12-25", ["* * * * sun", "2026-12-24", "*/20 10 * * * Asia/Tokyo"]]),
        "dst": st.sampled_from(["vixie", "skip", "both"]),
        "skip_first_run": st.booleans(),
        "paused": st.booleans(),
        "description": st.none() | st.text(max_size=5),
        "tz": st.none() | ZONES,
    },
)
PERIODS = st.sampled_from([1, 10, "10m", "1h30m", "1d", "1w", 123.456])
TIMES = st.sampled_from([None, "12:00", "mon 12:30", ["06:00", "18:00"], "**:15"])
CRONS = st.sampled_from(
    ["* * * * *", "0 9 * * mon-fri", "H H * * *", "*/10 * * * * *", "0 9 * * * Asia/Tokyo", "@daily", "0 0 L * *",
     "every weekday at 9:30", "every monday and friday at 5pm"]
)  # fmt: skip


@given(PERIODS, TIMES, OPTIONS, ZONES, ZONES)
@settings(deadline=None)
def test_an_entry_with_a_period_that_was_recorded_and_read_is_the_same(period, at, options, tz, elsewhere):
    made = Catalog(tz).every(period, "job", at=at, **options)

    assert read(made, elsewhere) == made
    assert record.record(read(made, elsewhere)) == record.record(made)


@given(CRONS, OPTIONS, ZONES, ZONES)
@settings(deadline=None)
def test_an_entry_with_an_expression_that_was_recorded_and_read_is_the_same(expression, options, tz, elsewhere):
    made = Catalog(tz).cron(expression, "job", **options)

    assert read(made, elsewhere) == made
    assert record.record(read(made, elsewhere)) == record.record(made)


def test_a_record_holds_only_what_is_unusual():
    assert record.record(every("10m")) == {"job": "job", "schedule": "every 10m", "every": 600.0}


def test_a_record_can_be_read_by_people():
    made = every("1d", at="09:00", tz="Europe/Paris", start="2026-12-01", exclude="2026-12-25", if_=is_weekday)

    assert record.record(made) == {
        "job": "job",
        "schedule": "every 1d at 09:00",
        "tz": "Europe/Paris",
        "every": 86_400.0,
        "at": ["09:00"],
        "start": "2026-11-30T23:00:00+00:00",
        "exclude": ["2026-12-25"],
        "if_": f"{__name__}.is_weekday",
    }


def test_times_of_an_app_in_another_zone_stay_in_utc():
    made = Catalog("Europe/Paris").cron("0 9 * * *", "job", tz="UTC")

    assert read(made, "Europe/Paris").tz == "UTC"


# --- questions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "name"),
    [
        (is_weekday, f"{__name__}.is_weekday"),
        (lambda t: t, f"{__name__}.<lambda>"),
        (Office().is_open, f"{__name__}.Office.is_open"),
        (Office(), f"{__name__}.Office"),
        (partial(is_weekday), "functools.partial"),
        (len, "builtins.len"),
    ],
)
def test_of_a_question_a_record_holds_a_name_that_is_the_same_in_each_process(question, name):
    assert record.record(every(if_=question))["if_"] == name
    assert record.record(every(exclude=question))["unless"] == name


def test_an_entry_that_asks_is_not_portable_and_is_read_without_its_questions():
    plain, asking = every(), every(if_=is_weekday, exclude=is_weekday)

    assert record.is_portable(record.record(plain))
    assert not record.is_portable(record.record(asking))
    assert read(asking) == replace(asking, if_=None, unless=None)


# --- stamps -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "is_due_otherwise"),
    [
        ({"tz": "Europe/Paris"}, True),
        ({"at": "**:15"}, True),
        ({"start": "2026-01-01"}, True),
        ({"end": "2036-01-01"}, True),
        ({"exclude": "2026-12-25"}, True),
        ({"exclude": is_weekday}, True),
        ({"dst": "both"}, True),
        ({"args": [1]}, False),
        ({"kwargs": {"a": 1}}, False),
        ({"queue": "low"}, False),
        ({"missed": "all"}, False),
        ({"grace": "1m"}, False),
        ({"overlap": "skip"}, False),
        ({"jitter": "1m"}, False),
        ({"skip_first_run": True}, False),
        ({"paused": True}, False),
        ({"description": "x"}, False),
        ({"if_": is_weekday}, False),
    ],
)
def test_whatever_changes_another_stamp_stands_for_and_another_when_only_for_other_times(options, is_due_otherwise):
    before, after = record.record(every()), record.record(every(**options))

    assert record.stamp(before) != record.stamp(after)
    assert (record.when(before) != record.when(after)) is is_due_otherwise


def test_a_schedule_that_is_worded_otherwise_is_due_at_the_same_times():
    assert record.when(record.record(every("60m"))) == record.when(record.record(every("1h")))


PROGRAM = """
from functools import partial
from mainspring import App
from mainspring.schedule import record

app = App("redis://127.0.0.1:1")
add = app.schedule.every
for n in range(20):
    add("10m", "sweep", args=[n], kwargs={str(k): k for k in range(9)}, if_=lambda t: t, exclude=["2026-12-25"])
add("1d", "report", at=["18:00", "06:00"], exclude=partial(print), tz="Europe/Paris", start="2026-12-01")
app.schedule.cron("H H * * *", "report", jitter="5m")
stamps = {entry.name: app.definition(entry).stamp for entry in app.schedule.values()}
print(record.code_digest(stamps), record.code_digest(dict(reversed(stamps.items()))))
"""


def test_the_same_code_has_the_same_digest_in_each_process_and_in_each_order():
    found = {
        word
        for seed in "012"
        for word in subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    }

    assert len(found) == 1
    assert len(found.pop()) == 16


# --- what cannot be read --------------------------------------------------------------------

GARBAGE = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.none(), max_size=2)
)


@given(st.one_of(GARBAGE, st.dictionaries(st.text(max_size=5), GARBAGE, max_size=3)))
def test_what_is_no_record_is_refused(data):
    with pytest.raises(InvalidSchedule):
        record.entry("sweep", data, Catalog())


@given(st.sampled_from(sorted(record._FIELDS)), GARBAGE | st.sampled_from([1e18, 10**30, "9999-12-31", "0001-01-01"]))
@settings(deadline=None, max_examples=300)
def test_a_record_with_one_odd_field_is_read_or_refused(key, value):
    data = {"job": "job", "every": 3600.0} | {key: value}

    try:
        made = record.entry("sweep", data, Catalog())
    except InvalidSchedule:
        return
    tick = made.rule.anchored(1.7e9).after(1.7e9)
    assert tick is None or tick > 1.7e9


def test_keys_that_a_newer_release_writes_are_passed_over():
    newer = record.record(every("1h")) | {"colour": "red", "if_": "shop.is_open"}

    assert record.entry("sweep", newer, Catalog()) == every("1h", name="sweep")
