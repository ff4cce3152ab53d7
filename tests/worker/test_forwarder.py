"""What is due is pushed once and in time, whoever scheduled it, and nothing malformed stands in its way."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

from mainspring.worker.forwarder import renew
from support import best, oversleeping, until


@pytest.fixture
def ran(bench):
    """Make a job that notes its argument and when it ran; return the notes."""
    notes: list[tuple[object, float]] = []

    def note(what: object) -> None:
        notes.append((what, time.time()))

    bench.job(note)
    return notes


def scheduled(what: object, **fields: object) -> str:
    return json.dumps({"class": "note", "args": [what], "jid": f"{what}", "queue": "default", "retry": True} | fields)


def test_a_job_starts_close_to_its_time(bench, ran):
    bench.work(concurrency=4)
    job = bench.app.jobs["note"]

    def median():
        ran.clear()
        due = {}
        for number in range(20):
            due[number] = time.time() + 0.1 + number * 0.05
            job.enqueue_at(due[number], number)
        until(lambda: len(ran) == 20)
        late = sorted((at - due[what]) * 1000 for what, at in ran)
        print(f"scheduled jobs started late by {late[10]:.1f} ms (median), {late[-1]:.1f} ms (most)")  # noqa: T201
        assert late[0] >= 0
        # From the clock to the job it is a handful of wakings, each of which is late on a machine that is busy.
        return late[10] - 10_000 * oversleeping()

    assert best(median, 50) < 50


def test_a_job_that_is_due_before_all_others_is_noticed_at_once(bench, ran):
    job = bench.app.jobs["note"]
    job.enqueue_at(time.time() + 3600, "later")
    bench.work()
    until(lambda: bench.client.info("clients")["blocked_clients"] >= 2)

    def lateness():
        ran.clear()
        due = time.time() + 0.3
        job.enqueue_at(due, "sooner")
        until(lambda: ran)
        assert ran[0][0] == "sooner"
        return ran[0][1] - due

    assert best(lateness, 0.5) < 0.5
    assert len(bench.found("schedule")) == 1


def test_what_another_program_schedules_is_noticed_within_moments(bench, ran):
    bench.work()

    def lateness():
        ran.clear()
        begun = time.time()
        bench.client.zadd("schedule", {scheduled("foreign"): begun})
        until(lambda: ran)
        return ran[0][1] - begun

    assert best(lateness, 2) < 2


def test_a_pushed_job_has_a_fresh_time_and_no_due_time(bench, ran):
    before = time.time()
    bench.client.zadd("schedule", {scheduled("x", at=before, odd={"big": 12345678901234567890}): before})
    worker = bench.work(queues=("elsewhere",))
    until(lambda: bench.client.llen("queue:default") == 1)
    worker.stop()

    record = json.loads(bench.client.lindex("queue:default", 0))
    assert record["enqueued_at"] >= int(before)
    assert "at" not in record
    assert record["odd"] == {"big": 12345678901234567890}
    assert bench.client.smembers("queues") == {b"default"}
    assert not ran


MALFORMED = [
    b"not json",
    b"\xff\xfe",
    b"[]",
    b"17",
    b"{}",
    b'{"class":5,"args":[],"jid":"x"}',
    b'{"class":"note","args":{},"jid":"x"}',
    b'{"class":"note","args":[],"jid":"x","queue":"no such name!"}',
    b'{"class":"note","args":[],"jid":"x","queue":{"a":1}}',
    b'{"class":"note","args":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
]


@pytest.mark.parametrize("key", ["schedule", "retry"])
def test_what_is_malformed_goes_to_the_dead_set_and_blocks_nobody(bench, ran, key):
    bench.client.zadd(key, {text: 1.0 + number for number, text in enumerate(MALFORMED)})
    bench.client.zadd(key, {scheduled("behind"): 1000.0})

    bench.work()

    until(lambda: [what for what, _ in ran] == ["behind"])
    # Those that came with it are buried while it runs.
    until(lambda: bench.client.zcard("dead") >= len(MALFORMED))
    buried = set(bench.client.zrange("dead", 0, -1))
    noted = [json.loads(raw) for raw in buried - set(MALFORMED)]
    assert len(buried) == len(MALFORMED)
    assert len(noted) == sum(isinstance(_object(text), dict) for text in MALFORMED)
    assert all(record["error_class"] and record["error_message"] for record in noted)
    assert not bench.client.exists(key)


def _object(text: bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@pytest.mark.parametrize("key", ["schedule", "retry"])
def test_what_is_too_long_goes_to_the_dead_set_with_the_reason_and_blocks_nobody(bench, ran, key):
    bench.client.zadd(key, {scheduled("x" * 2_000_000): 1.0, "x" * 2_000_000: 1.5, scheduled("behind"): 2.0})

    bench.work()

    until(lambda: [what for what, _ in ran] == ["behind"], timeout=20)
    # A script that the server does not know yet comes after those that it does.
    until(lambda: bench.client.zcard("dead") == 2)
    first, second = sorted(bench.client.zrange("dead", 0, -1))
    assert "the limit is 1,000,000" in json.loads(second if first.startswith(b"x") else first)["error_message"]
    assert b"x" * 2_000_000 in (first, second)
    assert not bench.client.exists(key)


def test_a_thousand_due_at_once_are_pushed_once_each_by_many_forwarders(bench, ran):
    bench.client.zadd("schedule", {scheduled(number): 1000.0 for number in range(1000)})
    bench.client.zadd("retry", {scheduled(number + 1000): 1000.0 for number in range(1000)})

    for _ in range(3):
        bench.work(concurrency=2)

    until(lambda: len(ran) >= 2000, timeout=20)
    bench.drained()
    assert Counter(what for what, _ in ran) == Counter(range(2000))


def test_a_retried_job_keeps_its_history_on_the_way_to_its_queue():
    raw = b'{"class":"a","args":[],"jid":"x","queue":"q","retry_count":3,"failed_at":1.5,"error_class":"E"}'

    queue, renewed = renew(raw, 99.5)

    assert queue == "q"
    assert json.loads(renewed) == json.loads(raw) | {"enqueued_at": 99.5}
