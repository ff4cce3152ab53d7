"""An enqueue that raised says whether the job may be stored; what a middleware did is done, or refused."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

import pytest

from contracts.proxy import Proxy
from mainspring import App, InvalidName, InvalidOption, PayloadTooLarge, PushAmbiguous, PushFailed, WrongArguments
from mainspring.store import scripts
from mainspring.store.connection import TIMEOUT
from pushes import MODES, NOW, Still, fields, later, many, now, stored, within


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


# --- what is refused before anything is sent -------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "parameter"),
    [
        (("a",), {}, "x"),
        ((1, None), {}, "y"),
        ((1,), {"day": "x"}, "day"),
        ((1,), {"z": 1}, "z"),
        ((), {}, "x"),
        ((1, 2, 3), {}, None),
    ],
)
def test_wrong_arguments_are_named_and_nothing_is_stored(server, add, args, kwargs, parameter):
    with pytest.raises(WrongArguments) as caught:
        add.enqueue(*args, **kwargs)

    assert caught.value.parameter == parameter
    assert "shop.add" in str(caught.value)
    assert parameter is None or repr(parameter) in str(caught.value)
    assert server.snapshot() == {}


def test_a_job_over_a_megabyte_is_refused_with_its_size_and_the_way_out(server, app):
    job = app.job(name="x")(lambda text: None)

    with pytest.raises(PayloadTooLarge, match=r"1,000,\d\d\d bytes.*pass its id") as caught:
        job.enqueue("x" * 1_000_000)

    assert caught.value.limit == 1_000_000 < caught.value.size
    with pytest.raises(PayloadTooLarge):
        job.enqueue_many([("a",), ("x" * 1_000_000,)])
    assert server.snapshot() == {}


def test_the_environment_says_how_long_a_job_may_be(server, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("MAINSPRING_PAYLOAD_LIMIT", "2MB")
    larger = App(server.url).job(name="x")(lambda text: None)
    monkeypatch.setenv("MAINSPRING_PAYLOAD_LIMIT", "50kB")
    smaller = App(server.url).job(name="x")(lambda text: None)

    larger.enqueue("x" * 1_900_000)
    larger.enqueue_many([("x" * 1_900_000,)])
    assert len(stored(server)) == 2
    assert len(caplog.records) == 2
    for job, size, limit in ((larger, 2_000_000, "2,000,000"), (smaller, 50_000, "50,000")):
        with pytest.raises(PayloadTooLarge, match=f"{limit}.*raise MAINSPRING_PAYLOAD_LIMIT"):
            job.enqueue("x" * size)
    assert len(stored(server)) == 2


def test_a_large_job_is_stored_and_warned_of(server, app, caplog):
    caplog.set_level(logging.WARNING)
    job = app.job(name="x")(lambda text: None)

    job.enqueue("x" * 99_000)
    job.enqueue("x" * 101_000)

    assert len(stored(server)) == 2
    assert [record.getMessage() for record in caplog.records if "better store the document" in record.getMessage()]
    assert len(caplog.records) == 1


# --- middleware --------------------------------------------------------------------


def test_a_middleware_may_change_the_record_the_queue_and_the_time(server, app, add):
    def moves(push):
        push.fields["tenant"] = 7
        push.queue, push.at = "high", (NOW + 9 if push.fields["args"] == [2] else None)
        yield

    app.use(enqueue=moves)

    assert add.enqueue(1).queue == "high"
    assert add.enqueue(2).at == NOW + 9
    [record] = map(fields, stored(server, "high"))
    assert (record["queue"], record["tenant"]) == ("high", 7)
    [record] = map(fields, later(server))
    assert (record["queue"], "enqueued_at" in record) == ("high", False)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", [now, many, within])
def test_a_middleware_may_stop_a_job(server, app, add, way, mode):
    def stops(push):
        return
        yield

    app.use(enqueue=stops)

    assert way(add, mode).jid == ""
    assert server.snapshot() == {}


def test_a_middleware_stops_some_of_many(server, app, add):
    def odd(push):
        if push.fields["args"][0] % 2:
            yield

    app.use(enqueue=odd)

    made = add.enqueue_many([(i,) for i in range(6)])

    assert [bool(enqueued.jid) for enqueued in made] == [False, True] * 3
    assert [fields(data)["args"] for data in stored(server)] == [[1], [3], [5]]


@pytest.mark.parametrize("due", [None, NOW + 60])
def test_a_middleware_cannot_name_a_queue_that_can_be_none(server, app, add, due):
    def misnames(push):
        push.queue = "a b"
        yield

    app.use(enqueue=misnames)

    with pytest.raises(InvalidName):
        add.using(at=due).enqueue(1)
    with pytest.raises(InvalidName):
        add.using(at=due).enqueue_many([(1,)])
    assert server.snapshot() == {}


@pytest.mark.parametrize("when", [datetime(2027, 1, 1), "tomorrow", float("nan")])  # noqa: DTZ001 - that is the point
def test_a_middleware_cannot_set_a_time_that_is_none(server, app, add, when):
    def mistimes(push):
        push.at = when
        yield

    app.use(enqueue=mistimes)

    with pytest.raises(InvalidOption):
        add.enqueue(1)
    with pytest.raises(InvalidOption):
        add.enqueue_many([(1,)])
    assert server.snapshot() == {}


def test_a_middleware_may_set_a_time_with_its_zone(server, app, add):
    def puts_off(push):
        push.at = datetime.fromtimestamp(NOW + 9, UTC)
        yield

    app.use(enqueue=puts_off)

    assert [add.enqueue(1).at, add.enqueue_many([(2,)])[0].at] == [NOW + 9] * 2
    assert list(later(server).values()) == [NOW + 9] * 2


def test_a_middleware_sees_that_a_push_failed(private_server):
    server = private_server()
    app, seen = App(server.url), []
    server.kill9()

    def watches(push):
        try:
            yield
        except PushFailed as error:
            seen.append(error.jids)
            raise

    app.use(enqueue=watches)

    with pytest.raises(PushFailed) as caught:
        app.enqueue("x")
    assert seen == [caught.value.jids]


# --- failures ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", [now, many, within])
def test_without_a_store_a_push_certainly_failed(way, mode):
    app = App("redis://:hidden@127.0.0.1:1/0")
    job = app.job(name="x")(lambda x: None)

    with pytest.raises(PushFailed, match=r"is not stored.*redis://:\*\*\*@127\.0\.0\.1:1") as caught:
        way(job, mode)

    assert len(caught.value.jids) == 1
    assert isinstance(caught.value, ConnectionError)
    assert "hidden" not in str(caught.value)


@pytest.fixture
def proxy(server):
    # The script is known, so that a push is one call, and what is cut off is its answer.
    for name in ("job_push", "set_add"):
        server.client.script_load(scripts.load(name).source)
    proxy = Proxy(server.socket_path)
    yield proxy
    proxy.close()


def ids(server) -> list[str]:
    return [fields(data)["jid"] for data in (*stored(server), *later(server))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", [now, many, within])
def test_a_push_whose_answer_was_lost_is_made_again_and_stored_once(server, proxy, way, mode):
    app = App(proxy.url, time=Still())
    job = app.job(name="x")(lambda x: None)
    proxy.cut_next_answer(after=b"EVALSHA")

    enqueued = way(job, mode)

    assert ids(server) == [enqueued.jid]
    app.close()


class Frozen(Still):
    """A clock by which each attempt lasts as long as a server that does not answer makes it last."""

    passed = 0.0

    def monotonic(self) -> float:
        self.passed += TIMEOUT
        return self.passed


@pytest.mark.parametrize(("time", "attempts"), [(Still(), 4), (Frozen(), 2)], ids=["lost", "frozen"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", [now, many, within])
def test_a_push_is_not_made_again_when_its_time_is_up(server, proxy, way, mode, time, attempts):
    app = App(proxy.url, time=time)
    job = app.job(name="x")(lambda x: None)
    proxy.cut_next_answer(after=b"EVALSHA", times=100)

    with pytest.raises(PushAmbiguous):
        way(job, mode)

    assert proxy.connections == attempts
    assert len(ids(server)) == 1
    app.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_push_whose_answers_are_all_lost_is_ambiguous_and_may_be_there(server, proxy, mode):
    app = App(proxy.url, time=Still())
    job = app.job(name="x")(lambda x: None)
    proxy.cut_next_answer(after=b"EVALSHA", times=100)

    with pytest.raises(PushAmbiguous, match="perhaps stored, perhaps not") as caught:
        now(job, mode)

    assert ids(server) == list(caught.value.jids)
    assert isinstance(caught.value, ConnectionError)
    app.close()


@pytest.mark.parametrize("mode", MODES)
def test_in_a_bulk_push_what_stands_after_the_yield_comes_after_the_store_has_the_jobs(server, app, mode):
    job = app.job(name="x")(lambda x: None)
    seen = []

    def watch(push):
        seen.append(("before", push.jid, len(ids(server))))
        yield
        seen.append(("after", push.jid, len(ids(server))))

    app.use(enqueue=watch)

    many(job, mode)

    assert [count for when, _, count in seen if when == "before"] == [0] * (len(seen) // 2)
    assert [count for when, _, count in seen if when == "after"] == [len(ids(server))] * (len(seen) // 2)


@pytest.mark.parametrize("mode", MODES)
def test_a_bulk_push_that_fails_is_an_error_at_each_yield(private_server, mode):
    server = private_server(maxmemory="1mb")
    app, seen = App(server.url), []
    job = app.job(name="x")(lambda x: None)

    def watch(push):
        try:
            yield
        except PushFailed:
            seen.append(push.jid)
            raise

    app.use(enqueue=watch)

    with pytest.raises(PushFailed) as caught:
        many(job, mode)

    assert seen == list(caught.value.jids) != []
    app.close()
