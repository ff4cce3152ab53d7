"""What scenarios share: offices whose processes are ended whatever happens."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from scenarios.harness import Office
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
