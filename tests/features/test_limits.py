"""A limiter gives what it says, to all processes together; who gets nothing is told when, and does not spin."""

from __future__ import annotations

import asyncio
import threading

import pytest

from features.limitkit import HOUR, Watched, each, used
from mainspring import App
from mainspring.base.errors import OverLimit, StoreUnavailable
from mainspring.store.limiters import KINDS
from support import until


@pytest.fixture
def app(server):
    app = App(server.url, time=Watched())
    yield app
    app.close()


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

    # A bucket's interval can have ended meanwhile; a sleep may end a hair too early.
    assert len(app.time.slept) <= 4
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


def test_who_waits_for_long_can_be_interrupted_within_a_second(app):
    app.time.end_after(3)
    limiter = app.limiter.window("one", 1, "1h", wait="1h")
    assert limiter.acquire()

    with pytest.raises(InterruptedError):
        limiter.acquire()

    assert app.time.slept == [1.0, 1.0, 1.0]


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
