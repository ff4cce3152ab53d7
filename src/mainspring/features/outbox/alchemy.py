"""Outboxes in databases that are reached through SQLAlchemy, which is imported when one is used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol

from mainspring.base.errors import InvalidOption
from mainspring.features.outbox.table import INSERT, Transaction, Values

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session


# What users pass is typed by what it can do: type checkers need not find SQLAlchemy where Django is used.
class Blocking(Protocol):
    """A Session, scoped_session or Connection."""

    def commit(self) -> None:
        """End the transaction."""

    def rollback(self) -> None:
        """Undo the transaction."""


class Awaited(Protocol):
    """An AsyncSession, async_scoped_session or AsyncConnection."""

    def commit(self) -> Awaitable[None]:
        """End the transaction."""

    def rollback(self) -> Awaitable[None]:
        """Undo the transaction."""


class Connects(Protocol):
    """An Engine."""

    def dispose(self) -> None:
        """Close its connections."""


class Writer:
    """Writes jobs in the transaction of a session or a connection."""

    def __init__(self, target: Session | Connection, committed: Callable[[], object]) -> None:
        """Write to *target*, and call *committed* after its commits."""
        self._target = target
        _after_commit(target, committed)

    def write(self, rows: Sequence[Values]) -> None:
        """Write jobs; they are there when the caller commits, and never if it does not."""
        from sqlalchemy import text

        self._target.execute(text(INSERT), [dict(row) for row in rows])


class AsyncWriter:
    """Writes jobs in the transaction of an AsyncSession or an AsyncConnection."""

    def __init__(self, target: AsyncSession | AsyncConnection, committed: Callable[[], object]) -> None:
        """Write to *target*, and call *committed* after its commits."""
        from sqlalchemy.ext.asyncio import AsyncSession

        self._target = target
        _after_commit(target.sync_session if isinstance(target, AsyncSession) else _blocking(target), committed)

    async def write(self, rows: Sequence[Values]) -> None:
        """Write jobs; as `Writer.write`."""
        from sqlalchemy import text

        await self._target.execute(text(INSERT), [dict(row) for row in rows])


def writer(session: object, committed: Callable[[], object]) -> Writer | AsyncWriter:
    """Return what writes in the transaction of *session*.

    Args:
        session: A Session, scoped_session or Connection, or one of their twins for asyncio.
        committed: Called after each commit of it, and for a connection right before.

    Raises:
        InvalidOption: If it is something else.
    """
    try:
        from sqlalchemy import Connection
        from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_scoped_session
        from sqlalchemy.orm import Session, scoped_session
    except ImportError:
        raise InvalidOption(_WANTED.format(session)) from None
    if isinstance(session, scoped_session | async_scoped_session):
        session = session()
    if isinstance(session, Session | Connection):
        return Writer(session, committed)
    if isinstance(session, AsyncSession | AsyncConnection):
        return AsyncWriter(session, committed)
    raise InvalidOption(_WANTED.format(session))


_WANTED: Final = (
    "{!r} is no session or connection of SQLAlchemy: write app.outbox(session), or with Django app.outbox() inside"
    " transaction.atomic()"
)
_NO_ENGINE: Final = '{!r} is no engine of SQLAlchemy, nor a URL for one; with Django write app.relay(using="default")'


def _blocking(connection: AsyncConnection) -> Connection:
    if connection.sync_connection is None:
        raise InvalidOption("this AsyncConnection is not open; write: async with engine.begin() as connection")
    return connection.sync_connection


def _after_commit(target: Session | Connection, committed: Callable[[], object]) -> None:
    """Call *committed* when *target* commits, now and later, however often this is asked for."""
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    name = "after_commit" if isinstance(target, Session) else "commit"
    if event.contains(target, name, committed):
        return
    event.listen(target, name, committed)


class AlchemyDatabase:
    """A database that a relay reaches through an engine."""

    def __init__(self, engine: object) -> None:
        """Use *engine*, or make one of a URL when it is first needed.

        Raises:
            InvalidOption: If it is neither.
        """
        self._given = engine if isinstance(engine, str) else _checked(engine)

    @property
    def name(self) -> str:
        """What it is called in logs, without passwords."""
        from sqlalchemy import make_url

        url = make_url(self._given) if isinstance(self._given, str) else self._given.url
        return url.render_as_string(hide_password=True)

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What is raised when it does not answer, or refuses."""
        from sqlalchemy.exc import SQLAlchemyError

        return (SQLAlchemyError,)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """Open a transaction, which commits at the end of the block, and rolls back at an error."""
        with self._engine.begin() as connection:
            yield _AlchemyTransaction(connection)

    def close(self) -> None:
        """Give up connections that this relay made; those of an engine that was given are its owner's."""
        if isinstance(self._given, str):
            self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        from sqlalchemy import create_engine

        engine = create_engine(self._given, pool_size=1) if isinstance(self._given, str) else self._given
        # An engine that commits each statement by itself would let two relays take one number; one that shows each
        # transaction an old state would let them miss what the other took.
        level = "SERIALIZABLE" if engine.dialect.name == "sqlite" else "READ COMMITTED"
        return engine.execution_options(isolation_level=level)

    def __eq__(self, other: object) -> bool:
        """Compare what was given: one relay for each database is enough."""
        return isinstance(other, AlchemyDatabase) and other._given == self._given

    def __hash__(self) -> int:
        """Go with `__eq__`."""
        return hash(self._given)


class _AlchemyTransaction:
    """A connection in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(self, statement: str, values: Values) -> int:
        from sqlalchemy import text

        return self._connection.execute(text(statement), dict(values)).rowcount

    def rows(self, statement: str, values: Values) -> Sequence[Sequence[object]]:
        from sqlalchemy import text

        return self._connection.execute(text(statement), dict(values)).all()


def _checked(engine: object) -> Engine:
    try:
        from sqlalchemy import Engine
        from sqlalchemy.ext.asyncio import AsyncEngine
    except ImportError:
        raise InvalidOption(_NO_ENGINE.format(engine)) from None
    if isinstance(engine, AsyncEngine):
        raise InvalidOption(
            f"a relay is no coroutine, and {engine!r} is an AsyncEngine; give it the URL of a driver that blocks,"
            ' such as "postgresql+psycopg://..."'
        )
    if not isinstance(engine, Engine):
        raise InvalidOption(_NO_ENGINE.format(engine))
    return engine
