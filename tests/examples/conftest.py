"""An office of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples.admissions import office
from examples.admissions.office import Application
from examples.admissions.settings import Settings

NOON = 1_800_000_000.0  # the deadline of every application here


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return an empty office."""
    found = Settings(home=tmp_path, smtp_port=0, references_port=0, report_at="00:00")
    for folder in (found.letters, found.reports, found.mailbox):
        folder.mkdir()
    office.create(found.database)
    return found


@pytest.fixture
def zoe(settings: Settings) -> Application:
    """Return an application that lies in the office."""
    application = Application(1, "Zoë Weaver", "zoe@mail.example", "Botany", "I love ferns.", NOON)
    with office.transaction(settings.database) as db:
        office.receive(db, [application])
    return application
