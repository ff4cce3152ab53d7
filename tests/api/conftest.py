"""What tests of the data API share: a stepped clock, and jobs as Ruby and Python write them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from api.still import NOW, StillTime
from mainspring.base.timesource import TimeSource
from mainspring.store.connection import Store


@pytest.fixture
def time() -> TimeSource:
    return StillTime()


@pytest.fixture
def store(server) -> Iterator[Store]:
    store = Store(server.url)
    yield store
    store.close()


@pytest.fixture
def make() -> Callable[..., bytes]:
    """Make the bytes of a job, as Ruby's generator writes them."""

    def payload(jid: str = "a" * 24, name: str = "shop.jobs.add", queue: str = "default", **fields: object) -> bytes:
        record = {"retry": True, "queue": queue, "class": name, "args": [1, 2], "jid": jid, "created_at": NOW - 60.0}
        return json.dumps(record | fields, separators=(",", ":"), ensure_ascii=False).encode()

    return payload
