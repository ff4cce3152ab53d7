"""What is left when the office has closed: gathered once, judged by `rules`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from examples.admissions import keeper, mail, office
from examples.admissions.keeper import Delivery
from examples.admissions.ledger import Ledger, Line
from examples.admissions.settings import Settings


@dataclass(frozen=True, slots=True)
class Decided:
    """What an application's row says of its decision."""

    deadline: float
    outcome: str | None
    decided_at: float | None


@dataclass(frozen=True, slots=True)
class Owed:
    """What a mail's row says."""

    message_id: str
    kind: str
    application_id: int | None
    is_sent: bool


@dataclass(frozen=True, slots=True)
class Ticks:
    """The times of an entry of the clock.

    That one is enqueued twice would be seen elsewhere: the job of a tick has one jid, and would run twice.

    Attributes:
        ideal: Those at which it had to be enqueued.
        seen: Those at which it was.
        strangers: Jobs of it which nobody pushed, and which belong to none of its times.
    """

    ideal: frozenset[float]
    seen: frozenset[float]
    strangers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class StoreEvidence:
    """What the store says of itself.

    Attributes:
        waiting: The jids in queues, in the scheduled set and in the retry set.
        dead: The jids in the dead set.
        ticks: By the name of the clock's entry.
    """

    waiting: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()
    ticks: Mapping[str, Ticks] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the rules look at.

    Attributes:
        closed_at: Deadlines up to here, in unix seconds, must have been acted upon.
        victims: The pids of the workers that were killed.
        decisions: The auditor's list: numbers of applications, and outcomes.
        kept: The Message-IDs in the mailbox.
        letters: Whether the letter is a whole PDF, by the number of the application.
        disorders: What was wrong with the processes' ends.
        indexed: The applications in the search index.
        reports: The names of the nightly reports.
        damage: What SQLite complains about.
    """

    closed_at: float
    victims: frozenset[int]
    disorders: tuple[str, ...]
    applications: Mapping[int, Decided]
    decisions: tuple[tuple[int, str], ...]
    mails: tuple[Owed, ...]
    kept: frozenset[str]
    deliveries: tuple[Delivery, ...]
    letters: Mapping[int, bool]
    indexed: frozenset[int]
    reports: tuple[str, ...]
    damage: tuple[str, ...]
    lines: tuple[Line, ...]
    waiting: frozenset[str]
    dead: frozenset[str]
    ticks: Mapping[str, Ticks]


def gather(
    settings: Settings,
    store: StoreEvidence,
    *,
    closed_at: float,
    victims: frozenset[int] = frozenset(),
    disorders: tuple[str, ...] = (),
) -> Evidence:
    """Look at everything the office has left behind."""
    with office.reading(settings.database) as db:
        return Evidence(
            closed_at=closed_at,
            victims=victims,
            disorders=disorders,
            applications=_applications(db),
            decisions=tuple(db.execute("SELECT application_id, outcome FROM decisions").fetchall()),
            mails=_mails(db),
            kept=frozenset(keeper.kept(settings.mailbox)),
            deliveries=tuple(keeper.deliveries(settings.mailbox)),
            letters=_letters(settings.letters),
            indexed=frozenset(row[0] for row in db.execute("SELECT rowid FROM search")),
            reports=tuple(path.name for path in settings.reports.glob("*.txt")),
            damage=_damage(db),
            lines=tuple(Ledger(settings.ledger).read()),
            waiting=store.waiting,
            dead=store.dead,
            ticks=store.ticks,
        )


def _applications(db: sqlite3.Connection) -> dict[int, Decided]:
    rows = db.execute("SELECT id, deadline, outcome, decided_at FROM applications")
    return {number: Decided(*rest) for number, *rest in rows}


def _mails(db: sqlite3.Connection) -> tuple[Owed, ...]:
    rows = db.execute("SELECT key, kind, application_id, sent_at FROM mails")
    return tuple(
        Owed(mail.message_id(key), kind, application_id, sent_at is not None)
        for key, kind, application_id, sent_at in rows
    )


def _letters(folder: Path) -> dict[int, bool]:
    return {int(path.stem.removeprefix("offer-")): _is_pdf(path.read_bytes()) for path in folder.glob("offer-*.pdf")}


def _is_pdf(content: bytes) -> bool:
    return content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")


def _damage(db: sqlite3.Connection) -> tuple[str, ...]:
    found = [row[0] for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    dangling = db.execute("PRAGMA foreign_key_check")
    found += [f"{table}, row {row}: what it names is not in {parent}" for table, row, parent, _ in dangling]
    return tuple(found)
