"""What waits at the store for seconds can be ended at once, and takes no other call along."""

from __future__ import annotations

import threading
import time

import pytest

from mainspring.base.errors import StoreError, StoreUnavailable
from mainspring.store import keys, processes, stats
from mainspring.store.connection import Store
from mainspring.store.waiting import Waiting
from support import until


@pytest.fixture
def store(server):
    with_connections = Store(server.url)
    yield with_connections
    with_connections.close()


def blocked(server) -> bool:
    return int(server.client.info("clients")["blocked_clients"]) == 1


def test_a_call_is_answered_as_any_other(store, server):
    waiting = Waiting(store)
    server.client.rpush(keys.control("me"), "TSTP")
    server.client.expire(keys.control("me"), 60)

    assert waiting.run(processes.listen("me", 5)) == "TSTP"
    assert waiting.pipeline([stats.ping(), stats.ping()]) == [True, True]
    server.client.set(keys.control("me"), "no list", ex=60)
    with pytest.raises(StoreError, match="WRONGTYPE"):
        waiting.run(processes.listen("me", 5))


def test_whoever_waits_is_let_go_at_once_and_the_server_waits_for_nobody(store, server):
    waiting, ends = Waiting(store), []

    def wait() -> None:
        with pytest.raises(StoreUnavailable):
            waiting.run(processes.listen("me", 60))
        ends.append(time.monotonic())

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: blocked(server))

    waiting.end()

    thread.join(20)
    assert ends
    until(lambda: not blocked(server))
    assert store.run(stats.ping())


def test_what_was_ended_waits_no_more(store):
    waiting = Waiting(store)
    waiting.end()

    with pytest.raises(StoreUnavailable):
        waiting.run(processes.listen("me", 60))


def test_no_call_of_another_is_ended_that_has_the_connection_by_then(store):
    for _ in range(200):
        waiting = Waiting(store)
        waiting.run(stats.ping())
        ending = threading.Thread(target=waiting.end)
        ending.start()
        # It has the connection that the waiting had.
        assert store.run(stats.ping())
        ending.join()
