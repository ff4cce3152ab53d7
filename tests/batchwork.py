"""What tests of batches and workflows share: an App with jobs that end as they are told, and workers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mainspring import App, Discard, Kill, current_job
from mainspring.config import Timing
from mainspring.store import keys
from mainspring.worker import Worker
from servers import Server
from support import until

#: Short enough for a test, and long enough for two busy cores.
TIMING = Timing(beat=0.2, lease=5.0, sweep=0.5, grace=1.0, reconcile=60.0)

#: Counts what waits in queues and what is in flight, at one moment.
HELD = """
local n = 0
for _, key in ipairs(redis.call("KEYS", "queue:*")) do n = n + redis.call("LLEN", key) end
for _, key in ipairs(redis.call("KEYS", "{queue:*}:p:*")) do
  for _, field in ipairs(redis.call("HKEYS", key)) do n = n + (string.sub(field, 1, 1) == "_" and 0 or 1) end
end
return n
"""


class Yard:
    """One App on a server, its jobs, and what they noted."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.app = App(server.url)
        self.noted: list[Any] = []
        self.ends = self.job(self._ends, "ends", retry=2)
        self.note = self.job(self._note, "note")

    def job(self, function: Callable[..., Any], name: str = "", **options: Any) -> Any:
        return self.app.job(name=name or function.__name__, **options)(function)

    def _ends(self, how: str) -> None:
        """End as *how* says: ok, drop, die; or "later", which fails until it is retried by hand."""
        if how == "drop":
            raise Discard("as told")
        if how == "die":
            raise Kill("as told")
        if how == "later" and current_job().attempt == 1:
            raise RuntimeError("as told")

    def _note(self, *words: object) -> None:
        batch = self.app.current_batch()
        self.noted.append((*words, *([] if batch is None else [batch.bid])))

    @contextmanager
    def at_work(self, **options: Any) -> Iterator[Worker]:
        with Worker(self.app, 4, **({"timing": TIMING, "timeout": 1.0} | options)) as worker:
            yield worker

    def run(self) -> None:
        """Run all that waits, and what comes of it."""
        with self.at_work():
            self.drained()

    def drained(self) -> None:
        """Return when no job waits in a queue or runs."""
        until(lambda: not self.server.client.eval(HELD, 0))

    def retry_all(self) -> None:
        """Let all that waits for its retry run now, and what comes of it."""
        client = self.server.client
        with self.at_work():
            client.zadd(keys.RETRY, dict.fromkeys(client.zrange(keys.RETRY, 0, -1), 1.0))
            until(lambda: not client.exists(keys.RETRY))
            self.drained()

    def queued(self, queue: str = "default") -> int:
        return int(self.server.client.llen(keys.queue(queue)))
