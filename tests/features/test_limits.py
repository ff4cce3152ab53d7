"""A limiter gives what it says, to all processes together; who gets nothing is told when, and does not spin."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import ExitStack
from contextvars import copy_context

import pytest

from mainspring import App
from mainspring.base.errors import InvalidName, InvalidOption, OverLimit, StoreUnavailable
from mainspring.base.timesource import TimeSource
from mainspring.features.limits import Limiter, Permit
from mainspring.store.limiters import KINDS
from support import until

HOUR = "1h"


class Watched(TimeSource):
    """The machine's clocks; whoever sleeps is written down."""

    def __init__(self):
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        super().sleep(seconds)


@pytest.fixture
def app(server):
    app = App(server.url, time=Watched())
    yield app
    app.close()


def each(app, n=1, span=HOUR, *, name="one", **options):
    """Return a limiter of each kind."""
    make = app.limiter
    return {
        "concurrent": make.concurrent(name, n, ttl=span, **options),
        "bucket": make.bucket(name, n, span, **options),
        "window": make.window(name, n, span, **options),
        "leaky": make.leaky(name, n, span, **options),
        "points": make.points(name, n, n / 3600, **options),
    }


def used(app, name="one"):
    return {state.kind: round(state.used, 2) for state in app.limiters if state.name == name}


# --- taking ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_with_takes_and_over_the_limit_says_when(app, kind):
    limiter = each(app, wait=0)[kind]

    with limiter as permit:
        assert permit
        assert permit.retry_after == 0
        with pytest.raises(OverLimit, match="'one'") as caught, limiter:
            pytest.fail("it was let in")

    assert caught.value.name == "one"
    assert 0 < caught.value.retry_after < 3601
    assert used(app)[kind] == (0 if kind == "concurrent" else 1)


@pytest.mark.parametrize("kind", KINDS)
async def test_coroutines_and_threads_share_a_limiter(app, kind):
    limiter = each(app, wait=0)[kind]

    async with limiter:
        with pytest.raises(OverLimit):
            async with limiter(cost=1):
                pytest.fail("it was let in")
        assert not limiter.acquire()
    await app.aclose()


@pytest.mark.parametrize("kind", KINDS)
def test_another_app_on_the_store_shares_it_by_kind_and_name(app, server, kind):
    other = App(server.url)
    assert each(app, 2)[kind](cost=2).acquire()

    assert not each(other, 2, wait=0)[kind].acquire()
    assert each(other, 2, name="two", wait=0)[kind].acquire()
    other.close()


def test_an_app_with_a_prefix_has_limiters_of_its_own(app, server):
    other = App(server.url, prefix="other:")
    assert each(app)["window"].acquire()

    assert each(other, wait=0)["window"].acquire()
    assert [state.name for state in other.limiters] == ["one"]
    assert all(key.startswith(("mainspring:", "other:mainspring:")) for key in sorted(server.keys()))
    other.close()


def test_a_body_that_fails_gives_its_slot_back(app):
    limiter = app.limiter.concurrent("one", 1, wait=0)
    with pytest.raises(KeyError), limiter:
        raise KeyError

    assert limiter.acquire()


def test_a_limiter_can_be_entered_again_and_by_several_at_once(app):
    limiter = app.limiter.concurrent("one", 3, wait=0)
    gate = threading.Barrier(2, timeout=10)

    def hold():
        with limiter:
            gate.wait()
            gate.wait()

    thread = threading.Thread(target=hold)
    with limiter:
        thread.start()
        gate.wait()
        with limiter:
            assert used(app) == {"concurrent": 3}
        assert used(app) == {"concurrent": 2}
        gate.wait()
        thread.join()
        assert used(app) == {"concurrent": 1}
    assert used(app) == {"concurrent": 0}


async def test_tasks_give_back_their_own_slots(app):
    limiter = app.limiter.concurrent("one", 10, wait=0)

    async def hold(before, after):
        async with limiter:
            before.set()
            await after.wait()
            async with limiter(cost=2):
                assert used(app)["concurrent"] >= 3

    first, second = asyncio.Event(), asyncio.Event()
    await asyncio.gather(hold(first, second), hold(second, first))
    assert used(app) == {"concurrent": 0}
    await app.aclose()


