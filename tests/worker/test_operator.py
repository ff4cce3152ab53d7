"""A worker does bulk operations beside its jobs, and pays nothing while there are none."""

from __future__ import annotations

import json
import threading
import time

import pytest

from mainspring import App, Snooze
from mainspring.base.errors import StoreUnavailable
from mainspring.store import keys
from mainspring.worker import Worker
from support import until


@pytest.fixture
def app(server):
    app = App(server.url)
    yield app
    app.close()


@pytest.fixture
def tired(server):
    """Put failed jobs into the retry set that are due in an hour."""

    def put(count: int) -> None:
        raw = '{"class":"work","args":[],"jid":"%024x","queue":"default","retry_count":0,"created_at":1e9,"failed_at":1.5e9}'
        server.client.zadd(keys.RETRY, {raw % number: time.time() + 3600 for number in range(count)})

    return put


def operators() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "mainspring-operator"]


def test_a_worker_does_an_operation_and_runs_what_it_retried(server, app, tired) -> None:
    app.job(name="work")(lambda: None)
    tired(400)

    with Worker(app):
        found = app.operations.start("retry", state="retrying", by="ann")
        until(lambda: app.operations.find(found.id).status == "done", 20)
        until(lambda: app.stats().processed == 400, 20)

    assert app.operations.find(found.id).done == 400
    assert not server.exists(keys.RETRY)


def test_a_worker_without_operations_has_no_thread_for_them(app) -> None:
    looked = threading.Event()
    worker = Worker(app)
    turn = worker._forwarder.turn
    worker._forwarder.turn = lambda: looked.set() or turn()

    with worker:
        assert looked.wait(10)
        assert operators() == []


def test_two_workers_do_an_operation_once(server, app, tired) -> None:
    tired(1000)
    other = App(server.url)

    with Worker(app, queues=["none"]), Worker(other, queues=["none"]):
        found = app.operations.start("retry", state="retrying", spread="1h")
        until(lambda: app.operations.find(found.id).status == "done", 20)

    assert app.operations.find(found.id).done == 1000
    assert server.client.zcard(keys.RETRY) == 1000
    other.close()


def test_an_operation_outlives_an_outage(server, app, tired, monkeypatch) -> None:
    tired(1000)
    failures = iter([StoreUnavailable("gone", applied=None)] * 2)
    turn = app.operations.turn

    def failing(seconds: float) -> bool:
        for error in failures:
            raise error
        return turn(seconds)

    monkeypatch.setattr(app.operations, "turn", failing)

    with Worker(app, queues=["none"]):
        found = app.operations.start("delete", state="retrying")
        until(lambda: app.operations.find(found.id).status == "done", 20)

    assert app.operations.find(found.id).done == 1000


def test_a_job_that_is_put_off_says_when_so_that_an_older_operation_leaves_it_alone(server, app) -> None:
    app.job(name="later")(_put_off)

    with Worker(app):
        app.enqueue("later")
        (raw,) = until(lambda: server.client.zrange(keys.SCHEDULE, 0, -1))

    assert json.loads(raw)["rescheduled_at"] == pytest.approx(time.time(), abs=60)


def _put_off() -> None:
    raise Snooze("1h")
