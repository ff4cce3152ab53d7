"""A key that somebody else uses for another type costs an error, never a job: scripts fail before their first write."""

from __future__ import annotations

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.store import entries, keys, periodic, processes, queues, sets
from mainspring.store.connection import Store
from mainspring.store.periodic import Attempt, TickJob
from mainspring.store.queues import Settlement

pytestmark = pytest.mark.both_stores

ME, Q, DAY, NOW = "host:1:aaaaaaaaaaaa", "default", "2026-11-21", 1_790_000_000.5
QUEUE = keys.queue(Q)
HISTORY = keys.periodic_history("", "report")
TICK = Attempt("report", "1", "4000000000.000", 0.0, TickJob("other", b"new"), b"{}")

#: The key that has the wrong type, and the call that meets it.
CALLS = {
    "push": (QUEUE, queues.push(Q, [b"new"])),
    "fetch": (QUEUE, queues.fetch(Q, ME, 1, "2", "_req")),
    "forward": (QUEUE, sets.forward(keys.SCHEDULE, Q, [(b"kept", b"new")])),
    "give back": (QUEUE, queues.give_back(Q, ME, [1, 2])),
    "leave": (QUEUE, processes.leave(Q, ME)),
    "reclaim": (QUEUE, processes.reclaim(Q, ME, grace_ms=0, now=NOW, certain=True)),
    "reclaim and bury": (
        keys.DEAD,
        processes.reclaim(Q, ME, grace_ms=0, now=NOW, certain=True, changes=[(b"1", "dead", b"x")]),
    ),
    "move": (keys.RETRY, sets.move(keys.SCHEDULE, keys.RETRY, b"kept", b"kept", NOW)),
    "bury": (keys.DEAD, queues.move("other", keys.DEAD, b"waits", score=NOW)),
    "drop": (keys.DEAD, queues.drop("other", [(1, b"waits")], died=NOW)),
    "retry": (keys.RETRY, queues.settle(Q, ME, 1, Settlement(keys.RETRY, NOW, b"x"), now=NOW, day=DAY)),
    "die": (keys.DEAD, queues.settle(Q, ME, 1, Settlement(keys.DEAD, NOW, b"x"), now=NOW, day=DAY)),
    "claim": (HISTORY, periodic.claim_tick("", TICK)),
    "run": (HISTORY, periodic.push_run("", "report", TickJob("other", b"new"), record=b"{}")),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_key_of_another_type_is_refused_before_anything_is_written(server, name):
    key, call = CALLS[name]
    store = Store(server.url)
    store.run(queues.push(Q, [b"one", b"two"]))
    store.run(queues.push("other", [b"waits"]))
    store.run(sets.add([(1.0, b"kept")]))
    store.run(entries.define("", [entries.Definition("report", "1", "1", b"{}")], origin="api"))
    store.run(processes.register(Q, ME, 30_000))
    store.run(queues.fetch(Q, ME, 2, "1", "_req"))
    server.client.hset(key, "somebody", "else's")
    before = server.snapshot()

    with pytest.raises(StoreRefused, match="wrong kind of value"):
        store.run(call)

    assert server.snapshot() == before
    store.close()
