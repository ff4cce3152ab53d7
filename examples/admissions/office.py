"""The office's database: who applied, by when the office decides, and what it decided.

Each rule stands in `schema.sql`; the functions here are the only ways to act on it.
They take an open connection, so that a job chooses what belongs to one transaction,
and the time, so that a rule means the same wherever it is asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

SCHEMA = Path(__file__).with_name("schema.sql")
BUSY_TIMEOUT = 10.0  # seconds to wait for another writer: SQLite lets one write at a time


@dataclass(frozen=True, slots=True)
class Application:
    """One applicant's request to study, and the time by which it must be decided."""

    id: int
    applicant: str
    email: str
    programme: str
    statement: str
    deadline: float


def create(database: Path) -> None:
    """Make the database, empty."""
    with closing(_connect(database)) as db:
        db.executescript(SCHEMA.read_text())


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """Open the database to look something up."""
    with closing(_connect(database)) as db:
        yield db


@contextmanager
def transaction(database: Path) -> Iterator[sqlite3.Connection]:
    """Open the database to change it: all of the block happens, or nothing of it."""
    with closing(_connect(database)) as db:
        # IMMEDIATE takes the write lock before the first look, so that nothing that was
        # looked up can be changed by another before this transaction acts on it.
        db.execute("BEGIN IMMEDIATE")
        with db:
            yield db


def receive(db: sqlite3.Connection, applications: Iterable[Application]) -> None:
    """Enter applications."""
    db.executemany(
        "INSERT INTO applications (id, applicant, email, programme, statement, deadline) VALUES (?, ?, ?, ?, ?, ?)",
        ((a.id, a.applicant, a.email, a.programme, a.statement, a.deadline) for a in applications),
    )


def find(db: sqlite3.Connection, application_id: int) -> Application:
    """Return one application.

    Raises:
        LookupError: If there is none of this number.
    """
    row = db.execute(
        "SELECT id, applicant, email, programme, statement, deadline FROM applications WHERE id = ?",
        (application_id,),
    ).fetchone()
    if row is None:
        raise LookupError(f"there is no application {application_id}")
    return Application(*row)


def behind(db: sqlite3.Connection, application_id: int) -> list[int]:
    """Return the applications with greater numbers than this one, in order."""
    return [row[0] for row in db.execute("SELECT id FROM applications WHERE id > ? ORDER BY id", (application_id,))]


def overdue(db: sqlite3.Connection, *, now: float) -> list[int]:
    """Return the undecided applications whose deadline has passed, the longest overdue first."""
    rows = db.execute("SELECT id FROM applications WHERE outcome IS NULL AND deadline <= ? ORDER BY deadline", (now,))
    return [row[0] for row in rows]


def nearing(db: sqlite3.Connection, *, now: float, within: float) -> list[int]:
    """Return the applications that fall due within so many seconds, lack a reference and were not yet reminded."""
    rows = db.execute(
        "SELECT id FROM applications AS a WHERE outcome IS NULL AND deadline > ? AND deadline <= ?"
        " AND NOT EXISTS (SELECT 1 FROM recommendations WHERE application_id = a.id)"
        " AND NOT EXISTS (SELECT 1 FROM mails WHERE application_id = a.id AND kind = 'reminder')",
        (now, now + within),
    )
    return [row[0] for row in rows]


def reject(db: sqlite3.Connection, application_id: int, *, now: float) -> bool:
    """Reject an application whose deadline has passed.

    Returns:
        True if it is rejected, by this call or an earlier one; False if it was offered
        a place, or its deadline is still to come.
    """
    db.execute(
        "UPDATE applications SET outcome = 'rejected', decided_at = :now"
        " WHERE id = :id AND outcome IS NULL AND deadline <= :now",
        {"now": now, "id": application_id},
    )
    return outcome(db, application_id) == "rejected"


def offer(db: sqlite3.Connection, application_id: int, *, now: float) -> bool:
    """Offer a place to an applicant whose deadline is still to come.

    Returns:
        True if it is offered, by this call or an earlier one; False if it is too late.
    """
    db.execute(
        "UPDATE applications SET outcome = 'offered', decided_at = :now"
        " WHERE id = :id AND outcome IS NULL AND deadline > :now",
        {"now": now, "id": application_id},
    )
    return outcome(db, application_id) == "offered"


def offered(db: sqlite3.Connection) -> list[int]:
    """Return the applications that were offered a place, in order."""
    return [row[0] for row in db.execute("SELECT id FROM applications WHERE outcome = 'offered' ORDER BY id")]


def outcome(db: sqlite3.Connection, application_id: int) -> str | None:
    """Return ``"offered"``, ``"rejected"``, or None while the office has not decided."""
    row = db.execute("SELECT outcome FROM applications WHERE id = ?", (application_id,)).fetchone()
    return None if row is None else row[0]


def decided_at(db: sqlite3.Connection, application_id: int) -> float:
    """Return when the office decided, in unix seconds.

    Raises:
        LookupError: If it has not.
    """
    row = db.execute("SELECT decided_at FROM applications WHERE id = ?", (application_id,)).fetchone()
    if row is None or row[0] is None:
        raise LookupError(f"application {application_id} is not decided")
    return float(row[0])


def figures(db: sqlite3.Connection) -> dict[str, int]:
    """Count the applications by what became of them."""
    rows = db.execute("SELECT coalesce(outcome, 'open'), count(*) FROM applications GROUP BY 1")
    return {"open": 0, "offered": 0, "rejected": 0} | dict(rows.fetchall())


def _connect(database: Path) -> sqlite3.Connection:
    db = sqlite3.connect(database, timeout=BUSY_TIMEOUT, isolation_level=None)
    db.execute("PRAGMA foreign_keys = ON")
    # In WAL mode NORMAL survives the death of any process; FULL would add the death of the machine.
    db.execute("PRAGMA synchronous = NORMAL")
    return db