def test_a_task_that_is_cancelled_gives_its_slot_back(app):
    limiter = app.limiter.concurrent("one", 1, wait=0)

    async def hold():
        async with limiter:
            await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(hold())
        await asyncio.to_thread(until, lambda: used(app) == {"concurrent": 1})
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await app.aclose()

    asyncio.run(main())
    assert used(app) == {"concurrent": 0}


def test_a_cost_is_taken_whole_or_not_at_all(app):
    for kind, limiter in each(app, 3, wait=0).items():
        assert limiter(cost=2).acquire()
        assert not limiter(cost=2).acquire()
        assert limiter.acquire(), kind


def test_what_is_unlimited_asks_no_store():
    nowhere = App("redis://127.0.0.1:1")
    limiter = nowhere.limiter.unlimited()

    with limiter, limiter(cost=10**6), nowhere.limiter.all(limiter, limiter) as permit:
        assert permit
    assert permit.release()
    assert limiter.name == ""


def test_without_a_store_the_caller_learns_it(private_server):
    server = private_server()
    app = App(server.url)
    permit = app.limiter.concurrent("one", 1).acquire()
    server.kill9()

    with pytest.raises(StoreUnavailable):
        app.limiter.concurrent("one", 1).acquire()
    with pytest.raises(StoreUnavailable):
        permit.renew()
    app.close()


# --- waiting ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "concurrent"])
def test_who_waits_sleeps_once_until_there_is_something(app, kind):
    limiter = each(app, 1, "200ms")[kind] if kind != "points" else app.limiter.points("one", 1, 5)
    assert limiter.acquire()

    assert limiter(wait="60s").acquire()

    # A bucket's interval can have ended meanwhile; whoever sleeps may wake a hair too early.
    assert len(app.time.slept) <= 2
    assert sum(app.time.slept) < 0.4


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"concurrent", "bucket"}])
def test_who_would_wait_in_vain_does_not_wait(app, kind):
    limiter = each(app, wait="30m")[kind]
    assert limiter.acquire()

    permit = limiter.acquire()

    assert not permit
    assert permit.retry_after > 1800
    assert app.time.slept == []


def test_who_waits_for_a_slot_is_woken_when_it_is_given_back(app):
    limiter = app.limiter.concurrent("one", 1, wait="60s", ttl=HOUR)
    first, inside = limiter.acquire(), threading.Event()

    def enter():
        with limiter:
            inside.set()

    thread = threading.Thread(target=enter)
    thread.start()
    until(lambda: [state.waiting for state in app.limiters] == [1])
    assert not inside.is_set()

    first.release()

    thread.join(10)
    assert inside.is_set()
    assert app.time.slept == []
    assert [state.waiting for state in app.limiters] == [0]


async def test_a_coroutine_that_waits_for_a_slot_lets_others_run(app):
    limiter = app.limiter.concurrent("one", 1, wait="60s", ttl=HOUR)
    first = await limiter.aacquire()
    waiter = asyncio.create_task(limiter.aacquire())
    await asyncio.to_thread(until, lambda: [state.waiting for state in app.limiters] == [1])

    await first.arelease()

    assert await asyncio.wait_for(waiter, 10)
    await app.aclose()


def test_the_slot_of_one_who_died_is_taken_when_its_time_is_over(app):
    limiter = app.limiter.concurrent("one", 1, wait="60s", ttl="300ms")
    assert limiter.acquire()

    assert limiter.acquire()


def test_who_gives_up_waiting_is_told_when_a_slot_is_free_at_the_latest(app):
    limiter = app.limiter.concurrent("one", 1, wait="100ms", ttl=HOUR)
    assert limiter.acquire()

    permit = limiter.acquire()

    assert not permit
    assert 3500 < permit.retry_after <= 3600
    assert [state.waiting for state in app.limiters] == [0]


# --- permits -----------------------------------------------------------------------------------


def test_a_slot_that_is_renewed_is_held_and_one_whose_time_is_over_is_lost(app, server):
    permit = app.limiter.concurrent("one", 1, ttl=HOUR).acquire()
    assert permit.renew()

    server.client.flushall()

    assert not permit.renew()


