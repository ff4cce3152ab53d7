"""One of all workers hears that it is the leader, and another when it has gone."""

from __future__ import annotations

import random
import threading

import pytest

from mainspring import App
from mainspring.store import keys, leader
from mainspring.store.connection import Store
from mainspring.worker.leader import Leader
from support import until


@pytest.fixture
def store(server):
    made = Store(server.url)
    yield made
    made.close()


@pytest.fixture
def candidates(store, server):
    """Make services that are stopped whatever happens, each with the list of what it heard."""
    made = []

    def make(identity):
        heard = []
        app = App(server.url)
        app.on("leader", lambda: heard.append(identity))
        service = Leader(store, identity=lambda: identity, handlers=app.handlers, rng=random.Random(1), every=0.02)
        made.append(service)
        return service, heard

    yield make
    for service in made:
        service.stop()
        service.join(5)


def test_the_first_has_it_until_it_gives_it_back(server, store):
    assert store.run(leader.claim("one", 60_000)) == 1
    assert store.run(leader.claim("two", 60_000)) == 0
    assert store.run(leader.claim("one", 50_000)) == 2
    assert 50_000 >= server.client.pttl(keys.LEADER) > 45_000
    assert store.run(leader.claim("two", 0)) == 0
    assert server.client.get(keys.LEADER) == b"one"

    assert store.run(leader.claim("one", 0)) == 0

    assert not server.exists(keys.LEADER)
    assert store.run(leader.claim("one", 0)) == 0
    assert store.run(leader.claim("two", 60_000)) == 1


def test_one_process_hears_of_it_once_and_the_next_when_that_has_gone(server, candidates):
    first, heard = candidates("one")
    second, heard_next = candidates("two")
    first.start()
    until(lambda: heard == ["one"])
    second.start()
    until(lambda: server.client.pttl(keys.LEADER) > 0)
    assert not heard_next

    first.stop()
    first.join(5)
    until(lambda: heard_next == ["two"])

    assert heard == ["one"]
    assert server.client.get(keys.LEADER) == b"two"


def test_nobody_leads_where_nobody_listens(server, store):
    app = App(server.url)
    service = Leader(store, identity=lambda: "one", handlers=app.handlers, rng=random.Random(1))

    service.start()

    assert service.join(0)
    assert not server.exists(keys.LEADER)


def test_a_leader_that_died_is_followed_when_its_lease_has_run_out(server, candidates):
    server.client.set(keys.LEADER, "dead", px=300)
    service, heard = candidates("one")

    service.start()

    until(lambda: heard == ["one"], 5)


def test_a_handler_that_raises_is_reported_and_leads_on(server, store, caplog):
    app = App(server.url)
    app.on("leader", lambda: 1 / 0)
    service = Leader(store, identity=lambda: "one", handlers=app.handlers, rng=random.Random(1))

    service.turn()
    service.turn()

    assert caplog.text.count("ZeroDivisionError") == 1
    assert server.client.get(keys.LEADER) == b"one"
    service.end()
    assert not server.exists(keys.LEADER)


def test_a_worker_hears_of_it_and_gives_it_back_when_it_ends(bench):
    heard = threading.Event()
    bench.app.on("leader", heard.set)

    worker = bench.work()

    assert heard.wait(10)
    assert bench.client.get(keys.LEADER) == worker.identity.encode()
    worker.stop()
    until(lambda: not bench.client.exists(keys.LEADER))
