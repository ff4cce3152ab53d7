"""What can be meant but hardly is, is said; what is ordinary is not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mainspring.schedule import oddities
from mainspring.schedule.catalog import Catalog

BEGIN, END = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (2026, 2027))
BERLIN = "is no time in Europe/Berlin, since the clocks go forward"


def of(add, *what, **options):
    return oddities.of(getattr(Catalog("Europe/Berlin"), add)(*what, "job", **options), BEGIN, END)


@pytest.mark.parametrize(
    ("add", "what", "options"),
    [
        ("cron", "*/5 * * * *", {}),
        ("cron", "0 9 * * mon-fri", {}),
        ("cron", "30 2 * * *", {"tz": "UTC"}),
        ("cron", "30 2 * * mon", {}),
        ("every", "7m", {}),
        ("every", "1d", {"at": ["09:00", "Sunday 04:30"]}),
        ("every", "1d", {"at": "**:30"}),
        ("every", "1h", {"start": "2030-01-01"}),
    ],
)
def test_nothing_is_said_of_what_is_ordinary(add, what, options):
    assert of(add, what, **options) == []


@pytest.mark.parametrize(
    ("add", "what", "options", "said"),
    [
        ("cron", "30 2 * * *", {}, f"2026-03-29 02:30 {BERLIN}: it runs at 03:00"),
        ("cron", "30 2 * * * Europe/Berlin", {"tz": "UTC"}, f"2026-03-29 02:30 {BERLIN}: it runs at 03:00"),
        ("cron", "30 2 * * *", {"dst": "skip"}, f"2026-03-29 02:30 {BERLIN}: it does not run that day"),
        ("every", "1d", {"at": ["09:00", "Sunday 02:30"]}, f"2026-03-29 02:30 {BERLIN}: it runs at 03:00"),
        ("every", "1h", {"end": "2020-01-01"}, "it is never due again"),
    ],
)
def test_what_is_odd_is_said(add, what, options, said):
    assert of(add, what, **options) == [said]


def test_an_uneven_step_is_said():
    (said,) = of("cron", "*/7 * * * *")

    assert "a step of 7 is uneven" in said


def test_a_time_that_is_missing_is_said_once_and_in_order():
    entry = Catalog("Europe/Berlin").every("1d", "job", at=["02:45", "02:15", "Sunday 02:15"])

    assert [f"{gap.wall:%H:%M}" for gap in oddities.gaps(entry, BEGIN, END)] == ["02:15", "02:45"]
