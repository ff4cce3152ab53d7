"""Whatever hangs on jobs that have succeeded goes with them: of many kinds at once, as if each had been alone."""

from __future__ import annotations

from collections import Counter

import pytest

from mainspring import App
from mainspring.base import payload
from mainspring.base.flow import Flow
from mainspring.features import lanes
from mainspring.store import gates, keys, queues
from mainspring.store.queues import Settlement
from mainspring.store.ties import Ties
from mainspring.worker.completer import Completer
from mainspring.worker.delivery import Delivery

ME, Q = "host:1:aaaaaaaaaaaa", "default"


class Ended:
    """Jobs of one process that have succeeded, and what tells the store."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.fenced: list[Delivery] = []
        self.completer = Completer(time=app.time, fenced=self.fenced.append)
        self.calls: Counter[str] = Counter()
        self.are_alike = False

    def fetch(self) -> list[Delivery]:
        """Take all jobs that wait."""
        fetched = self.app.store.run(queues.fetch(Q, ME, 100, "1", "_req"))
        made = [Delivery(Q, seq, raw, ME, 0.0, payload.read(raw)) for seq, raw in fetched.jobs]
        for each in made:
            each.flow = each.payload.flow
        return made

    def flush(self, deliveries: list[Delivery]) -> list[Delivery]:
        """Acknowledge deliveries, and return those that are settled."""
        for delivery in deliveries:
            self.completer.add(delivery)
        calls, dropped = self.completer.take()
        assert dropped == []
        self.calls.update(call.command.name for call in calls)
        found = self.completer.confirm(calls, self.app.store.pipeline([call.command for call in calls]))
        self.are_alike = found.are_alike
        return list(found.deliveries)


@pytest.fixture
def ended(bench):
    return Ended(bench.app)


def locks(bench):
    return {key.decode().removeprefix(keys.lock("")) for key in bench.client.scan_iter(keys.lock("*"))}


@pytest.mark.parametrize("stranger", [None, "é", "x\ny", "a,b"])
def test_of_many_kinds_each_is_settled_with_all_that_hangs_on_it(bench, ended, stranger):
    app, number = bench.app, iter(range(100))
    plain = app.job(name="plain")(lambda _: None)
    narrow = app.job(name="narrow", unique_for="1h", concurrency=1)(lambda _: None)
    app.store.run(gates.define(lanes.definitions(narrow)))
    for options in ({}, {"unique_for": "1h"}, {"unique_for": "1h", "unique_until": "start"}, {"timeout": "1h"}):
        plain.using(**options).enqueue(next(number))
    with app.batch() as batch:
        plain.enqueue(next(number))
        plain.using(unique_for="1h").enqueue(next(number))
    kept = plain.using(unique_for="1h", result_ttl="1h").enqueue(next(number))
    limited = narrow.enqueue(next(number))
    crashed = plain.using(unique_for="1h").enqueue(next(number))
    if stranger is not None:
        jid = bench.push("strange", jid=stranger, flow={"lock": stranger, "unique_for": 60})
        bench.client.set(keys.lock(stranger), jid, px=60_000)
    deliveries = ended.fetch()
    by_jid = {each.jid: each for each in deliveries}
    result = b'{"value":1}'
    by_jid[kept.jid].settlement = Settlement(ties=Ties.of(kept.jid, by_jid[kept.jid].flow, result=result))
    by_jid[crashed.jid].is_suspect = True
    by_jid[crashed.jid].settlement = Settlement(ties=Ties.of(crashed.jid, by_jid[crashed.jid].flow))
    assert len(locks(bench)) == 6 + (stranger is not None)
    assert bench.client.zcard(keys.gate(by_jid[limited.jid].flow.gates[0])) == 1

    assert sorted(each.seq for each in ended.flush(deliveries)) == sorted(each.seq for each in deliveries)

    assert locks(bench) == set()
    assert bench.in_flight() == 0
    assert ended.fenced == []
    assert bench.counted() == (len(deliveries), 0)
    assert (batch.status().succeeded, batch.status().total) == (2, 2)
    assert bench.client.lrange(keys.result(kept.jid), 0, -1) == [result]
    assert bench.client.zcard(keys.gate(by_jid[limited.jid].flow.gates[0])) == 0
    # Those with a lock alone go apart from those that need more words.
    assert ended.calls == {"jobs_done": 1, "jobs_finish": 2, "job_settle": 1}


def test_what_was_given_to_another_keeps_its_lock_and_is_told_of(bench, ended):
    job = bench.app.job(name="plain", unique_for="1h")(lambda _: None)
    jids = [job.enqueue(number).jid for number in range(3)]
    deliveries = ended.fetch()
    bench.app.store.run(queues.give_back(Q, ME, [deliveries[1].seq]))

    ended.flush(deliveries)

    assert [each.jid for each in ended.fenced] == [jids[1]]
    assert locks(bench) == {deliveries[1].flow.lock}
    assert bench.counted() == (2, 0)


def test_a_success_that_was_told_elsewhere_is_settled_with_what_is_known_here(bench, ended):
    """A process job reports nothing but its success; what hangs on it, the worker knows."""
    bench.push("strange")
    (delivery,) = ended.fetch()
    gate = "concurrent:here"
    bench.app.store.run(gates.define({gate: "1"}))
    bench.app.store.run(gates.enter(Q, ME, {gate: [(delivery.seq, delivery.jid)]}))
    assert bench.client.zcard(keys.gate(gate)) == 1
    delivery.flow = Flow(gates=(gate,))

    ended.flush([delivery])

    assert bench.client.zcard(keys.gate(gate)) == 0


def test_those_with_locks_go_by_as_many_as_a_call_takes(bench, ended):
    job = bench.app.job(name="plain", unique_for="1h")(lambda _: None)
    job.enqueue_many((number,) for number in range(60))
    deliveries = ended.fetch()
    many = [deliveries[index % 60] for index in range(600)]

    ended.flush(many)

    assert ended.calls == {"jobs_finish": 2}
    assert locks(bench) == set()
    assert bench.counted() == (60, 0)


ADD, SUB = object(), object()


@pytest.mark.parametrize(
    ("kinds", "are_alike"),
    [
        ([ADD], True),
        ([ADD, ADD, ADD], True),
        ([ADD, SUB, ADD], False),
        ([ADD, SUB], False),
        ([None], False),
        ([ADD, None], False),
        ([None, ADD, ADD], False),
    ],
)
def test_successes_are_alike_if_they_are_of_one_job(bench, ended, kinds, are_alike):
    bench.push_raw(*(f'{{"class":"any","args":[],"jid":"{number}"}}' for number, _ in enumerate(kinds)))
    deliveries = ended.fetch()
    for delivery, kind in zip(deliveries, kinds, strict=True):
        delivery.kind = kind

    assert ended.flush(deliveries) == deliveries
    assert ended.are_alike is are_alike


def test_a_failure_among_successes_is_not_like_them_and_what_carries_a_lock_is_no_plain_one(bench, ended):
    bench.push_raw(*(f'{{"class":"any","args":[],"jid":"{number}"}}' for number in range(3)))
    first, second, third = ended.fetch()
    for delivery in (first, second, third):
        delivery.kind = ADD
    second.kind, second.settlement = None, Settlement(keys.RETRY, 1.0, second.raw, fails=True)

    assert ended.flush([first, second]) == [second, first]
    assert not ended.are_alike

    third.flow = Flow(lock="l", unique_for=60.0)
    assert ended.flush([third]) == [third]
    assert not ended.are_alike
