"""The transactional outbox: jobs that exist if, and only if, the caller's transaction commits.

A job is written into a table of the caller's own database, in the caller's own transaction.
After the commit a relay takes it to the store, once. `face` is what a user holds, `table`
what relays do; `alchemy` and `django` know how either library is spoken to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, overload

from mainspring.base.timesource import TimeSource
from mainspring.features.outbox import alchemy, django
from mainspring.features.outbox.face import AsyncOutbox, Outbox, Pusher
from mainspring.features.outbox.table import Database

__all__ = ["AsyncOutbox", "Outbox", "Outboxes", "Relayed"]


class Relayed:
    """The databases whose outboxes an App relays, and who is to be woken when something was written into one."""

    def __init__(self) -> None:
        """Begin without any."""
        self.databases: list[Database] = []
        # Added to by relays that start, read by whoever commits: any thread may do either.
        self._bells: list[Callable[[], object]] = []

    def add(self, database: Database) -> None:
        """Relay the outbox of *database*."""
        if database not in self.databases:
            self.databases.append(database)

    def listen(self, bell: Callable[[], object]) -> None:
        """Call *bell* after each commit of this process from now on."""
        self._bells.append(bell)

    def ignore(self, bell: Callable[[], object]) -> None:
        """Call *bell* no more."""
        if bell in self._bells:
            self._bells.remove(bell)

    def committed(self, *_: object) -> None:
        """Tell the relays of this process to look; what the libraries pass with their events says nothing."""
        for bell in tuple(self._bells):
            bell()


class Host(Protocol):
    """The App, as far as its outboxes are concerned."""

    @property
    def client(self) -> Pusher:
        """What takes its jobs to the store."""

    @property
    def time(self) -> TimeSource:
        """The machine's clocks."""

    @property
    def relayed(self) -> Relayed:
        """The databases whose outboxes it relays."""


class Outboxes:
    """The part of an App that enqueues in transactions."""

    @overload
    def outbox(self: Host, session: alchemy.Awaited) -> AsyncOutbox: ...

    @overload
    def outbox(self: Host, session: alchemy.Blocking) -> Outbox: ...

    @overload
    def outbox(self: Host, *, using: str = "default") -> Outbox: ...

    def outbox(self: Host, session: object = None, *, using: str = "default") -> Outbox | AsyncOutbox:
        """Return an outbox: what is enqueued through it exists if, and only if, the caller's transaction commits.

        Example:
            .. code-block:: python

                with Session(engine) as session, session.begin():
                    session.add(order)
                    app.outbox(session).enqueue(send_receipt, order.id)

                with transaction.atomic():  # Django
                    order.save()
                    app.outbox().enqueue(send_receipt, order.id)

        Args:
            session: A Session, scoped_session or Connection of SQLAlchemy, or one of their twins for asyncio;
                with Django, nothing.
            using: The database's name in Django's settings.

        Raises:
            InvalidOption: If *session* is something else.
        """
        if session is None:
            return Outbox(django.DjangoWriter(using, self.relayed.committed), self.client, self.time)
        writer = alchemy.writer(session, self.relayed.committed)
        if isinstance(writer, alchemy.AsyncWriter):
            return AsyncOutbox(writer, self.client, self.time)
        return Outbox(writer, self.client, self.time)

    @overload
    def relay(self: Host, database: alchemy.Connects | str) -> None: ...

    @overload
    def relay(self: Host, *, using: str) -> None: ...

    def relay(self: Host, database: object = None, *, using: str = "") -> None:
        """Let the workers of this App, and ``mainspring outbox``, push what waits in the outbox of a database.

        Args:
            database: An engine of SQLAlchemy, or a URL for one; with Django, nothing.
            using: The database's name in Django's settings.

        Raises:
            InvalidOption: If *database* is something else.
        """
        if using and database is None:
            self.relayed.add(django.DjangoDatabase(using))
        else:
            self.relayed.add(alchemy.AlchemyDatabase(database))
