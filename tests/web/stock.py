"""Jobs as strangers and workers have left them in a store, for tests of pages."""

from __future__ import annotations

import json
import time
from typing import Any

from mainspring.store import keys

SETS = {"retrying": keys.RETRY, "scheduled": keys.SCHEDULE, "dead": keys.DEAD}
#: What a hostile stranger calls things.
HOSTILE = '<script>alert("x")</script> & \' ../..//\\ \u202eevil \n' + "x" * 300


def jid_of(number: int) -> str:
    """Return a job's id."""
    return f"{number:024x}"


def job(jid: str | int, **fields: Any) -> bytes:
    """Return the bytes of a job."""
    record = {"class": "crm.sync", "queue": "default", "args": [50008], "retry": True, "created_at": time.time() - 90}
    record["jid"] = jid_of(jid) if isinstance(jid, int) else jid
    return json.dumps(record | fields).encode()


def failed(jid: str | int, **fields: Any) -> bytes:
    """Return the bytes of a job that has failed twice."""
    story = {
        "error_class": "crm.HTTPError",
        "error_message": "503 from https://crm.example/contacts/50008",
        "error_signature": "abc123",
        "failed_at": time.time() - 60,
        "retry_count": 1,
    }
    return job(jid, **story | fields)


def put(server: Any, state: str, raw: bytes, at: float | None = None) -> str:
    """Put a job where jobs of *state* are, and return its id; *at* is seconds from now, for those of sets."""
    fields = json.loads(raw)
    if state == "queued":
        server.client.sadd(keys.QUEUES, fields["queue"])
        server.client.lpush(keys.queue(fields["queue"]), raw)
    else:
        server.client.zadd(SETS[state], {raw: time.time() + (300 if at is None else at)})
    return str(fields["jid"])


def everywhere(server: Any, jid: str) -> list[str]:
    """Return where a job is: its queue's or set's key, once for each time that it is there."""
    needle = jid.encode()
    found = []
    for key in server.client.scan_iter():
        kind = server.client.type(key)
        elements = (
            server.client.lrange(key, 0, -1)
            if kind == b"list"
            else server.client.zrange(key, 0, -1)
            if kind == b"zset"
            else []
        )
        found += [key.decode() for element in elements if needle in element and element.startswith(b"{")]
    return found
