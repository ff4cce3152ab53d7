"""What is enqueued through an outbox is written in the caller's transaction, and exists if and only if that commits."""

from __future__ import annotations

import contextvars
import json
import time
from contextlib import suppress

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from features.outbox.conftest import rows
from mainspring import InvalidOption, NoTransaction, PayloadTooLarge, WrongArguments
from mainspring.worker import Relay


def test_a_job_stands_in_the_table_after_the_commit_and_in_no_queue(shop, engine, server):
    before = time.time()
    with Session(engine) as session, session.begin():
        enqueued = shop.app.outbox(session).enqueue(shop.mail, 7, to="a@example.org")

    (row,) = rows(engine)

    assert (row.jid, row.queue, row.at, row.batch) == (enqueued.jid, "default", None, None)
    assert before <= row.created_at <= time.time()
    assert json.loads(row.payload)["args"] == [7]
    assert json.loads(row.payload)["kwargs"] == {"to": "a@example.org"}
    assert server.keys() == set()


def test_a_job_of_a_transaction_that_is_rolled_back_never_existed(shop, engine):
    with suppress(ZeroDivisionError), Session(engine) as session, session.begin():
        shop.app.outbox(session).enqueue(shop.mail, 7)
        raise ZeroDivisionError

    assert rows(engine) == []


def test_a_job_of_a_savepoint_that_is_rolled_back_never_existed(shop, engine):
    with Session(engine) as session, session.begin():
        shop.app.outbox(session).enqueue(shop.mail, 1)
        session.flush()
        with session.begin_nested() as savepoint:
            shop.app.outbox(session).enqueue(shop.mail, 2)
            savepoint.rollback()
        shop.app.outbox(session).enqueue(shop.mail, 3)

    assert [json.loads(row.payload)["args"] for row in rows(engine)] == [[1], [3]]


def test_all_that_is_enqueued_in_a_block_is_written_whatever_way_it_is_enqueued(shop, engine, server):
    now = time.time()
    with Session(engine) as session, session.begin(), shop.app.outbox(session):
        shop.mail.enqueue(1)
        shop.mail.enqueue_in("1h", 2)
        shop.mail.enqueue_at(now + 60, 3)
        shop.mail.using(queue="low").enqueue(4)
        shop.mail.enqueue_many([(5,), (6,)])
        shop.app.enqueue("Ruby::Job", [7])

    found = rows(engine)

    assert [json.loads(row.payload)["args"] for row in found] == [[n] for n in range(1, 8)]
    assert [row.queue for row in found] == ["default"] * 3 + ["low"] + ["default"] * 3
    assert found[1].at == pytest.approx(now + 3600, abs=60)
    assert found[2].at == pytest.approx(now + 60, abs=0.001)
    assert server.keys() == set()


def test_what_is_enqueued_after_a_block_goes_to_the_store(shop, engine):
    with Session(engine) as session, session.begin():
        with shop.app.outbox(session):
            shop.mail.enqueue(1)
        shop.mail.enqueue(2)

    assert shop.orders() == [2]
    assert len(rows(engine)) == 1


def test_the_three_ways_to_say_when(shop, engine):
    now = time.time()
    with Session(engine) as session, session.begin():
        outbox = shop.app.outbox(session)
        outbox.enqueue(shop.mail, 1)
        outbox.enqueue_in(shop.mail, "1h", 2)
        outbox.enqueue_at(shop.mail, now + 60, 3, to="b")

    ats = [row.at for row in rows(engine)]

    assert ats[0] is None
    assert ats[1:] == [pytest.approx(now + 3600, abs=60), pytest.approx(now + 60, abs=0.001)]


def test_blocks_of_one_outbox_may_stand_in_one_another(shop, engine):
    with Session(engine) as session, session.begin():
        outbox = shop.app.outbox(session)
        with outbox:
            with outbox:
                shop.mail.enqueue(1)
            shop.mail.enqueue(2)

    assert len(rows(engine)) == 2


def test_the_middleware_runs_round_the_writing_and_may_change_or_stop_a_job(shop, engine):
    def steps(push):
        if push.fields["args"] == [2]:
            return
        push.queue = "changed"
        yield

    shop.app.use(enqueue=steps)
    with Session(engine) as session, session.begin():
        outbox = shop.app.outbox(session)
        kept, stopped = outbox.enqueue(shop.mail, 1), outbox.enqueue(shop.mail, 2)

    assert (kept.queue, stopped.jid) == ("changed", "")
    assert [row.queue for row in rows(engine)] == ["changed"]


