"""Batches in a store, for tests that let their jobs end as they like."""

from __future__ import annotations

import json

from mainspring.store import batches, flows, keys, queues
from mainspring.store.batches import EVENTS, Jobs, Open, Seal
from mainspring.store.connection import Store
from mainspring.store.queues import Settlement
from mainspring.store.ties import Ties

ME = "host:1:aaaaaaaaaaaa"
DAY = "2026-11-22"
NOW = 1_795_000_000.0
PLACES = {"failed": keys.RETRY, "dead": keys.DEAD, "later": keys.SCHEDULE}


class Bench:
    """Batches in a store, and jobs of them that end as a test says."""

    def __init__(self, server):
        self.server = server
        self.store = Store(server.url)
        self.seq = 0

    def make(self, bid="b", jobs=0, *, parent="", number=0, callbacks=EVENTS, seal=True, linger=60.0):
        fields = {}
        for event in callbacks:
            fields |= {f"{event}_calls": 1, f"{event}_queue:0": "calls"}
            fields[f"{event}_job:0"] = json.dumps({"class": f"{bid}:{event}"})
        opened = Open(bid, jobs, 100.0, linger, parent, number, fields)
        added = [Jobs(bid, "work", [b"%d" % n for n in range(jobs)])] if jobs else []
        self.write(opened, *added, *([Seal(bid)] if seal else []))

    def write(self, *sentences, token="t"):
        return self.store.run(batches.write(sentences, token=f"{token}{self.next()}"))

    def end(self, n, what, bid="b", jid="j", result=b""):
        """Let the job *n* of a batch end, and tell the store."""
        seq = self.next()
        self.server.client.hset(keys.inflight("work", ME), seq, b"{}")
        ties = Ties(jid, batch=bid, number=n, result=result, result_ms=60_000)
        if what == "ok":
            assert self.store.run(flows.finish("work", ME, [(seq, ties)], DAY)) == [1]
        else:
            told = Settlement(PLACES.get(what), NOW, b"{}", what=what, ties=ties)
            assert self.store.run(queues.settle("work", ME, seq, told, now=NOW, day=DAY)) == 1

    def next(self):
        self.seq += 1
        return self.seq

    def call_back(self, event, what="ok", bid="b"):
        self.end(batches.callback_number(event, 0), what, bid)

    def status(self, bid="b"):
        return self.store.run(batches.read(bid))

    def told(self):
        """Return the callbacks that were pushed, the first first."""
        return [json.loads(job)["class"] for job in self.server.client.lrange(keys.queue("calls"), 0, -1)][::-1]
