"""What tests of bulk operations share: jobs with a past, and someone who does an operation to its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from mainspring.api.operations import Operation, Operations
from mainspring.base.timesource import TimeSource
from mainspring.store import keys
from mainspring.store.connection import Store
from servers import Server

#: When the jobs of these tests were made; long before any cut-off.
PAST = time.time() - 3600.0


def job(jid: str, **fields: object) -> bytes:
    """Return the bytes of a job that failed an hour ago."""
    record = {
        "retry": True, "queue": "default", "class": "shop.sync", "args": [1], "jid": jid, "created_at": PAST,
        "failed_at": PAST + 1, "retry_count": 3, "error_class": "shop.Timeout", "error_message": "no answer",
    }  # fmt: skip
    return json.dumps(record | fields, separators=(",", ":")).encode()


def fill(server: Server, key: str, count: int, make: Callable[[int], bytes] | None = None) -> None:
    """Put *count* jobs with the ids j00000, j00001 ... into a set."""
    build = make or (lambda number: job(f"j{number:05}"))
    # One score for all, as after a bulk operation: their order says nothing.
    server.client.zadd(key, {build(number): PAST + 2 for number in range(count)})


def jids(server: Server, key: str) -> set[str]:
    """Return the ids of the jobs of a set or queue."""
    kind = server.client.type(key)
    raws = server.client.zrange(key, 0, -1) if kind == b"zset" else server.client.lrange(key, 0, -1)
    return {json.loads(raw)["jid"] for raw in raws}


def operations(store: Store) -> Operations:
    """Return the operations of a process of its own."""
    return Operations(store, TimeSource())


def finish(runner: Operations, name: str) -> Operation:
    """Do an operation to its end, and return it."""
    for _ in range(10_000):
        found = runner.find(name)
        assert found is not None
        if found.status != "running":
            return found
        runner.turn(0.0)
    raise AssertionError("it does not end")


def default_queue() -> str:
    """Return the key of the queue to which these jobs go."""
    return keys.queue("default")
