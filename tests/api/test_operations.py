"""A bulk operation does one thing, once, to the jobs that its filter means and that were there at its cut-off; to no other."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

from api.bulk import PAST, default_queue, fill, finish, jids, job, operations
from mainspring.api.audit import Audit
from mainspring.api.operations import Operations
from mainspring.base.errors import InvalidFilter, InvalidOption
from mainspring.store import batches, flows, gates, keys, queues
from mainspring.store import operations as verbs
from mainspring.store.flows import Row
from mainspring.store.ties import Ties

pytestmark = pytest.mark.both_stores


@pytest.fixture
def ops(store) -> Operations:
    return operations(store)


# --- what is done ------------------------------------------------------------------------

#: Action, state, where the jobs are, and where they are afterwards.
DONE = [
    ("retry", "retrying", keys.RETRY, default_queue()),
    ("retry", "dead", keys.DEAD, default_queue()),
    ("enqueue", "scheduled", keys.SCHEDULE, default_queue()),
    ("kill", "retrying", keys.RETRY, keys.DEAD),
    ("kill", "scheduled", keys.SCHEDULE, keys.DEAD),
    ("reschedule", "retrying", keys.RETRY, keys.RETRY),
    ("reschedule", "scheduled", keys.SCHEDULE, keys.SCHEDULE),
    ("reschedule", "dead", keys.DEAD, keys.SCHEDULE),
    ("delete", "retrying", keys.RETRY, None),
    ("delete", "scheduled", keys.SCHEDULE, None),
    ("delete", "dead", keys.DEAD, None),
]


@pytest.mark.parametrize(("action", "state", "key", "target"), DONE)
def test_what_is_meant_is_done_and_the_rest_is_left_alone(server, ops, action, state, key, target) -> None:
    fill(server, key, 700, lambda n: job(f"j{n:05}", error_class=("shop.Timeout", "ValueError")[n % 2]))
    at = time.time() + 900 if action == "reschedule" else None
    others = {f"j{n:05}" for n in range(1, 700, 2)}

    found = finish(ops, ops.start(action, "error:Timeout", state=state, by="ann", at=at).id)

    assert (found.status, found.done, found.skipped, found.total) == ("done", 350, 0, 700)
    # What was moved within its set is seen again.
    assert 700 <= found.looked <= 1050
    if target is None:
        assert jids(server, key) == others
    elif target == key:
        due = server.client.zrangebyscore(key, at, at)
        assert {json.loads(raw)["jid"] for raw in due} == {f"j{n:05}" for n in range(700)} - others
        assert server.client.zcard(key) == 700
    else:
        assert jids(server, key) == others
        assert jids(server, target) == {f"j{n:05}" for n in range(700)} - others


@pytest.mark.parametrize("action", ["delete", "kill"])
def test_what_waits_in_queues_is_taken_out_of_their_midst(server, ops, action) -> None:
    for queue in ("low", "high"):
        raws = [
            job(f"{queue}{n:05}", queue=queue, **{"class": ("shop.sync", "shop.mail")[n % 3 > 0]}) for n in range(1300)
        ]
        server.client.rpush(keys.queue(queue), *raws)
        server.client.sadd(keys.QUEUES, queue)

    found = finish(ops, ops.start(action, "queue:low class:sync", state="queued").id)

    left = [f"low{n:05}" for n in range(1300) if n % 3]
    assert [json.loads(raw)["jid"] for raw in server.client.lrange(keys.queue("low"), 0, -1)] == left
    assert server.client.llen(keys.queue("high")) == 1300
    assert found.done == 434
    assert server.client.zcard(keys.DEAD) == (434 if action == "kill" else 0)


@pytest.mark.parametrize("action", ["delete", "kill"])
def test_what_waits_by_gates_is_taken_out_of_their_lanes(server, ops, store, action) -> None:
    store.run(gates.define({"c:x": "1"}))
    flow = {"gates": ["c:x"]}
    names = ["first", *(f"{kind}{n:03}" for n in range(600) for kind in ("in", "out"))]
    rows = [Row(Ties(name, gates="c:x"), job(name, flow=flow, tags=[name[:2]])) for name in names]
    for start in range(0, len(rows), 100):
        store.run(flows.enter("default", rows[start : start + 100]))

    found = finish(ops, ops.start(action, "-tag:ou", state="waiting").id)

    assert (found.status, found.done) == ("done", 600)
    assert store.run(gates.count_waiting("c:x")) == 600
    assert store.run(gates.lanes("default")) == {"c:x": 600}
    assert jids(server, default_queue()) == {"first"}
    assert server.client.zcard(keys.DEAD) == (600 if action == "kill" else 0)


def test_a_retried_job_is_as_if_it_had_been_retried_alone(server, ops, store) -> None:
    server.client.zadd(keys.DEAD, {job("a", queue="low"): PAST})

    finish(ops, ops.start("retry", state="dead").id)

    (pushed,) = map(json.loads, server.client.lrange(keys.queue("low"), 0, -1))
    assert pushed["retry_count"] == 2
    assert pushed["enqueued_at"] > PAST + 60
    assert server.client.sismember(keys.QUEUES, "low")


@pytest.mark.parametrize(
    ("state", "key", "target"), [("retrying", keys.RETRY, keys.RETRY), ("dead", keys.DEAD, keys.SCHEDULE)]
)
def test_spread_retries_lie_evenly_over_the_time(server, ops, state, key, target) -> None:
    fill(server, key, 1200)
    begin = time.time()

    found = finish(ops, ops.start("retry", state=state, spread="10m").id)

    scores = [score for _, score in server.client.zrange(target, 0, -1, withscores=True)]
    minutes = Counter(int((score - found.started_at) // 60) for score in scores)
    assert found.done == len(scores) == 1200
    assert begin - 1 <= min(scores)
    assert max(scores) <= found.started_at + 660
    assert all(abs(minutes[minute] - 120) <= 6 for minute in range(1, 10))
    assert json.loads(server.client.zrange(target, 0, 0)[0])["retry_count"] == 2


def test_the_dead_set_keeps_its_bound_when_many_are_killed(server, ops) -> None:
    fill(server, keys.RETRY, 10_400)

    finish(ops, ops.start("kill", state="retrying").id)

    assert server.client.zcard(keys.DEAD) == queues.DEAD_MOST


def test_what_hangs_on_a_job_is_settled(server, ops, store) -> None:
    store.run(batches.write([batches.Open("b1", 3, 60.0, 60.0)], token="t"))
    flow = {"lock": "x", "unique_for": 60, "bid": "b1", "n": 1}
    server.client.zadd(keys.RETRY, {job("a", flow=flow): PAST + 2})
    server.client.set(keys.lock("x"), "a", px=60_000)

    finish(ops, ops.start("delete", state="retrying").id)

    assert not server.exists(keys.lock("x"))
    assert store.run(batches.states("b1")) != b""


# --- the cut-off -----------------------------------------------------------------------------


def later(name: str, **fields: object) -> bytes:
    return job(name, **{field: time.time() + 5 if value is ... else value for field, value in fields.items()})


#: State, its key, and what has happened to a job since.
LATE = [
    ("retrying", keys.RETRY, {"failed_at": ...}),
    ("retrying", keys.RETRY, {"retried_at": ...}),
    ("retrying", keys.RETRY, {"enqueued_at": ...}),
    ("retrying", keys.RETRY, {"rescheduled_at": ...}),
    ("scheduled", keys.SCHEDULE, {"created_at": ...}),
    ("scheduled", keys.SCHEDULE, {"rescheduled_at": ...}),
    ("dead", keys.DEAD, {"retried_at": ...}),
    ("retrying", keys.RETRY, {"recovered": [PAST, time.time() + 1e6]}),
]


@pytest.mark.parametrize(("state", "key", "since"), LATE)
def test_a_job_to_which_something_happened_since_is_untouched(server, ops, state, key, since) -> None:
    server.client.zadd(key, {job("old"): PAST + 2, later("new", **since): PAST + 2})

    found = finish(ops, ops.start("delete", state=state).id)

    assert jids(server, key) == {"new"}
    assert (found.done, found.skipped, found.looked) == (1, 0, 2)


def test_a_job_that_died_since_is_untouched(server, ops) -> None:
    server.client.zadd(keys.DEAD, {job("old"): PAST + 2, job("new"): time.time() + 5})

    finish(ops, ops.start("delete", state="dead").id)

    assert jids(server, keys.DEAD) == {"new"}


def test_what_a_person_saw_is_what_counts_and_not_when_they_clicked(server, ops) -> None:
    seen = time.time() - 60
    server.client.zadd(keys.RETRY, {job("old"): PAST + 2, job("new", retried_at=seen + 30): PAST + 2})

    found = finish(ops, ops.start("delete", state="retrying", cutoff=seen).id)

    assert found.cutoff == pytest.approx(seen)
    assert jids(server, keys.RETRY) == {"new"}


def test_a_cut_off_in_the_future_is_now(server, ops) -> None:
    found = ops.start("delete", state="retrying", cutoff=time.time() + 1e6)

    assert found.cutoff == pytest.approx(found.started_at)


def test_a_job_that_fails_again_while_the_operation_runs_is_retried_once(server, ops) -> None:
    fill(server, keys.RETRY, 1500)
    found = ops.start("retry", state="retrying")
    back: Counter[str] = Counter()

    while ops.turn(0.0):
        # A worker whose clock is slow runs them, and all of them fail at once.
        for raw in server.client.lpop(default_queue(), 1500) or ():
            record = json.loads(raw)
            back[record["jid"]] += 1
            server.client.zadd(keys.RETRY, {json.dumps(record | {"retried_at": PAST + 3}).encode(): PAST + 9})

    assert set(back.values()) == {1}
    assert len(back) == 1500
    assert ops.find(found.id).done == 1500


def test_ages_count_from_the_cut_off(server, ops) -> None:
    server.client.zadd(keys.RETRY, {job("a", created_at=PAST): PAST + 2})
    cutoff = PAST + 100

    finish(ops, ops.start("delete", "age:>2m", state="retrying", cutoff=cutoff).id)
    assert jids(server, keys.RETRY) == {"a"}
    finish(ops, ops.start("delete", "age:>1m", state="retrying", cutoff=cutoff).id)

    assert not server.exists(keys.RETRY)


@pytest.mark.parametrize("raw", [b"no json", b"[1]", b'{"class":"x","args":[],"jid":"a"}'])
def test_what_does_not_say_since_when_it_is_there_is_left_and_counted(server, ops, raw) -> None:
    server.client.zadd(keys.RETRY, {raw: PAST})

    found = finish(ops, ops.start("delete", state="retrying").id)

    assert (found.done, found.skipped) == (0, 1)
    assert server.client.zcard(keys.RETRY) == 1


# --- people --------------------------------------------------------------------------------


def test_a_cancelled_operation_touches_nothing_more(server, ops, store) -> None:
    fill(server, keys.RETRY, 1500)
    found = ops.start("delete", state="retrying", by="ann")
    ops.turn(0.0)
    left = server.client.zcard(keys.RETRY)

    assert ops.cancel(found.id, by="bob")
    while ops.turn(0.0):
        pass

    assert 0 < left < 1500
    assert server.client.zcard(keys.RETRY) == left
    assert ops.find(found.id).status == "cancelled"
    assert not ops.cancel(found.id)
    cancelled, begun = Audit(store)
    assert (begun.by, begun.action, begun.facts["action"]) == ("ann", "operation.start", "delete")
    assert (cancelled.by, cancelled.action, cancelled.facts["done"]) == ("bob", "operation.cancelled", 1500 - left)


def test_the_end_is_in_the_audit_log_with_what_was_done(server, ops, store) -> None:
    fill(server, keys.RETRY, 3)
    found = finish(ops, ops.start("delete", "error:Timeout", state="retrying", by="ann").id)

    ended, _ = Audit(store)

    assert (ended.by, ended.action, ended.resource) == ("ann", "operation.done", found.id)
    assert ended.facts == {"action": "delete", "query": "error:Timeout", "state": "retrying", "done": 3, "skipped": 0}
    assert found.ended_at == pytest.approx(ended.at, abs=1)


def test_operations_are_listed_newest_first_and_bounded_in_number_and_time(server, ops) -> None:
    for _ in range(verbs.MOST + 5):
        last = finish(ops, ops.start("delete", state="retrying").id)

    listed = list(ops)

    assert len(listed) == len(ops) == verbs.MOST
    assert listed[0] == last
    assert sum(key.startswith(keys.operation("")) for key in server.snapshot()) <= verbs.MOST + 2
    assert 0 < server.client.pttl(keys.operation(last.id)) <= verbs.KEPT_MS
    assert [one.id for one in ops.page(ops.page(count=3).cursor, 2)] == [one.id for one in listed[3:5]]


def test_no_more_than_some_are_under_way(ops) -> None:
    for _ in range(verbs.CROWD):
        ops.start("delete", state="retrying")

    with pytest.raises(InvalidOption, match="under way"):
        ops.start("delete", state="retrying")


def test_a_count_beforehand_is_what_would_be_done(server, ops) -> None:
    fill(server, keys.RETRY, 30)
    server.client.zadd(keys.RETRY, {later("new", failed_at=...): PAST})

    assert ops.count("error:Timeout", state="retrying") == (30, True)
    assert ops.count("error:Nothing", state="retrying") == (0, True)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"action": "retry", "state": "queued"}, "can be done"),
        ({"action": "sing", "state": "dead"}, "can be done"),
        ({"action": "delete", "state": "nowhere"}, "can be done"),
        ({"action": "delete", "state": "running"}, "can be done"),
        ({"action": "delete", "state": "dead", "spread": "1m"}, "only retries"),
        ({"action": "retry", "state": "dead", "spread": "31d"}, "at most 30 days"),
        ({"action": "reschedule", "state": "dead"}, "takes a time"),
        ({"action": "retry", "state": "dead", "at": 5.0}, "takes a time"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(server, ops, given, error) -> None:
    with pytest.raises(InvalidOption, match=error):
        ops.start(**given)

    assert server.snapshot() == {}


def test_a_filter_that_cannot_be_read_is_refused(server, ops) -> None:
    with pytest.raises(InvalidFilter, match="there is no key 'colour'"):
        ops.start("delete", "colour:red", state="dead")

    assert server.snapshot() == {}


def test_an_operation_is_begun_on_a_server_that_knows_no_script(server, ops) -> None:
    server.client.script_flush()

    assert ops.start("delete", state="dead").status == "running"
