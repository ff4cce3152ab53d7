"""What transactions have committed is pushed once, in its order, by however many relays, whenever the store is there."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from features.outbox.conftest import rows
from mainspring import App, InvalidOption, StoreError
from mainspring.base.timesource import TimeSource
from mainspring.features.outbox.alchemy import AlchemyDatabase
from mainspring.features.outbox.table import Table
from mainspring.integrations.sqlalchemy import create_outbox
from mainspring.store import flows, keys
from mainspring.worker import Relay, relay
from support import until

HOUR = 3600.0


def commit(shop, engine, *orders: int) -> None:
    """Commit one transaction with a job for each of *orders*."""
    with Session(engine) as session, session.begin(), shop.app.outbox(session):
        shop.mail.enqueue_many([(order,) for order in orders])


@pytest.fixture
def relays() -> Iterator[Callable[..., Relay]]:
    """Start relays that nothing but a commit wakes, and that are always stopped."""
    made: list[Relay] = []

    def start(app: App, *, poll: float = HOUR) -> Relay:
        made.append(Relay(app, poll=poll))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop()


# --- what is pushed --------------------------------------------------------------------


def test_more_than_a_batch_is_pushed_in_its_order_and_nothing_is_left(shop, engine):
    shop.app.relay(engine)
    orders = list(range(2 * flows.MOST + 7))
    commit(shop, engine, *orders)

    assert Relay(shop.app).drain() == len(orders)

    assert shop.orders() == orders
    assert rows(engine) == []


def test_jobs_for_later_and_for_other_queues_go_where_they_belong(shop, engine, server):
    shop.app.relay(engine)
    with Session(engine) as session, session.begin(), shop.app.outbox(session):
        shop.mail.enqueue_at(4e9, 1)
        shop.mail.using(queue="low").enqueue(2)
        shop.mail.enqueue(3)

    Relay(shop.app).drain()

    assert server.client.zscore(keys.SCHEDULE, server.client.zrange(keys.SCHEDULE, 0, -1)[0]) == 4e9
    assert (shop.orders("low"), shop.orders()) == ([2], [3])
    assert server.client.smembers(keys.QUEUES) >= {b"default", b"low"}


def test_what_another_program_wrote_by_hand_is_pushed_as_it_is(shop, engine, server):
    shop.app.relay(engine)
    with engine.begin() as connection:
        insert = "INSERT INTO mainspring_outbox (jid, queue, payload, created_at) VALUES ('x', 'default', :it, 1)"
        connection.execute(text(insert), {"it": "no JSON"})

    Relay(shop.app).drain()

    assert server.client.lrange("queue:default", 0, -1) == [b"no JSON"]


def test_a_job_in_whose_place_another_stands_is_not_pushed_and_that_is_logged(shop, engine, caplog):
    def unique(push):
        push.fields["flow"] = {"lock": "a-digest", "unique_for": 60.0}
        yield

    shop.app.use(enqueue=unique)
    shop.app.relay(engine)
    commit(shop, engine, 1, 2)
    caplog.set_level(logging.INFO, "mainspring")

    Relay(shop.app).drain()

    assert shop.orders() == [1]
    assert [record.event for record in caplog.records] == ["outbox.duplicate"]


def test_a_job_takes_its_lock_when_it_is_pushed_and_not_before(shop, engine):
    single = shop.app.job(name="single", unique_for="1h")(lambda number: None)
    shop.app.relay(engine)
    with Session(engine) as session, session.begin(), shop.app.outbox(session):
        written = single.enqueue_many([(4,), (4,)])
    early = single.enqueue(4)

    Relay(shop.app).drain()

    assert [each.duplicate_of for each in (*written, early)] == [None, None, None]
    assert [job["jid"] for job in shop.queued()] == [early.jid]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite lets one transaction write at a time
def test_a_job_whose_transaction_commits_late_is_pushed_though_later_ones_were_pushed_before(shop, engine):
    shop.app.relay(engine)
    slow = Session(engine)
    shop.app.outbox(slow).enqueue(shop.mail, 1)
    commit(shop, engine, 2)
    Relay(shop.app).drain()
    pushed_before = shop.orders()

    slow.commit()
    Relay(shop.app).drain()

    assert (pushed_before, shop.orders()) == ([2], [2, 1])
    slow.close()


# --- how often -------------------------------------------------------------------------


def test_a_batch_that_was_pushed_and_not_deleted_is_not_pushed_again(shop, engine):
    commit(shop, engine, 1, 2)
    table = Table(AlchemyDatabase(engine))
    table.number(shop.app.time.now(), 500)
    batch = table.first()
    assert batch is not None
    relay.push(shop.app.store, batch, shop.app.time.now())

    shop.app.relay(engine)
    Relay(shop.app).drain()

    assert shop.orders() == [1, 2]
    assert rows(engine) == []


def test_a_relay_that_was_frozen_between_reading_and_pushing_pushes_nothing_again(shop, engine):
    commit(shop, engine, 1, 2)
    table = Table(AlchemyDatabase(engine))
    table.number(shop.app.time.now(), 500)
    frozen = table.first()
    assert frozen is not None
    shop.app.relay(engine)
    Relay(shop.app).drain()
    commit(shop, engine, 3)
    Relay(shop.app).drain()

    relay.push(shop.app.store, frozen, shop.app.time.now())

    assert shop.orders() == [1, 2, 3]


def test_many_relays_at_once_push_each_job_once(shop, engine, server):
    apps = [App(server.url) for _ in range(4)]
    for app in apps:
        app.relay(str(engine.url.render_as_string(hide_password=False)))
    everything = list(range(700))
    threads = [threading.Thread(target=Relay(app).drain) for app in apps]
    commit(shop, engine, *everything[:600])
    for thread in threads:
        thread.start()
    for order in everything[600:]:
        commit(shop, engine, order)
    for thread in threads:
        thread.join(30)
    shop.app.relay(engine)
    Relay(shop.app).drain()

    assert sorted(shop.orders()) == everything
    for app in apps:
        app.close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite lets one transaction write at a time
def test_of_two_relays_that_are_an_outbox_s_first_each_takes_a_number_of_its_own(shop, engine):
    commit(shop, engine, *range(10))
    taken = []

    class Overtaken(AlchemyDatabase):
        """A database in which another relay makes a batch, the first of all, after our first statement."""

        @contextmanager
        def begin(self):
            with super().begin() as transaction:
                yield SimpleNamespace(run=lambda *given: self.run(transaction, *given), rows=transaction.rows)

        def run(self, transaction, *given):
            changed = transaction.run(*given)
            if not taken:
                taken.append(0)
                taken[0] = Table(AlchemyDatabase(engine)).number(shop.app.time.now(), 5)
            return changed

    taken.append(Table(Overtaken(engine)).number(shop.app.time.now(), 5))

    first, second = taken
    assert 0 < first < second
    assert [row.batch for row in rows(engine)] == [first] * 5 + [second] * 5


def test_a_batch_of_another_relay_is_left_to_it_until_that_takes_too_long(shop, engine):
    class Steered(TimeSource):
        ahead = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.ahead

    time = shop.app.time = Steered()
    commit(shop, engine, 1)
    Table(AlchemyDatabase(engine)).number(time.now(), 500)
    shop.app.relay(engine)
    (service,) = Relay(shop.app)._services

    waits, before = service.turn(), shop.orders()
    time.ahead += relay.PATIENCE
    service.turn()

    assert (waits, before) == (relay.NEAR, [])
    assert shop.orders() == [1]


def test_an_outbox_that_was_made_anew_does_not_take_its_numbers_for_old_ones(shop, engine):
    shop.app.relay(engine)
    commit(shop, engine, 1)
    Relay(shop.app).drain()
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE mainspring_outbox"))
        connection.execute(text("DROP TABLE mainspring_outbox_source"))
    create_outbox(engine)
    commit(shop, engine, 2)

    Relay(shop.app).drain()

    assert shop.orders() == [1, 2]


def test_an_outbox_that_was_restored_from_a_backup_gives_no_number_again(shop, engine):
    shop.app.relay(engine)
    commit(shop, engine, 1)
    Relay(shop.app).drain()
    with engine.connect() as connection:
        backup = connection.execute(text("SELECT number FROM mainspring_outbox_source")).scalar_one()
    for order in (2, 3):
        commit(shop, engine, order)
        Relay(shop.app).drain()
    with engine.begin() as connection:
        connection.execute(text("UPDATE mainspring_outbox_source SET number = :it"), {"it": backup})
    commit(shop, engine, 4)

    Relay(shop.app).drain()

    assert shop.orders() == [1, 2, 3, 4]


# --- when ------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", [Session, lambda engine: engine.connect()], ids=["session", "connection"])
def test_a_relay_in_the_same_process_pushes_right_after_the_commit(shop, engine, relays, opened):
    shop.app.relay(engine)
    pushed: queue.SimpleQueue[int] = queue.SimpleQueue()
    # Its own first look is over when the first batch has come.
    commit(shop, engine, 1)
    relays(shop.app).pushed = pushed.put
    until(shop.orders)
    with opened(engine) as target, target.begin():
        shop.app.outbox(target).enqueue(shop.mail, 2)

    until(lambda: shop.orders() == [1, 2])


def test_a_relay_elsewhere_finds_it_by_itself(shop, engine, relays, server):
    elsewhere = App(server.url)
    elsewhere.relay(engine)
    relays(elsewhere, poll=0.05)

    commit(shop, engine, 1)

    until(lambda: shop.orders() == [1])


def test_while_the_store_is_away_jobs_wait_in_one_batch_and_new_ones_in_none(shop, engine, private_server):
    server = private_server()
    app = App(server.url)
    app.relay(engine)
    server.stop()
    for order in (1, 2):
        commit(shop, engine, order)
        with pytest.raises(StoreError):
            Relay(app).drain()
    batches = [row.batch for row in rows(engine)]
    server.start()

    Relay(app).drain()

    assert batches[0] is not None
    assert batches[1:] == [None]
    assert server.client.llen("queue:default") == 2
    app.close()


def test_a_database_without_the_tables_is_reported_once_and_looked_at_again(shop, relays, tmp_path, caplog):
    engine = create_engine(f"sqlite:///{tmp_path / 'late.db'}")
    shop.app.relay(engine)
    caplog.set_level(logging.INFO, "mainspring")
    relays(shop.app, poll=0.05)
    until(lambda: [record.event for record in caplog.records] == ["outbox.database_gone"])
    create_outbox(engine)

    commit(shop, engine, 1)

    until(lambda: shop.orders() == [1])
    assert [record.event for record in caplog.records] == ["outbox.database_gone", "outbox.back"]
    assert caplog.records[0].levelname == "WARNING"
    engine.dispose()


def test_a_relay_that_is_stopped_leaves_the_rest_to_the_next(shop, engine, relays):
    shop.app.relay(engine)
    relays(shop.app).stop()

    commit(shop, engine, 1)

    assert len(rows(engine)) == 1
    Relay(shop.app).drain()
    assert shop.orders() == [1]


def test_an_app_that_names_no_database_has_nothing_to_relay(shop):
    with pytest.raises(InvalidOption, match=r"app\.relay\(engine\)"):
        Relay(shop.app)


@pytest.mark.parametrize("poll", [0, "0s"])
def test_a_poll_without_a_pause_is_refused(shop, engine, poll):
    shop.app.relay(engine)

    with pytest.raises(InvalidOption, match="poll="):
        Relay(shop.app, poll=poll)