def test_a_scoped_session_and_a_connection_will_do(shop, engine):
    scoped = scoped_session(sessionmaker(engine))
    shop.app.outbox(scoped).enqueue(shop.mail, 1)
    scoped.commit()
    scoped.remove()
    with engine.begin() as connection:
        shop.app.outbox(connection).enqueue(shop.mail, 2)

    assert len(rows(engine)) == 2


@pytest.mark.parametrize("session", ["a text", object()])
def test_what_is_no_session_is_refused(shop, session):
    with pytest.raises(InvalidOption, match="no session or connection of SQLAlchemy"):
        shop.app.outbox(session)


def test_an_engine_is_refused_since_it_has_no_transaction(shop, engine):
    with pytest.raises(InvalidOption, match="no session or connection"):
        shop.app.outbox(engine)


def test_wrong_arguments_and_giants_are_refused_before_anything_is_written(shop, engine):
    with Session(engine) as session, session.begin():
        with pytest.raises(WrongArguments):
            shop.app.outbox(session).enqueue(shop.mail, "no number")
        with pytest.raises(PayloadTooLarge):
            shop.app.outbox(session).enqueue(shop.mail, 1, to="x" * 2_000_000)

    assert rows(engine) == []


def test_something_that_a_block_started_and_that_enqueues_after_it_is_told(shop, engine):
    with Session(engine) as session, session.begin():
        with shop.app.outbox(session):
            leftover = contextvars.copy_context()

        with pytest.raises(NoTransaction, match="has been left"):
            leftover.run(shop.mail.enqueue, 1)

    assert rows(engine) == []
    assert shop.queued() == []


def test_an_error_in_a_block_is_the_callers_and_the_block_is_left(shop, engine):
    with Session(engine) as session, session.begin():
        with suppress(ZeroDivisionError), shop.app.outbox(session):
            shop.mail.enqueue(1)
            raise ZeroDivisionError
        shop.mail.enqueue(2)

    # The transaction went on, and it is what decides.
    assert len(rows(engine)) == 1
    assert shop.orders() == [2]


def test_a_commit_wakes_the_relays_of_the_process_and_a_rollback_does_not(shop, engine):
    bells: list[int] = []
    shop.app.relayed.listen(lambda: bells.append(1))
    with Session(engine) as session:
        shop.app.outbox(session).enqueue(shop.mail, 1)
        shop.app.outbox(session).enqueue(shop.mail, 2)
        session.rollback()
        rung_by_rollback = len(bells)
        shop.app.outbox(session).enqueue(shop.mail, 3)
        session.commit()

    assert (rung_by_rollback, len(bells)) == (0, 1)


def test_a_relay_pushes_what_a_session_has_committed(shop, engine):
    shop.app.relay(engine)
    with Session(engine) as session, session.begin():
        enqueued = shop.app.outbox(session).enqueue(shop.mail, 7)

    assert Relay(shop.app).drain() == 1

    (job,) = shop.queued()
    assert (job["jid"], job["args"], job["class"]) == (enqueued.jid, [7], "mail")
    assert job["enqueued_at"] >= job["created_at"]
    assert rows(engine) == []


def test_without_its_tables_the_callers_transaction_says_so(shop, tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with Session(engine) as session, pytest.raises(Exception, match="no such table: mainspring_outbox"):
        shop.app.outbox(session).enqueue(shop.mail, 1)
    engine.dispose()


def test_writes_of_the_application_and_jobs_commit_together(shop, engine):
    with Session(engine) as session, session.begin():
        session.execute(text("INSERT INTO orders (id) VALUES (7)"))
        shop.app.outbox(session).enqueue(shop.mail, 7)

    with engine.connect() as connection:
        assert connection.execute(text("SELECT id FROM orders")).scalars().all() == [7]
    assert len(rows(engine)) == 1


def test_a_batch_within_a_block_is_refused_and_a_job_through_an_outbox_is_in_no_batch(shop, engine):
    with Session(engine) as session, session.begin():
        refused = pytest.raises(InvalidOption, match="cannot stand in a transaction's")
        with shop.app.outbox(session), refused, shop.app.batch("letters"):
            shop.mail.enqueue(1)
        with shop.app.batch("others"):
            shop.app.outbox(session).enqueue(shop.mail, 2)
            shop.mail.enqueue(3)

    (row,) = rows(engine)
    assert shop.orders() == [3]
    assert json.loads(row.payload)["args"] == [2]
    assert "flow" not in json.loads(row.payload)
