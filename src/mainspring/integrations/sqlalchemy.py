"""The tables of the outbox for SQLAlchemy: beside the application's own, or made at once.

With migrations, the application's metadata gets them, and Alembic finds them there::

    outbox_tables(Base.metadata)
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Engine, Index, Integer, MetaData, SmallInteger, Table, Text

from mainspring.features.outbox.table import JOBS, SOURCE

__all__ = ["create_outbox", "outbox_tables"]


def outbox_tables(metadata: MetaData) -> tuple[Table, Table]:
    """Add the tables of the outbox to *metadata*, and return them: the jobs, and the row that numbers their batches."""
    # SQLite counts up integers only, and only those of a table that says so never come again.
    number = BigInteger().with_variant(Integer, "sqlite")
    jobs = Table(
        JOBS,
        metadata,
        Column("id", number, primary_key=True),
        Column("jid", Text, nullable=False),
        Column("queue", Text, nullable=False),
        Column("at", Double),
        Column("payload", Text, nullable=False),
        Column("created_at", Double, nullable=False),
        Column("batch", BigInteger),
        Index(f"{JOBS}_batch_id", "batch", "id"),
        sqlite_autoincrement=True,
    )
    source = Table(
        SOURCE,
        metadata,
        Column("id", SmallInteger, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False),
        Column("number", BigInteger, nullable=False),
    )
    return jobs, source


def create_outbox(engine: Engine) -> None:
    """Make the tables of the outbox where they are missing; for applications without migrations."""
    metadata = MetaData()
    outbox_tables(metadata)
    metadata.create_all(engine)
