"""The settings' promise: what one process is told, another reads."""

from __future__ import annotations

from pathlib import Path

from examples.admissions.settings import Settings


def test_another_process_reads_the_same_settings() -> None:
    told = Settings(Path("/srv/office"), smtp_port=1025, references_port=1080, report_at="23:30")

    assert Settings.read(told.environment()) == told


def test_without_an_environment_everything_has_its_place() -> None:
    assert Settings.read({}) == Settings(Path("var/admissions"), 2525, 8025, "00:00")
