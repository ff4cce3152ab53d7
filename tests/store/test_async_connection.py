"""Tasks, loops, forks and cancellations may share a store: each call gets its own answer, and nothing is left open."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import threading
import warnings

import pytest

from mainspring.base.errors import StoreUnavailable
from mainspring.store import keys, queues, stats
from mainspring.store.command import Command, blob, plain
from mainspring.store.connection import AsyncStore
from support import until


@pytest.fixture
async def store(server):
    store = AsyncStore(server.url)
    yield store
    await store.aclose()


def echo(value: bytes) -> Command[bytes]:
    return plain("ECHO", args=(value,), decode=blob)


def connections(server) -> int:
    return sum(row["name"] == "mainspring" for row in server.client.client_list())


# --- tasks ---------------------------------------------------------------------------


async def test_each_of_many_tasks_gets_its_own_answers(store):
    values = [b"%d" % i for i in range(500)]

    assert await asyncio.gather(*(store.run(echo(value)) for value in values)) == values


async def test_tasks_with_pipelines_get_their_own_answers(store):
    rows = [[b"%d:%d" % (row, i) for i in range(50)] for row in range(20)]

    assert await asyncio.gather(*(store.pipeline([echo(value) for value in row]) for row in rows)) == rows


async def test_a_closed_store_has_no_connection_and_may_be_used_again(server, store):
    await asyncio.gather(*(store.run(stats.ping()) for _ in range(5)))

    await store.aclose()

    assert until(lambda: connections(server) == 0)
    assert await store.run(stats.ping()) is True


async def test_a_server_that_was_restarted_while_the_loop_was_busy_is_noticed_before_anything_is_sent(private_server):
    server = private_server(aof=True, fsync="always")
    store = AsyncStore(server.url)
    await store.run(queues.push("default", [b"a"]))
    # The loop does not come round in between, so it has not been told that the connection ended.
    server.restart()

    assert await store.run(queues.push("default", [b"b"])) == 2

    await store.aclose()


# --- cancellation ----------------------------------------------------------------------


def cancel_after(turns: int, task: asyncio.Task) -> None:
    """Cancel *task* when the loop has come round so often: at any of the points at which a call waits."""
    loop = asyncio.get_running_loop()
    if turns:
        loop.call_soon(cancel_after, turns - 1, task)
    else:
        task.cancel()


@pytest.mark.parametrize("seed", range(3))
async def test_calls_that_are_cancelled_anywhere_leave_no_answer_for_others(server, store, seed):
    rng = random.Random(seed)
    wrong, ended = [], 0

    async def ask(value: bytes) -> None:
        nonlocal ended
        answers = await store.pipeline([echo(value), echo(value + b"!")])
        ended += 1
        if answers != [value, value + b"!"]:
            wrong.append((value, answers))

    for i in range(150):
        tasks = [asyncio.create_task(ask(b"%d:%d" % (i, j))) for j in range(4)]
        for task in tasks[1:]:
            cancel_after(rng.randrange(12), task)
        await asyncio.gather(*tasks, return_exceptions=True)

    assert wrong == []
    assert 150 <= ended < 600
    assert await store.run(echo(b"after")) == b"after"
    assert connections(server) <= 5


async def test_a_cancelled_call_closes_its_connection(server, store):
    task = asyncio.create_task(store.run(queues.look("default", 30.0)))
    await asyncio.to_thread(until, lambda: server.client.info("clients")["blocked_clients"])

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(until, lambda: connections(server) == 0)


async def test_a_call_that_is_cancelled_while_it_connects_leaves_nothing_open(private_server):
    server = private_server()
    store = AsyncStore(server.url)
    server.freeze()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(store.run(stats.ping()), 0.05)
        gc.collect()
    server.thaw()

    assert [str(warning.message) for warning in caught] == []
    assert await store.run(stats.ping()) is True
    await store.aclose()


async def test_a_cancelled_push_is_stored_once_or_not_at_all(server, store):
    rng = random.Random(1)
    for i in range(200):
        task = asyncio.create_task(store.run(queues.push("default", [b"%d" % i])))
        cancel_after(rng.randrange(12), task)
        await asyncio.gather(task, return_exceptions=True)

    jobs = server.client.lrange(keys.queue("default"), 0, -1)
    assert 0 < len(jobs) == len(set(jobs)) < 200


# --- loops -----------------------------------------------------------------------------


def test_a_loop_that_ends_closes_its_connections(server):
    store = AsyncStore(server.url)

    async def ask(i: int) -> list[bytes]:
        return await asyncio.gather(*(store.run(echo(b"%d:%d" % (i, j))) for j in range(3)))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for i in range(10):
            assert asyncio.run(ask(i)) == [b"%d:%d" % (i, j) for j in range(3)]
            assert until(lambda: connections(server) == 0)
        gc.collect()


def test_a_loop_that_was_closed_without_goodbye_is_forgotten(server):
    store = AsyncStore(server.url)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the loop's owner left its sockets open
        for i in range(5):
            loop = asyncio.new_event_loop()
            assert loop.run_until_complete(store.run(echo(b"%d" % i))) == b"%d" % i
            loop.close()
        asyncio.run(store.run(stats.ping()))
        del loop
        gc.collect()

    assert until(lambda: connections(server) == 0)


def test_loops_in_several_threads_share_a_store(server):
    store = AsyncStore(server.url)
    wrong = []

    async def ask(thread: int) -> None:
        for i in range(100):
            value = b"%d:%d" % (thread, i)
            if await store.run(echo(value)) != value:
                wrong.append(value)

    threads = [threading.Thread(target=lambda i=i: asyncio.run(ask(i))) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert until(lambda: connections(server) == 0)


def test_uvloop_does_as_well(server):
    uvloop = pytest.importorskip("uvloop")
    store = AsyncStore(server.url)

    async def ask() -> list[bytes]:
        return [await store.run(echo(b"%d" % i)) for i in range(20)]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(ask()) == [b"%d" % i for i in range(20)]

    assert until(lambda: connections(server) == 0)


# --- forks -----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
async def test_a_child_that_uses_the_store_leaves_the_parents_connections_alone(server):
    store = AsyncStore(server.url, timeout=2)
    await asyncio.gather(*(store.run(stats.ping()) for _ in range(3)))
    pid = os.fork()
    if pid == 0:
        asyncio._set_running_loop(None)
        own = asyncio.run(store.run(echo(b"child"))) == b"child"
        os._exit(0 if own else 1)
    _, status = await asyncio.to_thread(os.waitpid, pid, 0)

    answers = await asyncio.gather(*(store.run(echo(b"%d" % i)) for i in range(3)))

    assert status == 0
    assert answers == [b"0", b"1", b"2"]
    await store.aclose()


# --- trouble ---------------------------------------------------------------------------


async def test_tasks_whose_server_dies_all_end_with_an_error(private_server):
    server = private_server()
    store = AsyncStore(server.url)
    tasks = [asyncio.create_task(store.run(queues.look("default", 30.0))) for _ in range(5)]
    await asyncio.to_thread(until, lambda: server.client.info("clients")["blocked_clients"] == 5)

    server.kill9()
    errors = await asyncio.gather(*tasks, return_exceptions=True)

    assert [type(error) for error in errors] == [StoreUnavailable] * 5
    assert {error.applied for error in errors} == {None}
    with pytest.raises(StoreUnavailable) as caught:
        await store.run(stats.ping())
    assert caught.value.applied is False
