"""A handler is a guest: it is called in its turn, and what it raises changes nothing and is said."""

from __future__ import annotations

import pytest

from mainspring import App, InvalidOption
from mainspring.events import EVENTS, Handlers

JOB, ERROR = object(), ValueError("the job's")


@pytest.fixture
def app():
    return App("redis://nowhere.invalid")


def fails(*_):
    raise KeyError("the handler's")


def exits(*_):
    raise SystemExit(3)


def test_events_are_those_that_the_docs_name():
    assert EVENTS == ("startup", "quiet", "shutdown", "exit", "beat")


@pytest.mark.parametrize("event", EVENTS)
def test_handlers_of_an_event_are_called_in_the_order_in_which_they_came(app, event):
    seen = []
    app.on(event, lambda: seen.append(1))

    @app.on(event)
    def second():
        seen.append(2)

    app.handlers.fire(event)

    assert seen == [1, 2]
    assert second is not None


def test_an_event_without_handlers_is_nothing():
    Handlers().fire("beat")


def test_an_event_that_does_not_exist_is_refused_with_those_that_do(app):
    with pytest.raises(InvalidOption, match="startup, quiet, shutdown, exit, beat"):
        app.on("boot", print)


@pytest.mark.parametrize("guest", [fails, exits])
def test_what_a_handler_raises_is_harmless_and_is_said(app, caplog, guest):
    seen = []
    for add in (app.on_error, app.on_death, lambda handler: app.on("beat", handler)):
        add(guest)
        add(lambda *arguments: seen.append(arguments))

    app.handlers.fire("beat")
    app.handlers.error(ERROR, None)
    app.handlers.death(JOB, ERROR)

    assert seen == [(), (ERROR, None), (JOB, ERROR)]
    assert [record.event for record in caplog.records] == ["handler.error"] * 3
    assert all(guest.__qualname__ in record.getMessage() and record.exc_info for record in caplog.records)


def test_what_a_startup_handler_raises_may_end_the_boot(app):
    app.on("startup", fails)

    with pytest.raises(KeyError):
        app.handlers.fire("startup", may_raise=True)


def test_handlers_may_be_decorated_and_stay_functions(app):
    @app.on_error
    def report(error, job):
        return error

    @app.on_death
    def mourn(job, error):
        return job

    assert report(ERROR, None) is ERROR
    assert mourn(JOB, ERROR) is JOB


def test_a_handler_may_be_any_callable(app, caplog):
    class Loud:
        def __call__(self, *_):
            raise ValueError("loud")

    app.on_error(Loud())

    app.handlers.error(ERROR, None)

    assert "Loud" in caplog.text
