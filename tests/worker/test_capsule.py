"""A capsule keeps in step with the store: nothing is stranded, nothing waits without need, nothing is lost by a rollback."""

from __future__ import annotations

import threading
import time

from mainspring.store import keys
from support import until


def named(function, name):
    function.__name__ = name
    return function


def noting(ran):
    """Return a job that notes its argument."""

    def note(number: int) -> None:
        ran.append(number)

    return note


def inflight_key(bench, worker):
    return keys.inflight("default", worker.identity)


def reconcile(worker):
    """Let the worker compare at its next turn, as it does after a reconnect."""
    (capsule,) = worker.capsules
    capsule._reconciliation.is_wanted = True
    capsule.wake()
    until(lambda: not capsule._reconciliation.is_wanted)


# --- suspects ----------------------------------------------------------------------


def test_suspects_run_one_after_the_other_without_a_pause_between_them(bench):
    running, most, ran = [], [], []

    def suspect() -> None:
        running.append(1)
        most.append(len(running))
        ran.append(running.pop())

    bench.job(suspect)
    for _ in range(40):
        bench.push("suspect", recovered=[time.time()])
    begun = time.monotonic()

    bench.run(concurrency=4, timeout=60)

    assert len(ran) == 40
    assert set(most) == {1}
    # The least pause that there is in a worker, each time, would be more.
    assert time.monotonic() - begun < 10


def test_a_suspect_that_lasts_does_not_keep_the_next_one_waiting_for_ever(bench):
    started, release = [], threading.Event()

    def long() -> None:
        started.append(1)
        release.wait(20)

    bench.job(long)
    for _ in range(2):
        bench.push("long", recovered=[time.time()])

    bench.work()
    until(lambda: len(started) == 2, timeout=6)
    release.set()
    bench.drained()


# --- what the store holds and we do not ------------------------------------------------


def test_what_the_store_holds_for_us_unknown_to_us_is_given_back_and_runs(bench):
    ran = []
    bench.job(noting(ran))
    worker = bench.work()
    jid = bench.push("note", 1)
    until(lambda: ran == [1])
    bench.drained()

    bench.client.hset(inflight_key(bench, worker), 999, payload(jid="stray", arg=2))
    reconcile(worker)

    until(lambda: ran == [1, 2])
    bench.drained()
    assert jid


def test_a_success_that_the_store_forgot_is_acknowledged_again_and_not_run(bench):
    ran = []
    bench.job(noting(ran))
    worker = bench.work()
    bench.push_raw(payload(jid="one", arg=1))
    until(lambda: ran == [1])
    bench.drained()

    # As after a power loss: the store has lost the acknowledgement.
    bench.client.hset(inflight_key(bench, worker), 1, payload(jid="one", arg=1))
    reconcile(worker)
    bench.drained()

    assert ran == [1]


def test_a_failure_that_the_store_forgot_is_not_taken_for_a_success(bench):
    tried = []

    def fails(number: int) -> None:
        tried.append(number)
        raise ValueError(number)

    bench.job(named(fails, "note"))
    worker = bench.work()
    raw = payload(jid="one", arg=1)
    bench.push_raw(raw)
    until(lambda: bench.found("retry"))
    bench.drained()

    # As after a power loss: the job is in flight again, and not in the retry set.
    bench.client.delete("retry")
    bench.client.hset(inflight_key(bench, worker), 1, raw)
    reconcile(worker)
    bench.drained()

    assert bench.only("retry")["jid"] == "one"


def test_a_job_that_the_store_lost_is_not_confused_with_one_that_gets_its_number(bench):
    going, release = [], {1: threading.Event(), 2: threading.Event()}

    def held(number: int) -> None:
        going.append(number)
        release[number].wait(20)

    bench.job(named(held, "note"))
    worker = bench.work(concurrency=2)
    bench.push_raw(payload(jid="old", arg=1))
    until(lambda: going == [1])

    # The store came back with nothing: numbers begin anew.
    bench.client.flushall()
    reconcile(worker)
    bench.push_raw(payload(jid="new", arg=2))
    until(lambda: going == [1, 2])
    release[1].set()
    until(lambda: worker.busy() == 1)
    reconcile(worker)

    assert bench.in_flight() == 1
    release[2].set()
    bench.drained()
    assert bench.counted() == (1, 0)


def test_a_job_given_up_while_the_lease_was_in_doubt_runs_soon(bench):
    ran = []
    bench.job(noting(ran))
    worker = bench.work()
    until(lambda: worker._lease.is_trusted(worker._app.time.monotonic()))
    covers = worker._lease.covers
    doubted = []

    def doubt(holder: str, now: float) -> bool:
        # Only the slot's look is in doubt, as when the process was frozen between the fetch and the start.
        if threading.current_thread().name.startswith("mainspring-slot") and not doubted:
            doubted.append(1)
            return False
        return covers(holder, now)

    worker._lease.covers = doubt
    bench.push("note", 1)

    until(lambda: ran == [1])
    bench.drained()
    assert doubted


def payload(*, jid: str, arg: int) -> bytes:
    return f'{{"class":"note","jid":"{jid}","args":[{arg}],"queue":"default","retry":true}}'.encode()


def test_a_worker_that_is_stopped_in_the_midst_of_a_crowd_leaves_no_connection(bench):
    job = bench.job(noting([]))
    for _ in range(5):
        job.enqueue_many([(number,) for number in range(5_000)])
        before, _ = bench.counted()
        worker = bench.work()
        until(lambda before=before: bench.counted()[0] > before)
        # It may have asked for the next jobs already.
        until(lambda worker=worker: worker.stop(0))
        worker.stop()
    bench.app.close()

    until(lambda: [row["cmd"] for row in bench.client.client_list()] == ["client|list"], 30)
