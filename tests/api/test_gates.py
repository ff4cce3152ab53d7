"""People see what waits by which gate, and why; and what they take from there leaves nothing behind."""

from __future__ import annotations

import pytest

from mainspring import App, InvalidOption
from mainspring.store import gates, keys


@pytest.fixture
def shop(server):
    app = App(server.url)

    @app.job(name="sync", concurrency=2, concurrency_key=lambda a: a.tenant)
    def sync(tenant, n=0): ...

    app.store.run(gates.define({"c:sync": "2"}))
    yield app
    app.close()


@pytest.fixture
def waiting(shop):
    """Return the ids of five jobs of one tenant, of which three wait."""
    return [each.jid for each in shop.jobs["sync"].enqueue_many([("acme", n) for n in range(5)])]


GATE = "c:sync:acme"


def test_a_gate_says_what_it_allows_what_holds_it_and_what_waits(shop, waiting):
    (gate,) = shop.gates

    state = gate.state()
    assert (state.name, state.kind, state.most, state.per) == (GATE, "job", 2, None)
    assert (state.held, state.waiting) == (2, 3)
    assert {holder.jid for holder in gate.holders()} == set(waiting[:2])
    assert [job.jid for job in gate.jobs()] == waiting[2:]
    assert {job.place for job in gate.jobs()} == {f"waiting for {GATE}"}
    assert GATE in shop.gates
    assert len(gate) == 3
    assert shop.gates.defined() == {"c:sync": "2"}


def test_a_gate_that_nobody_has_defined_is_open(shop):
    state = shop.gates["window:partner"].state()

    assert (state.kind, state.most, state.held, state.waiting) == ("window", None, 0, 0)
    assert shop.gates.states() == []


def test_a_limiter_says_how_many_in_which_time(shop):
    shop.store.run(gates.define({"window:partner": "10:60000000"}))

    state = shop.gates["window:partner:acme"].state()

    assert (state.kind, state.most, state.per) == ("window", 10, 60.0)


@pytest.mark.parametrize("name", ["", "sync", "a,b:c", "c:\n", None])
def test_what_can_name_no_gate_is_refused(shop, name):
    with pytest.raises(InvalidOption, match="names no gate"):
        shop.gates[name]


def test_a_queue_says_how_many_of_its_jobs_wait_by_gates(shop, waiting):
    queue = shop.queue("default")

    assert queue.size == 2
    assert queue.state().in_lanes == 3
    assert queue.lanes() == {GATE: 3}


def test_a_job_that_waits_is_found(shop, waiting):
    found = shop.find(waiting[4])

    assert found is not None
    assert found.place == f"waiting for {GATE}"
    assert found.args == ["acme", 4]
    assert found.queue == "default"


def test_a_job_that_is_deleted_in_its_lane_is_gone(shop, waiting):
    job = shop.find(waiting[3])

    assert job.delete()

    assert not job.delete()
    assert shop.find(waiting[3]) is None
    assert shop.queue("default").lanes() == {GATE: 2}


def test_a_job_of_a_lane_is_killed_or_put_off_with_its_own_bytes(shop, waiting, server):
    killed, later = shop.find(waiting[3]), shop.find(waiting[4])

    assert killed.kill()
    assert later.reschedule(4_000_000_000.0)

    assert server.client.zrange(keys.DEAD, 0, -1) == [killed.raw]
    assert server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True) == [(later.raw, 4_000_000_000.0)]
    assert shop.gates[GATE].find(waiting[2]).retry() is False


def test_the_last_that_is_taken_from_a_lane_leaves_nothing_of_it(shop, waiting, server):
    for jid in waiting[2:]:
        assert shop.find(jid).delete()

    assert list(shop.gates) == []
    names = server.keys()
    assert not [name for name in names if "lane" in name or "due" in name]


def test_clearing_a_queue_drops_what_waits_by_gates_and_that_alone(shop, waiting, server):
    other = shop.jobs["sync"].using(queue="low").enqueue("acme").jid

    assert shop.queue("default").clear() == 5

    # What waited for the other queue has the slots now.
    assert shop.queue("low").size == 1
    assert {(holder.queue, holder.jid) for holder in shop.gates[GATE].holders()} == {("low", other)}
    assert shop.queue("default").state().in_lanes == 0
    assert list(shop.gates) == []


def test_a_long_lane_is_cleared_part_by_part(shop, server):
    # The second comes before the first, as it was let in where the next runs.
    mixed = [("low" if n % 3 == 0 else "default", n) for n in range(1600)]
    for queue, n in mixed:
        shop.jobs["sync"].using(queue=queue).enqueue("acme", n)

    assert shop.queue("low").clear() == sum(queue == "low" for queue, _ in mixed)

    left = [job.args[1] for job in shop.queue("default")] + [job.args[1] for job in _all(shop.gates[GATE])]
    assert [*sorted(left[:2]), *left[2:]] == [n for queue, n in mixed if queue == "default"]


def _all(gate):
    cursor, found = "", []
    while page := gate.jobs(cursor):
        found += page
        cursor = page.cursor
        if not cursor:
            break
    return found


def test_a_queues_concurrency_is_set_read_and_taken_away(shop):
    queue = shop.queue("reports")
    assert queue.concurrency is None

    queue.concurrency = 3

    assert shop.queue("reports").concurrency == 3
    assert shop.gates["q:reports"].state().kind == "queue"
    queue.concurrency = None
    assert queue.concurrency is None
    assert shop.gates.defined() == {"c:sync": "2"}


@pytest.mark.parametrize("most", [0, -1, True, 2.5, "3"])
def test_a_concurrency_that_means_nothing_is_refused(shop, most):
    with pytest.raises(InvalidOption, match="whole number from 1"):
        shop.queue("reports").concurrency = most


def test_a_job_that_has_left_its_lane_meanwhile_is_let_alone(shop, waiting, server):
    job = shop.find(waiting[2])
    server.client.rpop(keys.lane(GATE))

    assert not job.delete()
    assert not job.kill()
    assert server.client.zcard(keys.DEAD) == 0
