"""An enqueue that returned is in the store, byte for byte as Sidekiq would have written it."""

from __future__ import annotations

import asyncio
import itertools
import re
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from mainspring import App, InvalidOption, Retry, WrongArguments
from mainspring.store import keys
from pushes import MODES, NOW, Still, at, fields, later, many, now, planned, stored, within

tenant: ContextVar[str] = ContextVar("tenant")


@pytest.fixture
def app(server):
    app = App(server.url, time=Still())
    yield app
    app.close()


@pytest.fixture
def add(app):
    @app.job(name="shop.add")
    def add(x: int, y: int = 0, *, day: date | None = None) -> None: ...

    return add


# --- the bytes ---------------------------------------------------------------------


def test_the_record_is_sidekiqs_byte_for_byte(server, add):
    jid = add.enqueue(1, 2).jid

    assert stored(server) == [
        b'{"retry":true,"queue":"default","class":"shop.add","args":[1,2],"jid":"%b","created_at":1790000000.0,'
        b'"enqueued_at":1790000000.0}' % jid.encode()
    ]
    assert re.fullmatch("[0-9a-f]{24}", jid)
    assert server.client.smembers(keys.QUEUES) == {b"default"}


def test_a_scheduled_record_has_neither_at_nor_enqueued_at(server, add):
    jid = add.enqueue_at(NOW + 60, 1, day=date(2026, 11, 21)).jid

    assert later(server) == {
        b'{"retry":true,"queue":"default","class":"shop.add","args":[1],"kwargs":{"day":"2026-11-21"},"jid":"%b",'
        b'"created_at":1790000000.0}' % jid.encode(): NOW + 60
    }
    assert not server.exists(keys.QUEUES)


def test_options_stand_in_fields_that_sidekiq_knows(server, app):
    job = app.job(name="x", retry=Retry(max=3, dead=False), tags=["a", "ä"])(lambda: None)
    long = app.job(name="y", retry=Retry(for_="2d"))(lambda: None)
    job.enqueue()
    long.using(queue="low").enqueue()

    record = fields(stored(server)[0])
    assert (record["retry"], record["dead"], record["tags"]) == (3, False, ["a", "ä"])
    assert fields(stored(server, "low")[0])["retry_for"] == 172800.0
    assert "kwargs" not in record


def test_a_time_for_retries_that_sidekiq_refuses_is_cut(server, app):
    # Its scheduler takes a job out of its set first, and then refuses to push it.
    app.job(name="x", retry=Retry(for_=5e9))(lambda: None).enqueue()

    assert fields(stored(server)[0])["retry_for"] == 1e9


def test_arguments_travel_as_json(server, app):
    @app.job(name="x")
    def job(when: datetime, span: timedelta, who: UUID, big: int, text: str) -> None: ...

    job.enqueue(datetime(2026, 1, 2, tzinfo=UTC), timedelta(minutes=1), UUID(int=7), 2**80, "ä/</script>\u2028")

    when, _, who, big, text = fields(stored(server)[0])["args"]
    assert (when, who, big, text) == ("2026-01-02T00:00:00Z", str(UUID(int=7)), 2**80, "ä/</script>\u2028")
    assert '"ä/</script>\u2028"'.encode() in stored(server)[0]


def test_ids_are_never_the_same(server, add):
    assert len({enqueued.jid for enqueued in add.enqueue_many([(i,) for i in range(2000)])}) == 2000


# --- the five ways, blocking and awaited ---------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("way", "due"), [(now, None), (many, None), (within, NOW + 60), (at, NOW + 60), (planned, NOW + 60)]
)
def test_each_way_stores_one_job_and_says_where(server, add, way, due, mode):
    enqueued = way(add, mode)

    assert (enqueued.queue, enqueued.at, enqueued.duplicate_of) == ("default", due, None)
    places = [later(server), stored(server)] if due else [stored(server), later(server)]
    [data] = places[0]
    assert fields(data)["jid"] == enqueued.jid
    assert not places[1]
    assert not due or later(server)[data] == due


@pytest.mark.parametrize("when", [NOW, NOW - 1, 0, -5])
def test_a_time_that_has_passed_means_now(server, add, when):
    assert add.enqueue_at(when, 1).at is None
    assert add.enqueue_in(0, 1).at is None

    assert len(stored(server)) == 2
    assert not later(server)


def test_other_options_go_with_one_use(server, add):
    assert add.using(queue="low", retry=0).enqueue(1).queue == "low"

    assert (fields(stored(server, "low")[0])["retry"], fields(stored(server, "low")[0])["queue"]) == (0, "low")


