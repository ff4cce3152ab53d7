"""Where the office keeps its things, read from the environment in one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Settings:
    """The office's addresses.

    Attributes:
        home: The folder that holds everything the office writes.
        smtp_port: Where the local mail server listens.
        references_port: Where the referees' service listens.
        report_at: When the nightly report is written, as ``"HH:MM"`` in UTC.
    """

    home: Path
    smtp_port: int
    references_port: int
    report_at: str

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Return what the environment says, and a fixed place for what it does not say."""
        return cls(
            home=Path(environ.get("ADMISSIONS_HOME", "var/admissions")),
            smtp_port=int(environ.get("ADMISSIONS_SMTP_PORT", "2525")),
            references_port=int(environ.get("ADMISSIONS_REFERENCES_PORT", "8025")),
            report_at=environ.get("ADMISSIONS_REPORT_AT", "00:00"),
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that make `read` in another process say the same."""
        return {
            "ADMISSIONS_HOME": str(self.home),
            "ADMISSIONS_SMTP_PORT": str(self.smtp_port),
            "ADMISSIONS_REFERENCES_PORT": str(self.references_port),
            "ADMISSIONS_REPORT_AT": self.report_at,
        }

    @property
    def database(self) -> Path:
        """The office's SQLite file."""
        return self.home / "office.db"

    @property
    def letters(self) -> Path:
        """The folder of offer letters, one PDF for each offer."""
        return self.home / "letters"

    @property
    def reports(self) -> Path:
        """The folder of nightly reports."""
        return self.home / "reports"

    @property
    def logs(self) -> Path:
        """The folder of what the demo's processes print."""
        return self.home / "logs"

    @property
    def mailbox(self) -> Path:
        """The folder in which the local mail server keeps what it was sent."""
        return self.home / "mailbox"

    @property
    def ledger(self) -> Path:
        """The file that says which jobs were pushed and what became of them."""
        return self.home / "ledger.jsonl"
