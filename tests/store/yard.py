"""A queue before which gates stand, as clients and workers see it."""

from __future__ import annotations

from mainspring.base import codec
from mainspring.store import flows, gates, keys, limiters, queues
from mainspring.store.flows import Row
from mainspring.store.gates import ASIDE, GRANTED
from mainspring.store.ties import Ties

ME, OTHER = "host:1:aaaaaaaaaaaa", "host:2:bbbbbbbbbbbb"
Q, DAY = "default", "2026-11-22"


class Yard:
    """A queue before which gates stand, as clients and workers see it."""

    def __init__(self, server, store):
        self.server, self.store = server, store
        self.names: dict[str, str] = {}
        self.requests = 0

    def job(self, jid, names):
        self.names[jid] = names
        return codec.encode({"class": "sync", "args": [], "jid": jid, "flow": {"gates": names.split(",")}})

    def push(self, names, *jids, queue=Q):
        rows = [Row(Ties(jid, gates=names), self.job(jid, names)) for jid in jids]
        self.store.run(flows.enter(queue, rows))

    def push_plainly(self, names, *jids, queue=Q):
        self.store.run(queues.push(queue, [self.job(jid, names) for jid in jids]))

    def fetch(self, n=10, who=ME, queue=Q):
        """Fetch, and return delivery -> jid."""
        self.requests += 1
        fetched = self.store.run(queues.fetch(queue, who, n, str(self.requests), "_req"))
        return {seq: codec.decode(raw)["jid"] for seq, raw in fetched.jobs}

    def start(self, held, who=ME, queue=Q):
        """Let fetched jobs start, and return those that may, and those that were put aside."""
        groups = {}
        for seq, jid in held.items():
            groups.setdefault(self.names[jid], []).append((seq, jid))
        jids = [jid for group in groups.values() for _, jid in group]
        answers = dict(zip(jids, self.store.run(gates.enter(queue, who, groups)), strict=True))
        assert set(answers.values()) <= {GRANTED, ASIDE}
        return [jid for jid in answers if answers[jid] == GRANTED], [jid for jid in answers if answers[jid] == ASIDE]

    def finish(self, held, who=ME, queue=Q):
        rows = [(seq, Ties(jid, gates=self.names[jid])) for seq, jid in held.items()]
        assert self.store.run(flows.finish(queue, who, rows, DAY)) == [1] * len(rows)

    def waiting(self, gate):
        return [one.jid for one in self.store.run(gates.page(gate, 0, 1000))]

    def holders(self, gate):
        return {one.jid for one in self.store.run(gates.holders(gate, 0, 1000))}

    def queued(self, queue=Q):
        return [codec.decode(raw)["jid"] for raw in reversed(self.server.client.lrange(keys.queue(queue), 0, -1))]

    def due(self):
        return dict(self.store.run(gates.crowded(100)))

    def is_clean(self):
        words = ("mainspring:gate:", "mainspring:lane:", "mainspring:turns:", "}:lanes")
        names = self.server.keys()
        return not [name for name in names if any(word in name for word in words)] and not self.due()


def used(store, limit):
    """Return how much of a limit is taken."""
    return store.run(limiters.usage([limit]))[0].used


def age(server, gate, seconds=61):
    """Let all that was noted of a gate be older than it is."""
    for member, score in server.client.zrange(keys.gate(gate), 0, -1, withscores=True):
        server.client.zadd(keys.gate(gate), {member: score - seconds * 1000})
    server.client.zadd(keys.GATES_DUE, {gate: 1.0})
