"""Coroutines write in their own transactions, without a call that blocks."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine

from features.outbox.conftest import rows
from mainspring import InvalidOption, NoTransaction


@pytest.fixture
async def async_engine(engine, url):
    made = create_async_engine(url.replace("sqlite:", "sqlite+aiosqlite:"))
    yield made
    await made.dispose()


async def test_a_job_is_written_by_awaiting_and_committed_with_the_session(shop, engine, async_engine):
    async with AsyncSession(async_engine) as session, session.begin():
        outbox = shop.app.outbox(session)
        await outbox.aenqueue(shop.mail, 1)
        await outbox.aenqueue_in(shop.mail, "1h", 2)
        await outbox.aenqueue_at(shop.mail, 4e9, 3)
        async with outbox:
            await shop.mail.aenqueue(4)
            await shop.mail.aenqueue_many([(5,), (6,)])

    found = rows(engine)

    assert [json.loads(row.payload)["args"] for row in found] == [[n] for n in range(1, 7)]
    assert found[2].at == 4e9
    assert shop.queued() == []


async def test_a_job_of_an_async_session_that_is_rolled_back_never_existed(shop, engine, async_engine):
    async with AsyncSession(async_engine) as session:
        await shop.app.outbox(session).aenqueue(shop.mail, 1)
        await session.rollback()

    assert rows(engine) == []


async def test_a_commit_of_an_async_session_wakes_the_relays(shop, async_engine):
    bells: list[int] = []
    shop.app.relayed.listen(lambda: bells.append(1))
    async with AsyncSession(async_engine) as session, session.begin():
        await shop.app.outbox(session).aenqueue(shop.mail, 1)

    assert bells == [1]


async def test_async_connections_and_scoped_sessions_will_do(shop, engine, async_engine):
    async with async_engine.begin() as connection:
        await shop.app.outbox(connection).aenqueue(shop.mail, 1)
    scoped = async_scoped_session(async_sessionmaker(async_engine), scopefunc=asyncio.current_task)
    await shop.app.outbox(scoped).aenqueue(shop.mail, 2)
    await scoped.commit()
    await scoped.remove()

    assert len(rows(engine)) == 2


async def test_a_connection_that_is_not_open_is_refused(shop, async_engine):
    with pytest.raises(InvalidOption, match="not open"):
        shop.app.outbox(async_engine.connect())


async def test_a_call_that_blocks_is_refused_in_a_transaction_that_must_be_awaited(shop, engine, async_engine):
    async with AsyncSession(async_engine) as session, session.begin(), shop.app.outbox(session):
        with pytest.raises(NoTransaction, match="must be awaited"):
            shop.mail.enqueue(1)

    assert rows(engine) == []
    assert shop.queued() == []


async def test_a_task_that_a_block_started_and_that_enqueues_after_it_is_told(shop, engine, async_engine):
    may_go_on = asyncio.Event()

    async def later():
        await may_go_on.wait()
        await shop.mail.aenqueue(1)

    async with AsyncSession(async_engine) as session, session.begin():
        async with shop.app.outbox(session):
            task = asyncio.create_task(later())
        may_go_on.set()

        with pytest.raises(NoTransaction, match="has been left"):
            await task

    assert rows(engine) == []
    assert shop.queued() == []


async def test_tasks_side_by_side_keep_to_their_own_outboxes(shop, engine, async_engine):
    async def one(order: int, commits: bool) -> None:
        async with AsyncSession(async_engine) as session, shop.app.outbox(session):
            await session.connection()
            await shop.mail.aenqueue(order)
            await (session.commit() if commits else session.rollback())

    for order in range(0, 6, 2):
        # SQLite lets one write at a time.
        await asyncio.gather(
            one(order, commits=False), *([] if "sqlite" in str(engine.url) else [one(order + 1, True)])
        )

    committed = [json.loads(row.payload)["args"][0] for row in rows(engine)]
    assert committed == ([] if "sqlite" in str(engine.url) else [1, 3, 5])
