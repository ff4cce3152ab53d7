"""What tests of the outbox share: databases of both kinds with its tables, and an App whose jobs go there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from mainspring import App
from mainspring.integrations.sqlalchemy import create_outbox
from servers import Server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path, postgres) -> str:
    """Give the URL of a database of each kind that nobody has used yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shop.db'}"
    return str(postgres().create(f"t{os.urandom(6).hex()}"))


@pytest.fixture
def engine(url) -> Iterator[Engine]:
    """Give a database with the tables of the outbox, and one of the application's own."""
    made = create_engine(url)
    create_outbox(made)
    with made.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    yield made
    made.dispose()


class Shop:
    """An App with a job, on a server that nobody has used."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.app = App(server.url)

        @self.app.job(name="mail")
        def mail(order: int, *, to: str = "") -> None: ...

        self.mail = mail

    def queued(self, queue: str = "default") -> list[dict[str, Any]]:
        """Return the jobs of a queue, the first coming first."""
        return [json.loads(data) for data in reversed(self.server.client.lrange(f"queue:{queue}", 0, -1))]

    def orders(self, queue: str = "default") -> list[Any]:
        """Return the first argument of each job of a queue."""
        return [job["args"][0] for job in self.queued(queue)]


@pytest.fixture
def shop(server) -> Iterator[Shop]:
    """Give a shop."""
    made = Shop(server)
    yield made
    made.app.close()


def rows(engine: Engine) -> list[Any]:
    """Return what stands in the outbox, the oldest first."""
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT * FROM mainspring_outbox ORDER BY id")))
