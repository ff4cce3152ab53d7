"""The office's promise: what was decided stays decided, once, on the right side of the deadline."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from examples.admissions import office
from examples.admissions.office import Application
from examples.admissions.settings import Settings

NOON = 1_800_000_000.0


def test_an_application_is_overdue_from_its_deadline_on(settings: Settings, zoe: Application) -> None:
    with office.reading(settings.database) as db:
        assert office.overdue(db, now=NOON - 0.001) == []
        assert office.overdue(db, now=NOON) == [zoe.id]


def test_nobody_is_rejected_before_the_deadline(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        assert office.reject(db, zoe.id, now=NOON - 0.001) is False
        assert office.outcome(db, zoe.id) is None


def test_nobody_is_offered_a_place_at_the_deadline_or_after(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        assert office.offer(db, zoe.id, now=NOON) is False
        assert office.outcome(db, zoe.id) is None


def test_a_rejection_that_comes_again_changes_nothing(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        assert office.reject(db, zoe.id, now=NOON + 1) is True

    with office.transaction(settings.database) as db:
        assert office.reject(db, zoe.id, now=NOON + 2) is True
        assert office.decided_at(db, zoe.id) == NOON + 1
        assert db.execute("SELECT * FROM decisions").fetchall() == [(zoe.id, "rejected", NOON + 1)]


def test_who_was_offered_a_place_is_not_rejected(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        assert office.offer(db, zoe.id, now=NOON - 1) is True
        assert office.reject(db, zoe.id, now=NOON + 1) is False
        assert office.outcome(db, zoe.id) == "offered"


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE applications SET outcome = 'rejected', decided_at = {NOON - 1}",
        f"UPDATE applications SET outcome = 'offered', decided_at = {NOON}",
        "UPDATE applications SET outcome = 'rejected'",
        "UPDATE applications SET outcome = 'forgotten', decided_at = 1",
    ],
)
def test_the_schema_itself_refuses_a_decision_against_the_rules(
    settings: Settings, zoe: Application, change: str
) -> None:
    with pytest.raises(sqlite3.IntegrityError), office.transaction(settings.database) as db:
        db.execute(change)

    with office.reading(settings.database) as db:
        assert office.outcome(db, zoe.id) is None
        assert db.execute("SELECT * FROM decisions").fetchall() == []


def test_the_schema_itself_refuses_to_change_a_decision(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        office.offer(db, zoe.id, now=NOON - 1)

    with (
        pytest.raises(sqlite3.IntegrityError, match="a decision is final"),
        office.transaction(settings.database) as db,
    ):
        db.execute("UPDATE applications SET outcome = 'rejected', decided_at = ?", (NOON + 1,))


def test_a_transaction_that_fails_leaves_nothing_behind(settings: Settings, zoe: Application) -> None:
    def reject_and_die() -> None:
        with office.transaction(settings.database) as db:
            office.reject(db, zoe.id, now=NOON)
            raise KeyError

    with pytest.raises(KeyError):
        reject_and_die()

    with office.reading(settings.database) as db:
        assert office.outcome(db, zoe.id) is None


def test_many_jobs_at_once_reject_each_application_once(settings: Settings) -> None:
    crowd = [Application(n, f"A {n}", f"{n}@mail.example", "Drama", "-", NOON) for n in range(1, 41)]
    with office.transaction(settings.database) as db:
        office.receive(db, crowd)

    def reject(application: Application) -> bool:
        with office.transaction(settings.database) as db:
            return office.reject(db, application.id, now=NOON)

    with ThreadPoolExecutor(8) as jobs:
        answers = list(jobs.map(reject, crowd * 3))

    assert all(answers)
    with office.reading(settings.database) as db:
        assert sorted(row[0] for row in db.execute("SELECT application_id FROM decisions")) == list(range(1, 41))


def test_who_nears_the_deadline_without_a_reference_is_reminded_once(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        assert office.nearing(db, now=NOON - 5, within=5) == [zoe.id]
        assert office.nearing(db, now=NOON - 6, within=5) == []
        assert office.nearing(db, now=NOON, within=5) == []

        db.execute(
            "INSERT INTO mails (key, kind, application_id, recipient, subject, body)"
            " VALUES ('reminder.1', 'reminder', 1, '-', '-', '-')"
        )

        assert office.nearing(db, now=NOON - 5, within=5) == []