def test_a_slot_that_was_held_for_too_long_is_noticed(app, server, caplog):
    permit = app.limiter.concurrent("one", 1, ttl=HOUR).acquire()
    server.client.flushall()

    with caplog.at_level(logging.WARNING, "mainspring.limits"):
        assert permit.release() is False

    assert [record.event for record in caplog.records] == ["limit.overrun"]
    assert permit.release() is True, "what was given back is not given back again"


async def test_a_coroutine_holds_renews_and_releases(app, server):
    permit = await app.limiter.concurrent("one", 2, ttl=HOUR)(cost=2).aacquire()

    assert await permit.arenew()
    assert await permit.arelease()
    assert await app.limiter.concurrent("one", 2, wait=0)(cost=2).aacquire()
    await app.aclose()


def test_a_store_that_is_gone_at_the_end_does_not_fail_the_work(private_server, caplog):
    server = private_server()
    app = App(server.url)
    done = False

    with caplog.at_level(logging.WARNING, "mainspring.limits"), app.limiter.concurrent("one", 1):
        server.kill9()
        done = True

    assert done
    assert [record.event for record in caplog.records] == ["limit.kept"]
    app.close()


def test_an_estimate_is_corrected(app):
    shop = app.limiter.points("shop", 100, 0.001, wait=0)

    with shop(cost=50) as permit:
        permit.points_used(12.5)
        permit.points_used(10)
    assert used(app, "shop") == {"points": 10}

    with shop(cost=50) as permit:
        permit.points_used(500)
    assert not shop.acquire()


async def test_a_coroutine_corrects_an_estimate(app):
    async with app.limiter.points("shop", 100, 0.001)(cost=50) as permit:
        await permit.apoints_used(0)

    assert used(app, "shop") == {"points": 0}
    await app.aclose()


@pytest.mark.parametrize("actual", [-1, float("nan"), float("inf")])
def test_nonsense_is_no_number_of_points(app, actual):
    permit = app.limiter.points("shop", 100, 1).acquire()

    with pytest.raises(InvalidOption, match="points_used"):
        permit.points_used(actual)


def test_only_points_can_be_corrected(app):
    with pytest.raises(InvalidOption, match="points_used"):
        app.limiter.window("one", 1, HOUR).acquire().points_used(1)


# --- several --------------------------------------------------------------------------------------


def test_several_are_taken_together_or_not_at_all(app):
    window, slots = app.limiter.window("one", 2, HOUR), app.limiter.concurrent("one", 5, wait=0)
    both = app.limiter.all(window(cost=2), slots)

    with both:
        assert used(app) == {"window": 2, "concurrent": 1}
        with pytest.raises(OverLimit), app.limiter.all(slots, window, wait=0):
            pytest.fail("it was let in")
        assert used(app) == {"window": 2, "concurrent": 1}
    assert used(app) == {"window": 2, "concurrent": 0}


def test_one_limit_given_twice_is_taken_of_twice(app):
    window = app.limiter.window("one", 3, HOUR)

    assert app.limiter.all(window, window(cost=2)).acquire()
    assert used(app) == {"window": 3}
    with pytest.raises(InvalidOption, match="never"):
        app.limiter.all(window, window(cost=3))


def test_the_name_of_the_one_that_refuses_is_told(app):
    slots = app.limiter.concurrent("slots", 1, wait=0, ttl="1m")
    window = app.limiter.window("window", 1, HOUR, wait=0)
    assert app.limiter.all(slots, window).acquire()

    assert app.limiter.all(slots, window).acquire().name == "window"
    assert slots.acquire().name == "slots"


def test_several_wait_for_the_shortest_time_of_theirs(app):
    limiters = [app.limiter.window(name, 1, HOUR, wait=wait) for name, wait in (("a", 3), ("b", 1), ("c", 2))]

    assert app.limiter.all(*limiters).wait == 1
    assert app.limiter.all(*limiters, wait="5s").wait == 5


# --- by key -----------------------------------------------------------------------------------------


def test_each_value_of_a_key_has_a_limiter_of_its_own(app):
    limiter = app.limiter.window("sync", 1, HOUR, wait=0)
    assert limiter.keyed(1).acquire()

    assert limiter.keyed(2).acquire()
    assert limiter.acquire()
    assert not limiter.keyed("1").acquire()
    assert [state.name for state in app.limiters] == ["sync", "sync:1", "sync:2"]


