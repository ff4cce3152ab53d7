"""Whoever runs an operation, dies in the midst of it, or acts at the same time: each job is acted on once, and none is missed."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from api.bulk import default_queue, fill, finish, jids, job, operations
from mainspring.api import slices
from mainspring.api.operations import Operations
from mainspring.base.errors import StoreUnavailable
from mainspring.store import keys, scripts
from mainspring.store.connection import Store
from support import until

pytestmark = pytest.mark.both_stores


@pytest.fixture
def ops(store) -> Operations:
    return operations(store)


@pytest.fixture
def other(server) -> Iterator[Operations]:
    """Return the operations of another process."""
    store = Store(server.url)
    yield operations(store)
    store.close()


def expire(server, name: str) -> None:
    """Let the lease of an operation's runner run out."""
    server.client.hset(keys.operation(name), "lease_ms", 0)


def test_what_is_held_by_one_is_done_by_no_other(server, ops, other) -> None:
    fill(server, keys.RETRY, 1000)
    ops.start("delete", state="retrying")
    ops.turn(0.0)
    left = server.client.zcard(keys.RETRY)

    assert other.turn(0.0) is False

    assert server.client.zcard(keys.RETRY) == left


def test_what_a_dead_runner_has_begun_another_ends(server, ops, other) -> None:
    fill(server, keys.RETRY, 1000)
    found = ops.start("retry", state="retrying", spread="1h")
    ops.turn(0.0)
    expire(server, found.id)

    ended = finish(other, found.id)

    assert (ended.status, ended.done) == ("done", 1000)
    assert server.client.zcard(keys.RETRY) == 1000
    assert all(json.loads(raw)["retry_count"] == 2 for raw in server.client.zrange(keys.RETRY, 0, -1))


@pytest.mark.parametrize(("state", "key"), [("retrying", keys.RETRY), ("queued", default_queue())])
def test_a_runner_that_slept_too_long_does_nothing_more(server, ops, other, state, key) -> None:
    if state == "queued":
        server.client.rpush(key, *(job(f"j{n:05}") for n in range(1500)))
        server.client.sadd(keys.QUEUES, "default")
    else:
        fill(server, key, 1500)
    found = ops.start("delete", state=state)
    ops.turn(0.0)
    run = ops._run
    expire(server, found.id)
    other.turn(0.0)
    before = server.snapshot()

    assert run.step() is False

    assert server.snapshot() == before
    assert finish(other, found.id).done == 1500


def test_no_part_is_done_twice_though_its_answer_was_lost(server, ops, other, monkeypatch) -> None:
    fill(server, keys.DEAD, 900)
    found = ops.start("retry", state="dead")
    run, lost = Store.run, iter([True])

    def losing(store, command):
        answer = run(store, command)
        if command.name == "operation_slice" and next(lost, False):
            raise StoreUnavailable("cut off", applied=None)
        return answer

    monkeypatch.setattr(Store, "run", losing)

    with pytest.raises(StoreUnavailable):
        ops.turn(0.0)
    expire(server, found.id)
    ended = finish(other, found.id)

    assert ended.done == 900
    pushed = Counter(json.loads(raw)["jid"] for raw in server.client.lrange(default_queue(), 0, -1))
    assert len(pushed) == 900
    assert set(pushed.values()) == {1}


