"""An iterable job stops between two items and goes on from its cursor: in order, nothing left out, and it counts as one run."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest

from mainspring import Discard, Retry, current_job
from mainspring.features.iteration import running
from mainspring.store import keys
from support import until

MOST = 20
SOON = Retry(max=5, backoff="fixed", base=0.02)


@pytest.fixture
def done() -> list[int]:
    return []


@pytest.fixture
def gate() -> threading.Event:
    """Open at the end, so that no slot waits for ever."""
    return threading.Event()


@pytest.fixture
def always_saved(monkeypatch):
    """Save the cursor after each item."""
    monkeypatch.setattr(running, "EVERY", 0.0)


@pytest.fixture
def count(bench, done, gate):
    """Give a job that waits for the gate after its third item."""

    def count(cursor: int | None, most: int) -> Iterator[int]:
        for number in range(cursor or 0, most):
            done.append(number)
            if number == 2:
                gate.wait(20)
            yield number + 1

    made = bench.job(count, iterable=True)
    yield made
    gate.set()


def current(bench, worker):
    """Return the one job in flight."""
    held = bench.client.hgetall(keys.inflight("default", worker.identity))
    (raw,) = [raw for name, raw in held.items() if name.isdigit()]
    return json.loads(raw)


def state(bench, jid):
    return bench.client.hgetall(keys.cursor(jid))


def test_it_does_all_items_and_leaves_no_key_if_nothing_stopped_it(bench, count, done, gate):
    gate.set()
    jid = count.enqueue(MOST).jid

    bench.run()

    assert done == list(range(MOST))
    assert not state(bench, jid)
    assert bench.counted() == (1, 0)


def test_called_it_does_all_items_here_and_now(count, done, gate):
    gate.set()

    assert count(MOST) is None

    assert done == list(range(MOST))


@pytest.mark.parametrize("how", ["quiet", "stop"])
def test_a_worker_that_ends_stops_it_between_two_items_and_the_next_goes_on_there(bench, count, done, gate, how):
    jid = count.enqueue(MOST).jid
    worker = bench.work(timeout=10.0)
    until(lambda: 2 in done)
    worker.quiet()
    gate.set()
    if how == "stop":
        worker.stop()

    until(lambda: bench.waiting() == 1 and not bench.in_flight())

    assert done == [0, 1, 2]
    assert json.loads(state(bench, jid)[b"c"]) == 3
    assert bench.counted() == (0, 0)
    before = bench.client.lindex(keys.queue("default"), 0)
    assert b"retry_count" not in before
    bench.run()
    assert done == list(range(MOST))
    assert bench.counted() == (1, 0)
    assert state(bench, jid)[b"ex"] == b"2"
    assert 0 < bench.client.pttl(keys.cursor(jid)) <= 86_400_000


def test_it_goes_back_to_the_head_of_its_queue(bench, count, done, gate):
    first = count.enqueue(MOST).jid
    worker = bench.work(concurrency=1, timeout=10.0)
    until(lambda: 2 in done)
    second = count.enqueue(1).jid

    worker.quiet()
    gate.set()
    until(lambda: bench.waiting() == 2 and not bench.in_flight())

    lying = [json.loads(raw)["jid"] for raw in bench.client.lrange(keys.queue("default"), 0, -1)]
    assert lying == [second, first]


def test_what_raises_is_tried_again_from_where_it_was(bench, done):
    def fail(cursor: int | None) -> Iterator[int]:
        for number in range(cursor or 0, 5):
            if number == 3 and current_job().attempt == 1:
                raise ValueError("once")
            done.append(number)
            yield number + 1

    bench.job(fail, iterable=True, retry=SOON).enqueue()
    bench.work()

    until(lambda: bench.counted() == (2, 1))

    assert done == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("always_saved")
def test_what_died_goes_on_where_it_was_saved_last(bench, count, done, gate):
    jid = count.enqueue(MOST).jid
    bench.work()
    until(lambda: 2 in done)

    # What a death between two items leaves: the cursor of the second.
    assert json.loads(state(bench, jid)[b"c"]) == 2
    assert 86_400_000 < bench.client.pttl(keys.cursor(jid)) <= 30 * 86_400_000
    gate.set()
    bench.drained()


@pytest.mark.usefixtures("always_saved")
def test_whoever_lost_the_job_ends_and_moves_the_cursor_no_more(bench, count, done, gate):
    jid = count.enqueue(MOST).jid
    worker = bench.work()
    until(lambda: 2 in done)
    held = keys.inflight("default", worker.identity)
    (seq,) = [field for field in bench.client.hkeys(held) if field.isdigit()]
    bench.client.hdel(held, seq)
    bench.client.hset(keys.cursor(jid), "c", "17")

    gate.set()
    until(lambda: not worker.busy())

    assert done == [0, 1, 2]
    assert state(bench, jid)[b"c"] == b"17"


@pytest.mark.usefixtures("always_saved")
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_who_cancels_it_as_ruby_does_ends_it(bench, count, done, gate, when):
    jid = count.enqueue(MOST).jid
    if when == "before":
        bench.client.hset(keys.cursor(jid), "cancelled", "1790000000")
        bench.client.expire(keys.cursor(jid), 60)
    bench.work()
    if when == "meanwhile":
        until(lambda: 2 in done)
        bench.client.hset(keys.cursor(jid), "cancelled", "1790000000")
    gate.set()

    bench.drained()

    assert done == ([] if when == "before" else [0, 1, 2])
    assert not bench.found(keys.RETRY)
    assert bench.counted() == (1, 0)


def test_who_cancels_it_ends_it_after_the_item_that_it_is_at(bench, count, done, gate, spoken):
    jid = count.enqueue(MOST).jid
    bench.work()
    until(lambda: 2 in done)

    bench.app.cancel(jid)
    until(lambda: spoken("job.cancel"))
    gate.set()
    bench.drained()

    assert done == [0, 1, 2]
    assert not bench.found(keys.RETRY)


def test_it_may_say_itself_what_becomes_of_it(bench, done):
    def drop(cursor: int | None) -> Iterator[int]:
        done.append(1)
        yield 1
        raise Discard("enough")

    bench.job(drop, iterable=True).enqueue()

    bench.run()

    assert done == [1]
    assert not bench.found(keys.RETRY)


def test_the_running_job_can_say_where_it_is(bench, done):
    def tell(cursor: int | None) -> Iterator[int]:
        done.append(current_job().cursor)
        yield 7
        done.append(current_job().cursor)

    bench.job(tell, iterable=True).enqueue()

    bench.run()

    assert done == [None, 7]


def test_its_own_end_comes_before_the_last_save(bench, gate, done):
    seen = []

    def tidy(cursor: int | None) -> Iterator[int]:
        try:
            for number in range(5):
                done.append(number)
                gate.wait(20)
                yield number + 1
        finally:
            seen.append(bench.client.exists(keys.cursor(current_job().jid)))

    jid = bench.job(tidy, iterable=True).enqueue().jid
    worker = bench.work()
    until(lambda: done)
    worker.quiet()
    gate.set()
    until(bench.waiting)

    assert seen == [0]
    assert json.loads(state(bench, jid)[b"c"]) == 1


def test_an_outage_does_not_end_it(bench, monkeypatch, count, done, gate, spoken):
    gate.set()
    monkeypatch.setattr(running, "EVERY", 0.0)
    # A key of another type stands for whatever the store refuses.
    jid = count.enqueue(MOST).jid
    load = running.cursors.load

    def plant(jid):
        command = load(jid)
        bench.client.set(keys.cursor("other"), "x", ex=60)
        return command

    monkeypatch.setattr(running.cursors, "load", plant)
    save = running.cursors.save
    monkeypatch.setattr(
        running.cursors,
        "save",
        lambda queue, identity, seq, jid, state, **more: save(queue, identity, seq, "other", state, **more),
    )

    bench.run()

    assert done == list(range(MOST))
    assert not state(bench, jid)
    assert len(spoken("job.cursor_lost")) == MOST


@pytest.mark.usefixtures("always_saved")
def test_a_suspect_that_has_come_farther_is_none_any_more(bench, done, gate):
    died = time.time() - 60

    def crawl(cursor: int | None) -> Iterator[int]:
        for number in range(cursor or 0, 4):
            done.append((number, current_job().recoveries))
            if number == 2:
                gate.wait(20)
            yield number + 1

    bench.job(crawl, iterable=True)
    jid = bench.push("crawl", recovered=[died, died])
    worker = bench.work()
    until(lambda: len(done) == 3)
    held = bench.client.hgetall(keys.inflight("default", worker.identity))

    assert not [name for name in held if name.startswith(b"_run:")]
    assert current(bench, worker)["jid"] == jid
    assert "recovered" not in current(bench, worker)
    gate.set()
    bench.drained()
    assert done == [(number, 2) for number in range(4)]


def test_what_was_started_in_time_goes_on_though_its_time_to_start_has_passed(bench, done, gate):
    def late(cursor: int | None) -> Iterator[int]:
        for number in range(cursor or 0, 4):
            done.append(number)
            if number == 2:
                gate.wait(20)
            yield number + 1

    bench.job(late, iterable=True)
    jid = bench.push("late", flow={"expires_at": time.time() + 2.0, "timeout": 60.0})
    worker = bench.work(timeout=10.0)
    until(lambda: 2 in done)
    worker.quiet()
    until(lambda: time.time() > current(bench, worker)["flow"]["expires_at"])
    gate.set()
    until(bench.waiting)

    lying = json.loads(bench.client.lindex(keys.queue("default"), 0))
    assert (lying["jid"], lying["flow"]) == (jid, {"timeout": 60.0})
    bench.run()
    assert done == [0, 1, 2, 3]


def test_a_suspect_that_has_not_come_farther_stays_one(bench, done, gate):
    def stick(cursor: int | None) -> Iterator[int]:
        done.append(1)
        gate.wait(20)
        yield 1

    bench.job(stick, iterable=True)
    bench.push("stick", recovered=[time.time() - 60])
    worker = bench.work()
    until(lambda: done)
    held = bench.client.hgetall(keys.inflight("default", worker.identity))

    assert [name for name in held if name.startswith(b"_run:")]
    gate.set()
    bench.drained()