def test_a_key_is_chosen_by_a_jobs_arguments(app):
    limiter = app.limiter.window("sync", 10, "1m").by(lambda a: a.customer_id or None)

    assert limiter.specs({"customer_id": 42, "full": True}) == ("window:10:60000000:sync:42",)
    assert limiter.specs({"customer_id": 0}) == ()
    assert app.limiter.window("sync", 10, "1m").specs({}) == ("window:10:60000000:sync",)
    assert app.limiter.unlimited().by(lambda a: a.x).specs({"x": 1}) == ()


@pytest.mark.parametrize("value", ["a, b", "a b", "\n", "\x00", "ü", "x" * 5000, ":", "", "🎓"])
def test_whatever_a_key_is_its_spec_is_one_plain_word(app, value):
    limiter = app.limiter.window("n" * 200, 1, HOUR, wait=0).keyed(value)

    assert limiter.acquire()
    assert not limiter.acquire()
    (spec,) = limiter.specs({})
    assert spec.isascii()
    assert spec.isprintable()
    assert not set(spec) & set(" ,")
    assert len(spec) < 300


def test_a_key_must_be_chosen_by_a_function(app):
    with pytest.raises(InvalidOption, match="by"):
        app.limiter.window("one", 1, HOUR).by("customer_id")


# --- what cannot mean anything -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "a b", "a,b", "ü", "x" * 201, None, 7, "a\n"])
def test_a_name_that_is_none_is_refused(app, name):
    with pytest.raises(InvalidName, match="limiter"):
        app.limiter.window(name, 1, HOUR)


@pytest.mark.parametrize(
    ("kind", "given", "options"),
    [
        ("window", (0, HOUR), {}),
        ("window", (True, HOUR), {}),
        ("window", (1.5, HOUR), {}),
        ("window", (10_001, HOUR), {}),
        ("concurrent", (10_001,), {}),
        ("bucket", (10**9 + 1, HOUR), {}),
        ("window", (1, 0), {}),
        ("window", (1, "0.1ms"), {}),
        ("window", (1, "400d"), {}),
        ("window", (1, "often"), {}),
        ("window", (1, HOUR), {"wait": -1}),
        ("concurrent", (1,), {"ttl": 0}),
        ("leaky", (0, HOUR), {}),
        ("points", (1, 0), {}),
        ("points", (1, "50"), {}),
        ("points", (0, 50), {}),
        ("points", (1, float("inf")), {}),
    ],
)
def test_a_limit_that_cannot_be_is_refused_where_it_is_written(app, kind, given, options):
    with pytest.raises(InvalidOption):
        getattr(app.limiter, kind)("a", *given, **options)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("window", {"cost": 0}),
        ("window", {"cost": 1.5}),
        ("window", {"cost": 3}),
        ("bucket", {"cost": True}),
        ("concurrent", {"cost": 0.5}),
        ("leaky", {"cost": -1}),
        ("leaky", {"cost": 1e-9}),
        ("points", {"cost": float("nan")}),
        ("points", {"cost": "1"}),
        ("points", {"wait": "soon"}),
    ],
)
def test_a_cost_that_can_never_be_given_is_refused(app, kind, options):
    with pytest.raises(InvalidOption):
        each(app, 2)[kind](**options)


def test_several_that_contradict_each_other_are_refused(app):
    with pytest.raises(InvalidOption, match="different"):
        app.limiter.all(app.limiter.window("a", 1, HOUR), app.limiter.window("a", 2, HOUR))
    with pytest.raises(InvalidOption, match="given"):
        app.limiter.all()


def test_a_block_must_be_left_where_it_was_entered(app):
    with ExitStack() as stack:
        copy_context().run(stack.enter_context, app.limiter.unlimited())

        with pytest.raises(RuntimeError, match="another context"):
            stack.close()


def test_a_limiter_shows_what_it_is(app):
    assert repr(app.limiter.window("a", 2, HOUR)) == "<Limiter window:2:3600000000:a>"
    assert repr(app.limiter.unlimited()) == "<Limiter unlimited>"
    assert isinstance(app.limiter.unlimited(), Limiter)
    assert isinstance(app.limiter.unlimited().acquire(), Permit)
