"""What tests of the store share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mainspring.store import bundled, embedded


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a path that is short enough for a socket, and leave no server in it."""
    parent = Path(tempfile.mkdtemp(prefix="ms-"))
    yield parent / ".mainspring"
    for used in parent.rglob(bundled.ALIVE):
        embedded.stop(used.parent)
    shutil.rmtree(parent)


@pytest.fixture
def connect() -> Iterator[Callable[[str], redis.Redis]]:
    """Look into a store from outside."""
    clients: list[redis.Redis] = []

    def client(url: str) -> redis.Redis:
        clients.append(redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)))
        return clients[-1]

    yield client
    for each in clients:
        each.close()
