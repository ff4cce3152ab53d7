"""The tables of an outbox: what a transaction writes, and how relays agree on what to push next.

Jobs wait in ``mainspring_outbox``. A relay gives a number to those that are there, up to a batch
of them, and takes it from the one row of ``mainspring_outbox_source``, which it holds until
its own commit. So batches become visible in the order of their numbers, whichever
transaction committed when; and whoever pushes the lowest first needs to remember one number.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

#: A row, or the values of a statement, by name.
Values: TypeAlias = Mapping[str, object]

JOBS: Final = "mainspring_outbox"
SOURCE: Final = "mainspring_outbox_source"

# Statements name their values ``:so``. They are plain enough for every database that has transactions.
INSERT: Final = (
    "INSERT INTO mainspring_outbox (jid, queue, at, payload, created_at)"
    " VALUES (:jid, :queue, :at, :payload, :created_at)"
)
_LOOK: Final = (
    "SELECT (SELECT min(batch) FROM mainspring_outbox),"
    " (SELECT count(*) FROM (SELECT id FROM mainspring_outbox WHERE batch IS NULL LIMIT 1) AS fresh)"
)
_ADVANCE: Final = (
    "UPDATE mainspring_outbox_source"
    " SET number = CASE WHEN number < :now_us THEN :now_us ELSE number + 1 END WHERE id = 1"
)
_ADVANCED: Final = "SELECT number FROM mainspring_outbox_source WHERE id = 1"
_FOUND: Final = "INSERT INTO mainspring_outbox_source (id, name, number) VALUES (1, :name, 0)"
# The inner SELECT has a name of its own since MySQL refuses to update what it selects from.
_TAKE: Final = (
    "UPDATE mainspring_outbox SET batch = :number WHERE id IN (SELECT id FROM"
    " (SELECT id FROM mainspring_outbox WHERE batch IS NULL ORDER BY id LIMIT :most) AS oldest)"
)
_FIRST: Final = (
    "SELECT source.name, jobs.batch, jobs.jid, jobs.queue, jobs.at, jobs.payload FROM mainspring_outbox AS jobs"
    " CROSS JOIN mainspring_outbox_source AS source"
    " WHERE jobs.batch = (SELECT min(batch) FROM mainspring_outbox) ORDER BY jobs.id"
)
_DELETE: Final = "DELETE FROM mainspring_outbox WHERE batch = :number"


class Transaction(Protocol):
    """An open transaction of a relay."""

    def run(self, statement: str, values: Values) -> int:
        """Carry out *statement*, and return how many rows it changed."""

    def rows(self, statement: str, values: Values) -> Sequence[Sequence[object]]:
        """Carry out *statement*, and return all rows that it gives."""


class Database(Protocol):
    """Where an outbox is, as a relay sees it; each thread has a connection of its own.

    Attributes:
        name: What it is called in logs, without passwords.
    """

    @property
    def name(self) -> str:
        """What it is called in logs, without passwords."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What is raised when it does not answer, or refuses."""

    def begin(self) -> AbstractContextManager[Transaction]:
        """Open a transaction, which commits at the end of the block, and rolls back at an error.

        What another transaction has committed is seen by each statement that follows.
        """

    def close(self) -> None:
        """Give up this thread's connection."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One job in an outbox.

    Attributes:
        jid: Its id.
        queue: The queue that it goes to.
        at: When it is due, in unix seconds; None for now.
        payload: The job, encoded.
    """

    jid: str
    queue: str
    at: float | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What is pushed at once.

    Attributes:
        source: What tells this outbox from all others.
        number: Its place among the batches of its outbox: higher than any that was pushed before.
        jobs: The jobs, in the order in which they were enqueued.
    """

    source: str
    number: int
    jobs: Sequence[Waiting]


@dataclass(frozen=True, slots=True)
class Look:
    """What an outbox holds.

    Attributes:
        lowest: The number of the batch that is to be pushed next; None if there is none.
        has_fresh: True if there are jobs that are in no batch yet.
    """

    lowest: int | None = None
    has_fresh: bool = False


#: What an empty outbox holds.
NOTHING: Final = Look()


class Table:
    """The outbox of one database, for a relay."""

    def __init__(self, database: Database) -> None:
        """Read from and write to *database*."""
        self.database = database

    def look(self) -> Look:
        """Return what there is to do; writes nothing."""
        with self.database.begin() as transaction:
            lowest, fresh = transaction.rows(_LOOK, {})[0]
        return Look(None if lowest is None else _integer(lowest), bool(fresh))

    def number(self, now: float, most: int) -> int:
        """Make a batch of the oldest jobs that are in none, and return its number.

        A number is the time in microseconds, or one more than the last: so an outbox that was
        restored from a backup does not give again what it has forgotten.

        Args:
            now: Unix seconds.
            most: How many jobs at most.
        """
        number = self._number(now, most)
        if number is None:
            # Another relay may be just as early; its name will do as well.
            with suppress(*self.database.errors), self.database.begin() as transaction:
                transaction.run(_FOUND, {"name": os.urandom(8).hex()})
            number = self._number(now, most)
        if number is None:
            raise RuntimeError(f"{SOURCE} in {self.database.name} takes no row")
        return number

    def _number(self, now: float, most: int) -> int | None:
        with self.database.begin() as transaction:
            # Holds the row until the commit: numbers become visible in their order. It must be the first statement,
            # lest a SQLite reader that wants to write meets another, and gives up.
            if not transaction.run(_ADVANCE, {"now_us": int(now * 1_000_000)}):
                # Another may make the row just now. Its number would be seen here, and is not ours to take.
                return None
            number = _integer(transaction.rows(_ADVANCED, {})[0][0])
            transaction.run(_TAKE, {"number": number, "most": most})
        return number

    def first(self) -> Batch | None:
        """Return the batch that is to be pushed next; None if there is none.

        No other batch can be had: one that is pushed before a lower one would let the store take the lower for old.
        """
        with self.database.begin() as transaction:
            rows = transaction.rows(_FIRST, {})
        if not rows:
            return None
        return Batch(str(rows[0][0]), _integer(rows[0][1]), [_waiting(row[2:]) for row in rows])

    def delete(self, number: int) -> None:
        """Forget the batch *number*, which the store has."""
        with self.database.begin() as transaction:
            transaction.run(_DELETE, {"number": number})


def _waiting(row: Sequence[object]) -> Waiting:
    jid, queue, at, payload = row
    return Waiting(str(jid), str(queue), at if isinstance(at, float) else None, str(payload).encode())


def _integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a number was expected in the outbox, not {value!r}")
    return value
