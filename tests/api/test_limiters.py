"""Limiters are seen as they are now, and what was taken of one can be forgotten."""

from __future__ import annotations

import pytest

from mainspring import App
from mainspring.api.limiters import LimiterState
from mainspring.store import keys


@pytest.fixture
def app(server):
    app = App(server.url)
    yield app
    app.close()


def test_each_limiter_is_shown_by_name_as_it_is(app):
    assert app.limiter.concurrent("copy", 3, ttl="1m")(cost=2).acquire()
    assert app.limiter.window("partner", 10, "1h").keyed("acme").acquire()
    assert app.limiter.points("shop", 1000, 0.001)(cost=0.5).acquire()

    assert [state for state in app.limiters if state.kind != "points"] == [
        LimiterState("copy", "concurrent", 3, 60.0, 2.0, 0),
        LimiterState("partner:acme", "window", 10, 3600.0, 1.0, 0),
    ]
    assert [(state.name, state.limit, state.span) for state in app.limiters][2:] == [("shop", 1000, 1_000_000.0)]


def test_where_nothing_was_limited_there_are_none(app):
    assert list(app.limiters) == []
    assert app.limiters
    assert app.limiters.reset("partner") == 0


def test_a_limiter_whose_numbers_were_changed_is_shown_once(app):
    assert app.limiter.window("partner", 10, "1h").acquire()
    assert app.limiter.window("partner", 20, "2h").acquire()

    assert list(app.limiters) == [LimiterState("partner", "window", 20, 7200.0, 2.0, 0)]


def test_what_was_not_used_for_a_week_is_not_shown(app, server):
    assert app.limiter.window("partner", 10, "1h").acquire()
    server.client.zadd(keys.LIMITS, {"window:10:3600000000:partner": 1000.0})

    assert list(app.limiters) == []


def test_what_a_stranger_wrote_among_the_limiters_is_passed_over(app, server):
    assert app.limiter.window("partner", 10, "1h").acquire()
    server.client.zadd(keys.LIMITS, {b"\xff": 9e15, "window": 9e15, "tumbling:1:1:x": 9e15})

    assert [state.name for state in app.limiters] == ["partner"]


def test_very_many_limiters_are_shown(app):
    limiter = app.limiter.window("partner", 1, "1h")
    for number in range(501):
        assert limiter.keyed(number).acquire()

    assert len(app.limiters.states()) == 501
    assert all(state.used == 1 for state in app.limiters)


def test_to_reset_a_limiter_lets_all_through_again(app):
    limiters = [app.limiter.window("one", 1, "1h", wait=0), app.limiter.concurrent("one", 1, wait=0)]
    other = app.limiter.window("two", 1, "1h", wait=0)
    permits = [limiter.acquire() for limiter in (*limiters, other)]

    assert app.limiters.reset("one") == 2

    assert all(limiter.acquire() for limiter in limiters)
    assert not other.acquire()
    assert permits[1].renew() is False
