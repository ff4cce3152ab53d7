"""Who asks how a job ended is told: what it returned, as its type, or what it raised, as text; for as long as was agreed."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from mainspring import App, Discard, Kill
from mainspring.base.errors import InvalidOption
from mainspring.base.flow_errors import JobFailed, NoResult, ResultTimeout
from mainspring.store import keys
from support import until

JID = "0" * 24


@dataclass
class Sum:
    """What the jobs below return."""

    total: Decimal
    day: date


def kept(server):
    return [key.decode() for key in server.client.scan_iter("mainspring:result:*")]


def test_a_result_comes_back_as_the_type_that_the_function_declares(bench):
    def add(x: int, y: int) -> Sum:
        return Sum(Decimal(x) + y, date(2026, 11, 22))

    add = bench.job(add, result_ttl="1h")
    jid = add.enqueue(1, 2).jid
    bench.run()

    assert add.result(jid) == Sum(Decimal(3), date(2026, 11, 22))
    assert bench.app.result(jid) == Sum(Decimal(3), date(2026, 11, 22))
    assert App(bench.server.url).result(jid) == {"total": "3", "day": "2026-11-22"}


def test_ten_thousand_results_are_read_back_and_each_is_its_own(bench):
    def square(n: int) -> tuple[int, str]:
        return n * n, f"{n}"

    square = bench.job(square, result_ttl="1h")
    jids = [enqueued.jid for enqueued in square.enqueue_many([(n,) for n in range(10_000)])]
    bench.run(timeout=60.0)

    assert [square.result(jid) for jid in jids] == [(n * n, str(n)) for n in range(10_000)]


def test_nothing_is_kept_of_a_job_that_asks_for_nothing(bench, server):
    def plain() -> int:
        return 1

    def fails() -> int:
        raise Kill("no")

    bench.job(plain).enqueue()
    bench.job(fails).enqueue()
    timed = bench.app.job(name="timed", timeout="1m")(plain).enqueue()
    bench.run()

    assert kept(server) == []
    with pytest.raises(NoResult):
        bench.app.result(timed.jid)


def test_one_enqueueing_may_ask_for_its_result(bench, server):
    def add(x: int, y: int) -> int:
        return x + y

    add = bench.job(add)
    jid = add.using(result_ttl="1m").enqueue(1, 2).jid
    add.enqueue(3, 4)
    bench.run()

    assert add.result(jid) == 3
    assert kept(server) == [keys.result(jid)]


def test_a_result_is_kept_for_its_time_and_reading_and_waiting_do_not_change_that(bench, server):
    def add(x: int, y: int) -> int:
        return x + y

    add = bench.job(add, result_ttl="1h")
    jid = add.enqueue(1, 2).jid
    bench.work()

    assert add.result(jid, timeout="10s") == 3
    assert add.result(jid) == 3

    assert 3_590_000 < server.client.pttl(keys.result(jid)) <= 3_600_000


def test_who_waits_is_woken_by_the_end_and_all_who_wait_are(bench):
    gate = threading.Event()

    def slow() -> str:
        gate.wait(10)
        return "done"

    slow = bench.job(slow, result_ttl="1m")
    jid = slow.enqueue().jid
    bench.work()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(slow.result(jid, timeout="30s"))) for _ in range(5)]
    for thread in threads:
        thread.start()
    until(lambda: bench.client.info("clients")["blocked_clients"] >= 5)

    gate.set()
    for thread in threads:
        thread.join(10)

    assert answers == ["done"] * 5


async def test_a_coroutine_waits_without_blocking_its_loop(bench):
    gate = threading.Event()

    async def slow() -> date:
        await asyncio.to_thread(gate.wait, 10)
        return date(2026, 11, 22)

    slow = bench.job(slow, result_ttl="1m")
    jid = (await slow.aenqueue()).jid
    bench.work()
    waiting = [asyncio.create_task(slow.aresult(jid, timeout="30s")) for _ in range(3)]

    gate.set()

    assert await asyncio.gather(*waiting) == [date(2026, 11, 22)] * 3
    assert await bench.app.aresult(jid) == date(2026, 11, 22)


def test_an_error_comes_back_as_data(bench):
    class Mine(Exception):
        """Of a module that who reads the result need not have."""

    def fails() -> int:
        raise Mine("no such customer: 42")

    fails = bench.job(fails, retry=0, result_ttl="1h")
    jid = fails.enqueue().jid
    bench.run()

    with pytest.raises(JobFailed) as caught:
        fails.result(jid)

    error = caught.value
    assert (error.type.rpartition(".")[2], error.message, error.state) == ("Mine", "no such customer: 42", "dead")
    assert error.traceback[-1].endswith("in fails")
    assert error.__cause__ is None
    assert json.loads(bench.client.lindex(keys.result(jid), 0))["error"]["message"] == "no such customer: 42"


def test_a_job_that_was_discarded_says_why(bench):
    def fails() -> int:
        raise Discard("the customer has left")

    fails = bench.job(fails, result_ttl="1h")
    jid = fails.enqueue().jid
    bench.run()

    with pytest.raises(JobFailed, match=f"job {jid} was discarded: the customer has left") as caught:
        fails.result(jid)
    assert (caught.value.type, caught.value.state) == ("", "dropped")


def test_a_failure_that_will_be_retried_is_no_end(bench, server):
    def fails() -> int:
        raise ValueError("not yet")

    fails = bench.job(fails, result_ttl="1h")
    jid = fails.enqueue().jid
    bench.run()

    assert kept(server) == []
    with pytest.raises(ResultTimeout, match=f"job {jid} has not ended within 0.01 s"):
        fails.result(jid, timeout=0.01)


def test_the_success_of_a_job_that_was_brought_back_from_the_dead_replaces_its_failure(bench):
    runs = []

    def once() -> int:
        runs.append(1)
        if len(runs) == 1:
            raise ValueError("at first")
        return 7

    once = bench.job(once, retry=0, result_ttl="1h")
    jid = once.enqueue().jid
    bench.run()
    with pytest.raises(JobFailed):
        once.result(jid)

    bench.app.find(jid).retry()
    bench.run()

    assert once.result(jid) == 7


def test_a_result_that_cannot_be_kept_is_the_results_problem_and_not_the_jobs(bench, spoken):
    def strange() -> int:
        return object()  # type: ignore[return-value]

    strange = bench.job(strange, retry=0, result_ttl="1h")
    jids = [strange.enqueue().jid for _ in range(3)]
    bench.run()

    for jid in jids:
        with pytest.raises(
            NoResult, match="succeeded, and what it returned could not be kept: expected int, got object"
        ):
            strange.result(jid)
    assert bench.counted() == (3, 0)
    assert [facts["class"] for facts in spoken("job.result_lost")] == ["strange"]


def test_a_value_that_raises_when_it_is_looked_at_is_no_failure_either(bench):
    class Trap:
        @property
        def total(self) -> int:
            raise RuntimeError("looked at")

        @property
        def day(self) -> int:
            raise RuntimeError("looked at")

    def trap() -> Sum:
        return Trap()  # type: ignore[return-value]

    trap = bench.job(trap, retry=0, result_ttl="1h")
    jid = trap.enqueue().jid
    bench.run()

    with pytest.raises(NoResult):
        trap.result(jid)
    assert bench.counted() == (1, 0)


def test_a_result_that_is_too_long_is_not_kept(bench, monkeypatch):
    def long() -> str:
        return "x" * 2_000_000

    long = bench.job(long, result_ttl="1h")
    jid = long.enqueue().jid
    bench.run()

    with pytest.raises(NoResult, match=r"it is 2,000,\d\d\d bytes long and the limit is 1,000,000"):
        long.result(jid)


def test_a_job_that_keeps_no_result_is_named_while_it_waits(bench):
    def plain() -> int:
        return 1

    plain = bench.job(plain)
    jid = plain.enqueue().jid

    with pytest.raises(NoResult, match="it keeps no result: give its job result_ttl="):
        plain.result(jid, timeout="0.01s")


def test_a_job_that_is_nowhere_has_no_result_however_long_one_would_wait(bench, server):
    def add() -> int:
        return 1

    add = bench.job(add, result_ttl="1h")
    gone = add.enqueue().jid
    bench.run()
    server.client.delete(keys.result(gone))

    for jid in (JID, gone):
        with pytest.raises(NoResult, match="there is no such job, or it has ended and no result of it is kept"):
            add.result(jid, timeout=0.01)


def test_a_job_that_somebody_killed_is_known_to_be_dead(bench):
    def add() -> int:
        return 1

    add = bench.job(add, result_ttl="1h")
    jid = add.enqueue_in("1h").jid
    bench.app.find(jid).kill()

    with pytest.raises(JobFailed):
        add.result(jid, timeout=0.01)


def test_a_look_without_waiting_asks_the_store_once(bench):
    def add() -> int:
        return 1

    add = bench.job(add, result_ttl="1h")

    with pytest.raises(ResultTimeout, match=f"^job {JID} has not ended$"):
        add.result(JID, timeout=0)


def test_the_result_of_another_class_is_refused(bench):
    def add() -> int:
        return 1

    def other() -> int:
        return 2

    add, other = bench.job(add, result_ttl="1h"), bench.job(other, result_ttl="1h")
    jid = add.enqueue().jid
    bench.run()

    with pytest.raises(NoResult, match="it is a job of add, not of other"):
        other.result(jid)


@pytest.mark.parametrize("text", [b"not json", b"7", b"{}", b'{"class":"add"}', b'{"error":7}'])
def test_what_a_stranger_left_in_its_place_is_no_result(bench, server, text):
    server.client.rpush(keys.result(JID), text)
    server.client.expire(keys.result(JID), 60)

    with pytest.raises((NoResult, JobFailed)):
        bench.app.result(JID)


@pytest.mark.parametrize("jid", ["", None, 7])
def test_what_is_no_id_is_refused(bench, jid):
    with pytest.raises(InvalidOption, match="is no job's id"):
        bench.app.result(jid)


@pytest.mark.parametrize("field", [{"result_ttl": 1e300}, {"result_ttl": 1e-9}, {"result_ttl": 3e10}])
def test_a_strangers_lifetime_that_no_server_takes_loses_no_job(bench, server, field):
    def add() -> int:
        return 1

    add = bench.job(add)
    jid = bench.push("add", flow=field)
    bench.run()

    assert bench.counted() == (1, 0)
    assert not server.client.exists("dead", "retry")
    assert server.client.pttl(keys.result(jid)) <= 366 * 86_400_000
    until(lambda: field["result_ttl"] > 1 or not kept(server))


@pytest.mark.both_stores
def test_a_result_is_kept_on_either_server(bench):
    def add(x: int, y: int) -> int:
        return x + y

    add = bench.job(add, result_ttl="1h")
    bench.work()

    assert add.result(add.enqueue(1, 2).jid, timeout="10s") == 3
