"""The office's full-text index: find an application by a word of it."""

from __future__ import annotations

import sqlite3

from examples.admissions.office import Application


def index(db: sqlite3.Connection, application: Application) -> None:
    """Put an application in the index, in place of what the index held of it.

    Call it in a transaction: between the removal and the insertion nobody would find it.
    """
    db.execute("DELETE FROM search WHERE rowid = ?", (application.id,))
    db.execute(
        "INSERT INTO search (rowid, applicant, programme, statement) VALUES (?, ?, ?, ?)",
        (application.id, application.applicant, application.programme, application.statement),
    )


def find(db: sqlite3.Connection, words: str) -> list[int]:
    """Return the applications that contain all of these words, the best match first."""
    # FTS5 has a query language of its own; in quotes a word is a word.
    query = " ".join('"' + word.replace('"', '""') + '"' for word in words.split())
    if not query:
        return []
    return [row[0] for row in db.execute("SELECT rowid FROM search WHERE search MATCH ? ORDER BY rank", (query,))]