def test_runners_and_people_at_once_move_each_job_once(server, ops, other) -> None:
    fill(server, keys.RETRY, 3000)
    names = [ops.start("retry", f"class:sync -jid:*{digit}", state="retrying").id for digit in range(2)]
    threads = [threading.Thread(target=lambda o=o: [finish(o, name) for name in names]) for o in (ops, other)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    pushed = Counter(json.loads(raw)["jid"] for raw in server.client.lrange(default_queue(), 0, -1))
    assert len(pushed) == 3000
    assert set(pushed.values()) == {1}
    assert not server.exists(keys.RETRY)
    assert sum(ops.find(name).done for name in names) == 3000


def test_two_threads_of_a_process_do_not_do_one_operation_at_once(server, ops, monkeypatch) -> None:
    fill(server, keys.RETRY, 10)
    found = ops.start("delete", state="retrying")
    answers = []
    step = slices.Run.step

    def stepping(run: slices.Run) -> bool:
        thread = threading.Thread(target=lambda: answers.append(ops.turn(0.0)))
        thread.start()
        thread.join(10)
        return step(run)

    monkeypatch.setattr(slices.Run, "step", stepping)

    finish(ops, found.id)

    assert set(answers) == {False}


@pytest.mark.parametrize("manner", ["pushes", "pops", "both"])
def test_a_busy_queue_loses_what_is_meant_and_nothing_else(server, ops, monkeypatch, manner) -> None:
    meant = {f"m{n:05}" for n in range(0, 2400, 3)}
    queue = default_queue()
    server.client.rpush(
        queue, *(job(f"m{n:05}", **{"class": "shop.mail" if n % 3 else "shop.sync"}) for n in range(2400))
    )
    server.client.sadd(keys.QUEUES, "default")
    taken, run, new = set(), Store.run, iter(range(10**6))

    def busy(store, command):
        # Between any two calls some are pushed, and workers take some.
        if manner != "pops":
            server.client.lpush(
                queue,
                *(job(f"n{next(new):05}", created_at=time.time() + 9, **{"class": "shop.sync"}) for _ in range(7)),
            )
        if manner != "pushes":
            taken.update(json.loads(raw)["jid"] for raw in server.client.rpop(queue, 11) or ())
        return run(store, command)

    found = ops.start("delete", "class:sync", state="queued")
    monkeypatch.setattr(Store, "run", busy)
    finish(ops, found.id)
    monkeypatch.undo()

    left = jids(server, queue)
    assert not left & meant
    assert {f"m{n:05}" for n in range(2400)} - meant - taken <= left
    assert {f"n{n:05}" for n in range(next(new) - 1)} <= left | taken


def test_two_operations_on_one_queue_miss_none(server, ops, other) -> None:
    server.client.rpush(default_queue(), *(job(f"j{n:05}", **{"class": ("a", "b", "c")[n % 3]}) for n in range(4200)))
    server.client.sadd(keys.QUEUES, "default")
    first, second = (ops.start("delete", f"class:{name}", state="queued").id for name in "ab")

    while ops.turn(0.0) | other.turn(0.0):
        pass

    assert [ops.find(name).done for name in (first, second)] == [1400, 1400]
    assert {json.loads(raw)["class"] for raw in server.client.lrange(default_queue(), 0, -1)} == {"c"}


def test_an_operation_that_this_release_cannot_read_fails_and_says_why(server, ops) -> None:
    found = ops.start("delete", state="dead")
    server.client.hset(keys.operation(found.id), "query", "colour:red")

    ended = finish(ops, found.id)

    assert ended.status == "failed"
    assert "there is no key 'colour'" in ended.reason


@pytest.mark.parametrize(("field", "value"), [("cutoff", "soon"), ("names", "["), ("state", "asleep")])
def test_a_record_that_makes_no_sense_fails_and_lets_others_be_done(server, ops, field, value) -> None:
    fill(server, keys.RETRY, 3)
    broken, sound = (ops.start("delete", state="retrying").id for _ in range(2))
    server.client.hset(keys.operation(broken), field, value)

    assert finish(ops, sound).done == 3
    assert finish(ops, broken).status in {"failed", "done"}


#: A process that dies of kill -9 when it has just sent its third part, whose answer nobody reads.
RUNNER = """
import os, signal, sys
from mainspring import App
from mainspring.store.connection import Store
app, begin, left = App(sys.argv[1]), Store._begin, [3]
def dying(store, commands):
    connection = begin(store, commands)
    left[0] -= commands[0].name in {"operation_slice", "operation_take"}
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return connection
Store._begin = dying
while True:
    app.operations.turn(0.0)
"""


@pytest.mark.parametrize("state", ["retrying", "queued"])
def test_a_runner_that_is_killed_is_followed_by_another_who_does_the_rest_once(server, other, state) -> None:
    fill(server, keys.RETRY, 3000)
    server.client.rpush(default_queue(), *(job(f"q{n:05}", **{"class": "shop.mail"}) for n in range(3000)))
    server.client.sadd(keys.QUEUES, "default")
    found = other.start("kill", "class:shop.mail" if state == "queued" else "", state=state)

    ended = subprocess.run([sys.executable, "-c", RUNNER, server.url], check=False)

    assert ended.returncode == -9
    until(lambda: 500 <= other.find(found.id).done < 3000)
    expire(server, found.id)
    assert finish(other, found.id).done == 3000
    assert server.client.zcard(keys.DEAD) == 3000
    left = (server.client.zcard(keys.RETRY), server.client.llen(default_queue()))
    assert left == ((3000, 0) if state == "queued" else (0, 3000))


def test_a_record_that_is_gone_is_forgotten(server, ops) -> None:
    found = ops.start("delete", state="dead")
    server.client.delete(keys.operation(found.id))

    assert ops.turn(0.0) is False

    assert not server.exists(keys.OPERATIONS_OPEN)
    assert list(ops) == []


# --- the tests themselves must be able to fail ---------------------------------------------


def test_the_tests_find_an_operation_without_a_cut_off(server, ops, monkeypatch) -> None:
    from api.test_operations import test_a_job_that_fails_again_while_the_operation_runs_is_retried_once as guarded

    monkeypatch.setattr(slices, "changed_at", lambda job: 0.0)

    with pytest.raises(AssertionError):
        guarded(server, ops)


def test_the_tests_find_a_slice_without_a_fence(server, ops, other, monkeypatch) -> None:
    load = scripts.load

    def careless(name: str) -> scripts.Script:
        import hashlib

        script = load(name)
        source = script.source.replace(b"if not operation_is_held(record, fence) then", b"if false then")
        return scripts.Script(name, source, hashlib.sha1(source).hexdigest())

    monkeypatch.setattr(scripts, "load", careless)

    with pytest.raises(AssertionError):
        test_a_runner_that_slept_too_long_does_nothing_more(server, ops, other, "retrying", keys.RETRY)
