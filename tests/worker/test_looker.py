"""Whoever waits at a queue is rung by its next job; of a crowd only some come, and at a full server all come now and then."""

from __future__ import annotations

import queue
import random
from collections.abc import Callable, Iterator

import pytest

from mainspring.store import keys
from mainspring.store.connection import Store
from mainspring.worker.looker import FEW, POLL, Looker
from servers import Server
from support import until

Q = keys.queue("default")


@pytest.fixture
def lookers() -> Iterator[Callable[..., list[Looker]]]:
    """Let lookers wait at the queue of a server on which there are as many processes."""
    made: list[tuple[Looker, Server]] = []

    def make(server: Server, count: int, rung: Callable[[], None]) -> list[Looker]:
        server.client.sadd(keys.owners("default"), *[f"host:{number}:aaaaaaaaaaaa" for number in range(count)])
        store = Store(server.url)
        found = [Looker("default", store, rung=rung, rng=random.Random(number)) for number in range(count)]
        for looker in found:
            made.append((looker, server))
            looker.start()
            looker.arm()
        waiting(server, count)
        return found

    yield make
    for looker, _ in made:
        looker.stop()
    for looker, server in made:
        server.client.client_kill_filter(_type="normal", skipme=True)
        assert looker.join(10)


def waiting(server: Server, count: int) -> None:
    """Return when so many wait."""
    until(lambda: server.client.info("clients")["blocked_clients"] == count)


def _all_wait(server: Server, lookers: list[Looker]) -> bool:
    for looker in lookers:
        looker.arm()
    return server.client.info("clients")["blocked_clients"] == len(lookers)


def test_a_few_who_wait_all_come_at_once(server, lookers):
    rung: queue.SimpleQueue[None] = queue.SimpleQueue()
    lookers(server, FEW, lambda: rung.put(None))

    server.client.lpush(Q, "job")

    for _ in range(FEW):
        rung.get(timeout=10)


def test_of_a_crowd_only_some_come_for_each_job_and_none_is_left_lying(server, lookers):
    crowd, jobs, came = 12, 40, []

    def take() -> None:
        came.append(server.client.rpop(Q))

    everybody = lookers(server, crowd, take)
    for number in range(jobs):
        server.client.lpush(Q, f"job {number}")
        until(lambda: not server.client.llen(Q))
        # Who came too late may only now be done with it.
        until(lambda: _all_wait(server, everybody))

    assert [job for job in came if job] == [b"job %d" % number for number in range(jobs)]
    # Were they all to come, it would be twelve for each.
    assert len(came) < 5 * jobs


def test_all_of_a_crowd_come_when_there_is_work_for_all(server, lookers):
    rung: queue.SimpleQueue[None] = queue.SimpleQueue()
    lookers(server, 12, lambda: rung.put(None))

    server.client.lpush(Q, *range(100))

    for _ in range(12):
        rung.get(timeout=10)


def test_a_full_server_is_asked_now_and_then(private_server, lookers):
    server = private_server()
    rung: queue.SimpleQueue[None] = queue.SimpleQueue()
    (looker,) = lookers(server, 1, lambda: rung.put(None))
    server.client.config_set("maxmemory", "1mb")
    # The look that is under way ends.
    server.client.client_kill_filter(_type="normal", skipme=True)

    for _ in range(3):
        rung.get(timeout=5 * POLL)
        looker.arm()
