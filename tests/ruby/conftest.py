"""What tests beside a real Sidekiq share; where there is none they are skipped, in CI they fail."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from ruby.crew import Console, Crew, why_not
from servers import Server


@pytest.fixture(scope="session")
def console() -> Iterator[Console]:
    """Give the run's one Ruby process with Sidekiq's API."""
    if why_not():
        pytest.fail(why_not()) if os.environ.get("CI") == "true" else pytest.skip(why_not())
    made = Console()
    yield made
    made.close()


@pytest.fixture
def crew(server: Server, console: Console) -> Iterator[Crew]:
    """Give one crew on the shared server; what it started is gone after the test."""
    made = Crew(server, console)
    yield made
    _dismiss(made)


@pytest.fixture(scope="module")
def standing(console: Console) -> Iterator[Crew]:
    """Give the tests of one file a crew and a server that none of them changes."""
    server = Server()
    server.start()
    made = Crew(server, console)
    yield made
    _dismiss(made)
    server.close()


def _dismiss(crew: Crew) -> None:
    crew.close()
    crew.app.close()
    shutil.rmtree(crew.directory, ignore_errors=True)
