"""What a limiter gave is held, renewed, corrected and given back; several are taken together or not at all."""

from __future__ import annotations

import logging

import pytest

from features.limitkit import HOUR, Watched, used
from mainspring import App
from mainspring.base.errors import InvalidOption, OverLimit


@pytest.fixture
def app(server):
    app = App(server.url, time=Watched())
    yield app
    app.close()


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
