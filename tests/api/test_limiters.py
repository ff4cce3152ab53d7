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


def now(state: LimiterState) -> tuple[str, str, int, float, float, int]:
    return state.name, state.kind, state.limit, state.span, state.used, state.waiting


def test_each_limiter_is_shown_by_name_as_it_is(app):
    assert app.limiter.concurrent("copy", 3, ttl="1m")(cost=2).acquire()
    assert app.limiter.window("partner", 10, "1h").keyed("acme").acquire()
    assert app.limiter.points("shop", 1000, 0.001)(cost=0.5).acquire()

    assert [now(state) for state in app.limiters if state.kind != "points"] == [
        ("copy", "concurrent", 3, 60.0, 2.0, 0),
        ("partner:acme", "window", 10, 3600.0, 1.0, 0),
    ]
    assert [(state.name, state.limit, state.span) for state in app.limiters][2:] == [("shop", 1000, 1_000_000.0)]


def test_where_nothing_was_limited_there_are_none(app):
    assert list(app.limiters) == []
    assert app.limiters
    assert app.limiters.reset("partner") == 0


def test_a_limiter_whose_numbers_were_changed_is_shown_once(app):
    assert app.limiter.window("partner", 10, "1h").acquire()
    assert app.limiter.window("partner", 20, "2h").acquire()

    assert [now(state) for state in app.limiters] == [("partner", "window", 20, 7200.0, 2.0, 0)]
    assert [state.taken for state in app.limiters] == [2]


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


def test_it_is_told_how_often_a_limiter_gave_and_refused_in_the_last_hour(app):
    partner = app.limiter.window("partner", 3, "1h", wait=0)
    asked = [bool(partner.acquire()) for _ in range(4)]

    (state,) = app.limiters

    assert asked == [True, True, True, False]
    assert (state.taken, state.refused, state.over_limit) == (3, 1, 0.25)
    assert sum(state.refused_by_minute[-2:]) == 1, "this minute comes last"
    assert app.limiters.reset("partner") == 1
    assert [(state.used, state.taken, state.refused) for state in app.limiters] == [(0, 3, 1)]


def test_of_a_limiter_that_nobody_has_asked_for_an_hour_there_is_no_share(app, server):
    assert app.limiter.window("partner", 3, "1h").acquire()
    server.client.delete(keys.limit_tally("window", "partner"))

    assert [(state.taken, state.refused, state.over_limit) for state in app.limiters] == [(0, 0, None)]
