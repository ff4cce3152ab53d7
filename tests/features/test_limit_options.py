"""Each value of a key has a limiter of its own, and what cannot mean anything is refused where it is written."""

from __future__ import annotations

from contextlib import ExitStack
from contextvars import copy_context

import pytest

from features.limitkit import HOUR, Watched, each
from mainspring import App
from mainspring.base.errors import InvalidName, InvalidOption
from mainspring.features.limits import Limiter, Permit


@pytest.fixture
def app(server):
    app = App(server.url, time=Watched())
    yield app
    app.close()


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
