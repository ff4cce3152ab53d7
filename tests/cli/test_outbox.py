"""`mainspring outbox`, and workers beside their jobs, push what was committed, say what they are, and end as told."""

from __future__ import annotations

import signal

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from mainspring import App
from mainspring.integrations.sqlalchemy import create_outbox
from mainspring.store import keys
from support import until


@pytest.fixture
def engine(project, write, monkeypatch):
    """Give the database of a project that relays its outbox."""
    monkeypatch.setenv("MAINSPRING_BEAT", "0.2s")
    monkeypatch.setenv("MAINSPRING_APP", "relayed")
    monkeypatch.setenv("MAINSPRING_OUTBOX_POLL", "0.05s")
    write(
        "relayed.py",
        f"""
        from shop.jobs import app

        app.relay("sqlite:///{project}/shop.db")
        """,
    )
    made = create_engine(f"sqlite:///{project}/shop.db")
    yield made
    made.dispose()


def commit(engine, *numbers: int) -> None:
    app = App("redis://127.0.0.1:1/0")

    @app.job(name="shop.jobs.add")
    def add(x: int, y: int) -> int: ...

    with Session(engine) as session, session.begin(), app.outbox(session):
        for number in numbers:
            add.enqueue(number, 1)


def ready(running):
    until(lambda: "ready in" in running.err or running.process.poll() is not None, 20)
    assert running.process.poll() is None, running.err
    return running


def test_a_process_of_its_own_pushes_what_was_committed_and_ends_with_0(engine, start, server):
    create_outbox(engine)
    relay = ready(start("outbox"))

    commit(engine, 1, 2)

    until(lambda: server.client.llen(keys.queue("default")) == 2)
    assert "database sqlite:///" in " ".join(relay.err.split())
    relay.send(signal.SIGTERM)
    assert relay.wait() == 0
    assert not server.exists(keys.PROCESSES)


def test_it_is_shown_among_the_processes_and_ends_when_the_store_says_so(engine, start, server):
    create_outbox(engine)
    relay = ready(start("outbox"))
    app = App(server.url)
    (shown,) = until(lambda: list(app.processes))

    shown.stop()

    assert shown.role == "outbox"
    assert relay.wait() == 0
    app.close()


def test_a_worker_relays_beside_its_jobs(engine, start, server):
    create_outbox(engine)
    worker = ready(start("worker"))

    commit(engine, 1)

    until(lambda: server.client.get(keys.STAT_PROCESSED) == b"1")
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0


def test_once_pushes_what_there_is_and_says_how_much(engine, ms, server):
    create_outbox(engine)
    commit(engine, 1, 2)

    ended = ms("outbox", "--once")

    assert (ended.code, ended.out) == (0, "2 jobs pushed\n")
    assert server.client.llen(keys.queue("default")) == 2


def test_a_database_without_the_tables_is_said_in_one_line(engine, ms):
    ended = ms("outbox", "--once")

    assert ended.code != 0
    assert "cannot be relayed" in ended.err
    assert "no such table: mainspring_outbox" in ended.err
    assert len(ended.err.splitlines()) == 1


def test_an_app_that_names_no_database_is_told_how(ms, project):
    ended = ms("outbox", "-A", "shop.jobs")

    assert ended.code == 2
    assert "app.relay(engine)" in ended.err
