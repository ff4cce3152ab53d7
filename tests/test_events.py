"""A handler is a guest: it is called in its turn, and what it raises changes nothing and is said."""

from __future__ import annotations

import functools

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
    assert EVENTS == ("startup", "quiet", "shutdown", "exit", "beat", "leader", "fork")


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


# --- what cannot be a handler ----------------------------------------------------------


async def awaits(*_): ...


def yields(*_):
    yield


async def awaits_and_yields(*_):
    yield


class AwaitsWhenCalled:
    async def __call__(self, *_): ...


def ways(app):
    """Return every place that takes a handler."""
    job = app.job(name="x")(lambda: None)
    return [lambda handler: app.on("startup", handler), app.on_error, app.on_death, job.on_exhausted]


@pytest.mark.parametrize(
    "handler", [awaits, functools.partial(awaits, 1), AwaitsWhenCalled()], ids=["def", "partial", "object"]
)
def test_a_handler_that_nobody_would_await_is_refused_with_what_to_write(app, handler):
    for add in ways(app):
        with pytest.raises(InvalidOption, match=r"nobody would await it; write def .*asyncio\.run"):
            add(handler)


def test_a_job_that_is_an_async_def_is_no_handler_either(app):
    job = app.job(name="y")(awaits)

    with pytest.raises(InvalidOption, match="nobody would await it"):
        app.on("startup", job)


@pytest.mark.parametrize("handler", [yields, awaits_and_yields])
def test_a_generator_function_is_refused_since_calling_it_runs_nothing(app, handler):
    for add in ways(app):
        with pytest.raises(InvalidOption, match=r"runs nothing; write def (yields|awaits_and_yields)\("):
            add(handler)


@pytest.mark.parametrize("handler", [7, "report", [print]], ids=repr)
def test_what_is_no_function_is_refused(app, handler):
    for add in ways(app):
        with pytest.raises(InvalidOption, match="is no handler: write a function"):
            add(handler)


def test_a_handler_that_takes_other_arguments_is_refused_with_those_that_it_gets(app):
    with pytest.raises(InvalidOption, match=r"write def one\(error, job\)"):
        app.on_error(_named_one)
    with pytest.raises(InvalidOption, match=r"write def one\(job, error\)"):
        app.on_death(_named_one)
    with pytest.raises(InvalidOption, match=r"write def one\(\)"):
        app.on("beat", _named_one)


def _named_one(it): ...


_named_one.__name__ = "one"


def test_functions_of_every_kind_are_handlers(app):
    @functools.wraps(awaits)
    def runs_it(*arguments): ...

    for add in ways(app):
        for handler in (print, runs_it, functools.partial(print, "a")):
            assert add(handler) is handler
