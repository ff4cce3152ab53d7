"""A full server puts nobody into a lane at the push; its workers let in what waits, and drain the lanes to the last job."""

from __future__ import annotations

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.store import flows, gates, keys, queues, sets
from mainspring.store.connection import Store
from mainspring.store.flows import Row
from mainspring.store.limiters import Limit
from mainspring.store.ties import Ties
from servers import KINDS
from store.yard import ME, Q, Yard
from support import until

SYNC = gates.of_job("sync")
WINDOW = Limit("window", 4, 200_000, "partner")
PARTNER = gates.of_limit(WINDOW)


@pytest.fixture(params=KINDS)
def full(request, private_server):
    """A queue with jobs that wait by two gates, in a server that has reached its limit."""
    server = private_server(request.param)
    store = Store(server.url)
    yard = Yard(server, store)
    store.run(gates.define({SYNC: "2", PARTNER: gates.allows(WINDOW)}))
    yard.push(SYNC, *(f"s{n}" for n in range(10)))
    yard.push(PARTNER, *(f"p{n}" for n in range(10)))
    yard.push_plainly(SYNC, "s10", "s11")
    store.run(queues.push("big", [b"x" * 1000] * 1000))
    server.client.config_set("maxmemory", "1mb")
    yield yard
    store.close()


def test_a_push_of_jobs_that_pass_gates_is_refused_before_anything_is_written(full):
    before = full.server.snapshot()

    with pytest.raises(StoreRefused) as caught:
        full.store.run(flows.enter(Q, [Row(Ties("late", gates=SYNC), b"{}")]))

    assert caught.value.code == "OOM"
    assert full.server.snapshot() == before


def test_workers_drain_the_lanes_to_the_last_job(full):
    done: list[str] = []

    def work() -> bool:
        held = full.fetch(4)
        started, _ = full.start(held) if held else ([], [])
        mine = {seq: jid for seq, jid in held.items() if jid in started}
        full.finish(mine)
        done.extend(mine.values())
        due = full.store.run(sets.due()).gates
        if due:
            full.store.run(gates.open_due(due))
        return len(done) == 22

    until(work)

    assert sorted(done) == sorted([*(f"s{n}" for n in range(12)), *(f"p{n}" for n in range(10))])
    assert full.is_clean()


def test_a_limit_is_defined_anew_as_it_is(full):
    assert full.store.run(gates.define({SYNC: "2"})) == 0
    assert full.store.run(gates.serve(Q, ME, 2)) == 2
    assert full.server.client.hget(keys.GATES, "t:default") == b"2"
