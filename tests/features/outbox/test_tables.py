"""However the tables were made, by SQLAlchemy's metadata or by Django's migration, they are the same tables."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData, create_engine, inspect
from sqlalchemy.orm import DeclarativeBase

from mainspring import InvalidOption
from mainspring.features.outbox.alchemy import AlchemyDatabase
from mainspring.integrations.sqlalchemy import create_outbox, outbox_tables

NAMES = {"mainspring_outbox", "mainspring_outbox_source"}


def test_the_applications_metadata_gets_the_tables_so_that_migrations_find_them(url):
    class Base(DeclarativeBase):
        metadata = MetaData()

    outbox_tables(Base.metadata)
    engine = create_engine(url)
    Base.metadata.create_all(engine)

    assert set(inspect(engine).get_table_names()) == NAMES
    engine.dispose()


def test_tables_that_are_there_are_left_as_they_are(engine):
    create_outbox(engine)

    assert set(inspect(engine).get_table_names()) >= NAMES


def test_the_password_of_a_database_is_not_shown():
    database = AlchemyDatabase("postgresql+psycopg://shop:secret@db/shop")

    assert database.name == "postgresql+psycopg://shop:***@db/shop"


def test_one_database_that_is_named_twice_is_relayed_once(shop, engine):
    shop.app.relay(engine)
    shop.app.relay(engine)
    shop.app.relay("sqlite:///shop.db")
    shop.app.relay("sqlite:///shop.db")

    assert len(shop.app.relayed.databases) == 2


@pytest.mark.parametrize("given", [7, object(), None])
def test_what_is_no_engine_is_refused(shop, given):
    with pytest.raises(InvalidOption, match="no engine of SQLAlchemy"):
        shop.app.relay(given)


def test_an_async_engine_is_refused_with_the_way_out(shop):
    from sqlalchemy.ext.asyncio import create_async_engine

    with pytest.raises(InvalidOption, match="URL of a driver that blocks"):
        shop.app.relay(create_async_engine("sqlite+aiosqlite:///shop.db"))
