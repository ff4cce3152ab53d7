"""What tests of sources share: clocks whose source says what the test wants, and looks at what lies in their store."""

from __future__ import annotations

import json
import queue
from collections.abc import Callable, Iterator
from typing import Any

from mainspring import App
from mainspring.clock import Clock, Sync
from mainspring.clock.sync import Synced
from mainspring.store import keys
from support import until

HOURLY = {"name": "sweep", "job": "sweep", "every": "1h"}
NOTHING = Synced("rows", (), (), ())


class Site:
    """A clock with an App of its own, whose source says what the test wants; its rounds arrive in a queue."""

    def __init__(self, url, read, **options):
        self.app = App(url, **options)
        self.app.job(name="shop.sweep")(lambda *args, **kwargs: None)
        self.errors = []
        self.app.on_error(lambda error, job: self.errors.append(error))
        self.app.periodic.sync(read, "0.1s", name="rows")
        self.rounds, self.ticks = queue.SimpleQueue(), queue.SimpleQueue()
        self.sync = Sync(self.app)
        self.sync.synced = self.rounds.put
        self.clock = Clock(self.app, companions=(self.sync,))
        self.clock.ticked = self.ticks.put

    def start(self):
        self.clock.start()
        return self

    def stop(self):
        assert self.clock.stop()
        self.app.close()

    def round(self):
        """Return what came of a round that began after this call."""
        self.rounds.get(timeout=10)
        while self.rounds.qsize():
            self.rounds.get()
        self.rounds.get(timeout=10)
        return self.rounds.get(timeout=10)

    def until(self, expected):
        """Wait for a round that came to *expected*: what was defined, removed and wrong."""
        wanted, seen = Synced("rows", *map(tuple, expected)), []
        until(lambda: seen.append(self.rounds.get(timeout=10)) or seen[-1] == wanted)
        assert set(seen) <= {NOTHING, wanted} or wanted.wrong


def stored(server, name):
    found = server.client.hgetall(keys.periodic_entry("", name))
    return {field.decode(): value.decode() for field, value in found.items()}


def names(server):
    return sorted(name.decode() for name in server.client.zrange(keys.periodic_names(""), 0, -1))


def jids(server):
    return [json.loads(job)["jid"] for job in server.client.lrange(keys.queue("default"), 0, -1)]


def making_sites(url: str) -> Iterator[Callable[..., Site]]:
    """Make sites, and stop them."""
    made: list[Site] = []

    def make(read: Callable[[], Any], **options: Any) -> Site:
        made.append(Site(url, read, **options))
        return made[-1]

    yield make
    for site in made:
        site.stop()
