"""The report's promise: one file for each day, whole, with the figures of the last writing."""

from __future__ import annotations

from examples.admissions import office, reports
from examples.admissions.office import Application
from examples.admissions.settings import Settings

NOON = 1_800_000_000.0  # of 15 January 2027


def test_a_day_has_one_report(settings: Settings, zoe: Application) -> None:
    with office.reading(settings.database) as db:
        reports.write(settings.reports, office.figures(db), now=NOON)
    with office.transaction(settings.database) as db:
        office.offer(db, zoe.id, now=NOON - 1)
        reports.write(settings.reports, office.figures(db), now=NOON + 1)

    (report,) = settings.reports.iterdir()
    assert report.name == "2027-01-15.txt"
    assert report.read_text() == "Applications on 2027-01-15: open 0, offered 1, rejected 0\n"