# --- many --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_generator_is_read_as_it_is_pushed_a_thousand_in_a_call(server, add, mode):
    lengths = []

    def calls():
        for i in range(2500):
            if i % 500 == 0:
                lengths.append(server.client.llen(keys.queue("default")))
            yield (i,)

    server.client.config_resetstat()
    made = add.enqueue_many(calls()) if mode == "blocking" else asyncio.run(add.aenqueue_many(calls()))

    assert lengths == [0, 0, 1000, 1000, 2000]
    assert server.client.info("commandstats")["cmdstat_lpush"]["calls"] == 3
    records = [fields(data) for data in stored(server)]
    assert [record["args"] for record in records] == [[i] for i in range(2500)]
    assert [record["jid"] for record in records] == [enqueued.jid for enqueued in made]


def test_calls_may_have_keywords_and_be_mixed_with_tuples(server, add):
    add.enqueue_many([add.call(1, day=date(2026, 1, 2)), (2, 3), [4]])  # type: ignore[list-item]  # at run time it may

    assert [(r["args"], r.get("kwargs")) for r in map(fields, stored(server))] == [
        ([1], {"day": "2026-01-02"}),
        ([2, 3], None),
        ([4], None),
    ]


def test_nothing_of_nothing_is_nothing(server, add):
    assert add.enqueue_many([]) == []

    assert server.snapshot() == {}


def test_spread_jobs_are_due_at_different_moments_within_the_span(server, add):
    made = add.enqueue_many([(i,) for i in range(200)], spread="1m")

    times = [enqueued.at for enqueued in made]
    assert all(NOW <= time <= NOW + 60 for time in times)
    assert len(set(times)) == 200
    assert max(times) - min(times) > 30
    assert sorted(later(server).values()) == sorted(times)
    assert not stored(server)


def test_a_wrong_call_pushes_nothing_of_its_thousand_and_all_before_it(server, add):
    calls = itertools.chain(((i,) for i in range(1500)), [("x",)])

    with pytest.raises(WrongArguments, match="'x'"):
        add.enqueue_many(calls)

    assert len(stored(server)) == 1000


@pytest.mark.parametrize("calls", [None, 5, "ab", "", b"ab", {1: 2}], ids=repr)
def test_what_is_no_list_of_calls_is_refused(server, add, calls):
    with pytest.raises(WrongArguments, match="enqueue_many takes a list of tuples"):
        add.enqueue_many(calls)
    with pytest.raises(WrongArguments, match="enqueue_many takes a list of tuples"):
        asyncio.run(add.aenqueue_many(calls))
    assert server.snapshot() == {}


# --- what travels along --------------------------------------------------------------


def test_a_context_variable_travels_where_it_is_set(server, app, add):
    app.carry(tenant)

    add.enqueue(1)
    token = tenant.set("ä7")
    add.enqueue(2)
    tenant.reset(token)

    first, second = map(fields, stored(server))
    assert "carry" not in first
    assert second["carry"] == {"tenant": "ä7"}


def test_two_context_variables_of_one_name_cannot_both_travel(app):
    app.carry(tenant)
    app.carry(tenant)

    with pytest.raises(InvalidOption, match="two context variables are named 'tenant'"):
        app.carry(ContextVar("tenant"))
    with pytest.raises(InvalidOption, match=r"no contextvars\.ContextVar"):
        app.carry("tenant")  # type: ignore[arg-type]  # what a user must not do

    assert app.client.carried == {"tenant": tenant}


def test_a_field_of_a_middleware_that_is_no_json_is_named(server, app, add):
    def adds(push):
        push.fields["who"] = object()
        yield

    app.use(enqueue=adds)

    with pytest.raises(WrongArguments, match=r"shop\.add.*the field 'who', set by a middleware"):
        add.enqueue(1)
    assert server.snapshot() == {}


def test_a_context_variable_that_is_no_json_is_named(server, app, add):
    other = ContextVar("other", default=None)
    other.set({"fine": 1})
    app.carry(other)
    app.carry(tenant)
    token = tenant.set(object())  # type: ignore[arg-type]  # what a user must not do

    with pytest.raises(WrongArguments, match=r"shop\.add.*context variable 'tenant', which is carried, holds <object"):
        add.enqueue(1)
    with pytest.raises(WrongArguments, match="'tenant'"):
        add.enqueue_many([(1,)])

    tenant.reset(token)
    assert server.snapshot() == {}
