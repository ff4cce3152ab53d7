"""With Django the transaction is the atomic block: its jobs exist if and only if the outermost block commits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest

from mainspring import NoTransaction
from mainspring.worker import Relay


@pytest.fixture(scope="session")
def databases(tmp_path_factory, postgres) -> dict[str, dict[str, object]]:
    """Set Django up, which can be done once in a process, with a database of each kind."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    server = postgres()
    server.create("django")
    found: dict[str, dict[str, object]] = {
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path_factory.mktemp("django") / "shop.db")},
        "postgresql": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "tests",
            "HOST": str(server.directory),
            "OPTIONS": {"options": "-csearch_path=django"},
        },
    }
    settings.configure(INSTALLED_APPS=["mainspring.integrations.django"], DATABASES=found, USE_TZ=True)
    django.setup()
    for name in found:
        call_command("migrate", database=name, verbosity=0)
    return found


@pytest.fixture(params=["default", "postgresql"])
def using(request, databases) -> Iterator[str]:
    """Give the name of an empty database."""
    from django.db import connections

    name = str(request.param)
    with connections[name].cursor() as cursor:
        cursor.execute("DELETE FROM mainspring_outbox")
    yield name
    connections.close_all()


def waiting(using: str) -> list[object]:
    from mainspring.integrations.django.models import OutboxJob

    return [json.loads(job.payload)["args"][0] for job in OutboxJob.objects.using(using).order_by("id")]


def test_a_job_stands_in_the_table_after_the_outermost_commit(shop, using):
    from django.db import transaction

    with transaction.atomic(using=using):
        with transaction.atomic(using=using):
            enqueued = shop.app.outbox(using=using).enqueue(shop.mail, 1)
        with shop.app.outbox(using=using):
            shop.mail.enqueue_in("1h", 2)
            shop.mail.enqueue_many([(3,), (4,)])

    assert enqueued.jid
    assert waiting(using) == [1, 2, 3, 4]
    assert shop.queued() == []


def test_a_job_of_a_block_that_is_rolled_back_never_existed(shop, using):
    from django.db import transaction

    with transaction.atomic(using=using):
        shop.app.outbox(using=using).enqueue(shop.mail, 1)
        with suppress(ZeroDivisionError), transaction.atomic(using=using):
            shop.app.outbox(using=using).enqueue(shop.mail, 2)
            raise ZeroDivisionError
    with suppress(ZeroDivisionError), transaction.atomic(using=using):
        shop.app.outbox(using=using).enqueue(shop.mail, 3)
        raise ZeroDivisionError

    assert waiting(using) == [1]


def test_outside_of_a_transaction_it_is_refused(shop, using):
    with pytest.raises(NoTransaction, match=r"inside transaction\.atomic"):
        shop.app.outbox(using=using).enqueue(shop.mail, 1)

    assert waiting(using) == []
    assert shop.queued() == []


def test_the_relay_is_woken_by_the_outermost_commit_only(shop, using):
    from django.db import transaction

    bells: list[int] = []
    shop.app.relayed.listen(lambda: bells.append(1))
    with transaction.atomic(using=using):
        with transaction.atomic(using=using):
            shop.app.outbox(using=using).enqueue(shop.mail, 1)
        within = len(bells)

    assert (within, len(bells)) == (0, 1)


def test_a_relay_pushes_what_has_been_committed(shop, using):
    from django.db import transaction

    shop.app.relay(using=using)
    with transaction.atomic(using=using):
        shop.app.outbox(using=using).enqueue(shop.mail, 1)

    assert Relay(shop.app).drain() == 1

    assert shop.orders() == [1]
    assert waiting(using) == []


@pytest.mark.parametrize("using", ["default"], indirect=True)
def test_the_default_database_needs_no_name(shop, using):
    from django.db import transaction

    with transaction.atomic():
        shop.app.outbox().enqueue(shop.mail, 1)

    assert waiting("default") == [1]


def test_the_migration_is_what_the_models_say(databases):
    from django.core.management import call_command

    call_command("makemigrations", "mainspring", check=True, dry_run=True, verbosity=0)


def test_djangos_tables_are_those_of_sqlalchemy(databases, postgres, url):
    """Both make the same columns: either side may write what the other relays."""
    from sqlalchemy import create_engine, inspect

    from mainspring.integrations.sqlalchemy import create_outbox

    theirs = str(postgres().url("django"))
    if "sqlite" in url:
        theirs = f"sqlite:///{databases['default']['NAME']}"
    engines = [create_engine(url), create_engine(theirs)]
    create_outbox(engines[0])

    found = []
    for engine in engines:
        looked = inspect(engine)
        found.append(
            {
                table: [(column["name"], column["nullable"]) for column in looked.get_columns(table)]
                for table in ("mainspring_outbox", "mainspring_outbox_source")
            }
            | {"indexes": [(index["name"], index["column_names"]) for index in looked.get_indexes("mainspring_outbox")]}
        )
        engine.dispose()

    assert found[0] == found[1]
