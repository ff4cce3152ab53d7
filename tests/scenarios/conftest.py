"""What scenarios share: offices whose processes are ended whatever happens."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from scenarios.harness import Office
from scenarios.proxy import Proxy
from servers import Server


@pytest.fixture
def offices() -> Iterator[Callable[..., Office]]:
    """Make offices; what they started is gone after the test."""
    made: list[Office] = []

    def make(server: Server, **options: object) -> Office:
        made.append(Office(server, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for office in made:
        office.close()
        shutil.rmtree(office.directory, ignore_errors=True)


@pytest.fixture
def office(server: Server, offices: Callable[..., Office]) -> Office:
    """Give one office on the shared server."""
    return offices(server)


@pytest.fixture
def proxied(offices: Callable[..., Office], server: Server) -> Iterator[Callable[[], tuple[Office, Proxy]]]:
    """Make offices whose workers reach the server through a proxy that can lose what comes and goes."""
    made: list[tuple[Office, Proxy]] = []

    def make() -> tuple[Office, Proxy]:
        office = offices(server)
        proxy = Proxy(server.socket_path, office.seed)
        office.url = proxy.url
        made.append((office, proxy))
        return office, proxy

    yield make
    for office, proxy in made:
        # Pacemakers want to give back, and need a way.
        office.close()
        proxy.close()
