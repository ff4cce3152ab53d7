"""Outboxes in databases that are reached through Django, which is imported when one is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from mainspring.base.errors import NoTransaction
from mainspring.features.outbox.table import INSERT, Transaction, Values


class DjangoWriter:
    """Writes jobs in the atomic block that is open on a database."""

    def __init__(self, using: str, committed: Callable[[], object]) -> None:
        """Write to the database *using*, and call *committed* after the outermost block has committed."""
        self._using = using
        self._committed = committed

    def write(self, rows: Sequence[Values]) -> None:
        """Write jobs; they are there when the outermost block commits, and never if it, or an inner one, does not.

        Raises:
            NoTransaction: If no atomic block is open.
        """
        from django.db import connections, transaction

        connection = connections[self._using]
        if not connection.in_atomic_block:
            raise NoTransaction(
                f"no transaction is open on the database {self._using!r}: an outbox belongs inside transaction.atomic()"
            )
        with connection.cursor() as cursor:
            cursor.executemany(_pyformat(INSERT), [dict(row) for row in rows])
        transaction.on_commit(self._committed, using=self._using, robust=True)


class DjangoDatabase:
    """A database that a relay reaches by its name in Django's settings."""

    def __init__(self, using: str) -> None:
        """Use the database *using*."""
        self._using = using

    @property
    def name(self) -> str:
        """What it is called in logs."""
        return f"Django's database {self._using!r}"

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What is raised when it does not answer, or refuses."""
        from django.db import Error

        return (Error,)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Open a transaction, which commits at the end of the block, and rolls back at an error."""
        from django.db import connections, transaction

        connection = connections[self._using]
        # As at the beginning of a request: one that has broken, or is too old, is given up.
        connection.close_if_unusable_or_obsolete()
        with transaction.atomic(using=self._using), connection.cursor() as cursor:
            yield _DjangoTransaction(cursor)

    def close(self) -> None:
        """Give up this thread's connection."""
        from django.db import connections

        connections[self._using].close()

    def __eq__(self, other: object) -> bool:
        """Compare the names: one relay for each database is enough."""
        return isinstance(other, DjangoDatabase) and other._using == self._using

    def __hash__(self) -> int:
        """Go with `__eq__`."""
        return hash(self._using)


class _Cursor(Protocol):
    """As much of a cursor as is needed.

    Attributes:
        rowcount: How many rows the last statement changed.
    """

    rowcount: int

    def execute(self, statement: str, values: Values) -> object: ...

    def fetchall(self) -> Sequence[Sequence[object]]: ...


class _DjangoTransaction:
    """A cursor in an atomic block."""

    def __init__(self, cursor: _Cursor) -> None:
        self._cursor = cursor

    def run(self, statement: str, values: Values) -> int:
        self._cursor.execute(_pyformat(statement), dict(values))
        return self._cursor.rowcount

    def rows(self, statement: str, values: Values) -> Sequence[Sequence[object]]:
        self._cursor.execute(_pyformat(statement), dict(values))
        return self._cursor.fetchall()


def _pyformat(statement: str) -> str:
    """Return *statement* with its values named as Django wants them."""
    return re.sub(r":(\w+)", r"%(\1)s", statement)
