"""Of all callers, on however many machines, one is told to do it; and what failed half-way can be done again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from mainspring import App, InvalidName, InvalidOption, StoreUnavailable
from mainspring.base import codec, payload
from mainspring.context import Holding, JobContext, enter
from mainspring.store import keys
from mainspring.store.connection import AsyncStore, Store
from support import until


@pytest.fixture
def app(server):
    made = App(server.url)
    yield made
    made.close()


@pytest.fixture
def as_job():
    """Return a function that calls another as a job of a jid does."""

    def run(jid, function, *args):
        wire = payload.read(codec.encode({"class": "x", "jid": jid, "args": []}))
        result = []

        def body():
            enter(JobContext(wire, "default", 1, Holding("p", lambda: False, lambda: False)))
            result.append(function(*args))

        # A thread has a context of its own.
        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        return result[0]

    return run


def fails_in(app, meanwhile=lambda: None):
    """Let a body raise, and return whether it was told to do it."""
    told = []

    def body():
        with app.once("import", "1h") as mine:
            told.append(mine)
            meanwhile()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()
    return told[0]


@pytest.mark.parametrize("ask", ["throttle", "run_once"])
def test_of_many_callers_one_is_told_to_do_it(server, ask):
    apps = [App(server.url) for _ in range(4)]
    start = threading.Barrier(16)

    def call(number):
        start.wait(10)
        return getattr(apps[number % 4], ask)("mail", "1h")

    with ThreadPoolExecutor(16) as threads:
        told = list(threads.map(call, range(16)))
    for app in apps:
        app.close()

    assert sorted(told) == [False] * 15 + [True]


@pytest.mark.parametrize(("ask", "key"), [("throttle", keys.throttle), ("run_once", keys.once)])
def test_it_lasts_as_long_as_it_was_asked_for_and_no_refusal_makes_it_longer(server, app, ask, key):
    assert getattr(app, ask)("mail", timedelta(milliseconds=600))
    assert 0 < server.client.pttl(key("mail")) <= 600

    assert not getattr(app, ask)("mail", "1h")

    assert server.client.pttl(key("mail")) <= 600
    until(lambda: getattr(app, ask)("mail", "1h"), 5)
    assert 3_590_000 < server.client.pttl(key("mail")) <= 3_600_000


def test_what_is_throttled_and_what_is_done_once_do_not_meet(app):
    assert app.throttle("mail", "1h")
    assert app.run_once("mail", "1h")
    assert app.run_once("other", "1h")


async def test_coroutines_ask_as_well(app):
    assert [await app.athrottle("a", "1h"), await app.athrottle("a", "1h")] == [True, False]
    assert [await app.arun_once("b", "1h"), await app.arun_once("b", "1h")] == [True, False]
    await app.aclose()


def test_a_retry_of_the_same_job_is_told_again_and_another_job_is_not(app, as_job):
    told = [as_job(jid, app.run_once, "charge:42", "1h") for jid in ("one", "two", "one")]

    assert told == [True, False, True]
    assert not app.run_once("charge:42", "1h")
    assert not as_job("one", app.throttle, "t", "1h") or not as_job("one", app.throttle, "t", "1h")


def test_a_body_that_raises_gives_it_back(server, app):
    assert fails_in(app)

    assert not server.exists(keys.once("import"))
    with app.once("import", "1h") as mine:
        assert mine
    with app.once("import", "1h") as mine:
        assert not mine


async def test_a_body_that_raises_gives_it_back_from_a_coroutine(server, app):
    async def fail():
        async with app.once("import", "1h") as mine:
            assert mine
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    async with app.once("import", "1h") as mine:
        assert mine
    async with app.once("import", "1h") as mine:
        assert not mine
    await app.aclose()


def test_nobody_gives_back_what_is_anothers(server, app):
    # Its time passes meanwhile, and somebody else begins.
    assert fails_in(app, lambda: server.client.set(keys.once("import"), "another", ex=60))
    assert not fails_in(app)

    assert server.client.get(keys.once("import")) == b"another"


@pytest.mark.parametrize("ask", ["throttle", "run_once"])
def test_a_lost_answer_is_asked_for_again_and_still_says_yes(monkeypatch, app, ask):
    run, lost = Store.run, []

    def lose(self, command):
        answer = run(self, command)
        if not lost:
            lost.append(answer)
            raise StoreUnavailable("the answer was lost", applied=None)
        return answer

    monkeypatch.setattr(Store, "run", lose)

    assert getattr(app, ask)("mail", "1h") is True
    assert lost == [True]
    assert getattr(app, ask)("mail", "1h") is False


async def test_a_lost_answer_is_asked_for_again_from_a_coroutine(monkeypatch, app):
    run, lost = AsyncStore.run, []

    async def lose(self, command):
        answer = await run(self, command)
        if not lost:
            lost.append(answer)
            raise StoreUnavailable("the answer was lost", applied=None)
        return answer

    monkeypatch.setattr(AsyncStore, "run", lose)

    assert await app.arun_once("mail", "1h") is True
    await app.aclose()


@pytest.mark.parametrize("ask", ["throttle", "run_once"])
def test_a_store_that_is_gone_says_neither_yes_nor_no(private_server, ask):
    server = private_server()
    app = App(server.url)
    server.close()

    with pytest.raises(StoreUnavailable):
        getattr(app, ask)("mail", "1h")


def test_the_bodys_own_error_is_heard_though_it_cannot_be_given_back(private_server, caplog):
    server = private_server()
    app = App(server.url)

    assert fails_in(app, server.close)

    assert "could not be given back" in caplog.text


@pytest.mark.parametrize("key", ["", "a\nb", "x" * 501, 7, None])
def test_what_cannot_name_anything_is_refused(app, key):
    for ask in (app.throttle, app.run_once, app.once):
        with pytest.raises(InvalidName):
            ask(key, "1h")


@pytest.mark.parametrize("span", [0, -1, "soon", None, "0.1ms", timedelta(days=100_000)])
def test_a_time_that_is_none_is_refused(app, span):
    for ask, name in ((app.throttle, "every"), (app.run_once, "ttl"), (app.once, "ttl")):
        with pytest.raises(InvalidOption, match=f"{name}="):
            ask("mail", span)
