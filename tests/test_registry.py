"""A name leads to one job, or to an error that says which names come close; nothing else can be run."""

from __future__ import annotations

import functools

import pytest

from mainspring import App, InvalidName, InvalidOption, UnknownJob


@pytest.fixture
def app():
    app = App("redis://nowhere.invalid")
    for name in ("shop.jobs.add", "shop.jobs.charge", "shop.mail.send", "crm.mail.send"):
        app.job(name=name)(lambda: None)
    return app


def plain():
    """Say what it is for."""


def make(n):
    def job():
        return n

    return job


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


# --- names -----------------------------------------------------------------------


def test_a_job_is_named_by_its_module_and_function(app):
    assert app.job(plain).name == f"{__name__}.plain"
    assert app.job(make(1)).name == f"{__name__}.make.job"
    assert app.job(name="Ruby::Style.name")(plain).name == "Ruby::Style.name"


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "x" * 256, 7, b"a"])
def test_what_cannot_name_a_job_is_refused(app, name):
    with pytest.raises(InvalidName):
        app.job(name=name)(plain)


def test_two_jobs_cannot_have_one_name(app):
    with pytest.raises(InvalidName, match=r"two jobs are named 'shop\.jobs\.add'"):
        app.job(name="shop.jobs.add")(plain)


def test_jobs_that_a_factory_makes_need_names_of_their_own(app):
    app.job(make(1))

    with pytest.raises(InvalidName):
        app.job(make(2))
    assert app.job(name="second")(make(2))() == 2


def test_functions_behind_one_wrapper_are_told_apart(app):
    app.job(name="one")(logged(plain))

    with pytest.raises(InvalidName):
        app.job(name="one")(logged(make))


def test_a_module_that_is_loaded_again_takes_its_names_again(app):
    source = "def job():\n    return 1\n"
    for _ in range(2):
        scope = {"__name__": "shop"}
        exec(compile(source, "shop.py", "exec"), scope)
        made = app.job(logged(scope["job"]))

    assert app.jobs["shop.job"] is made


# --- what can be a job ---------------------------------------------------------------


def generator():
    yield


async def async_generator():
    yield


@pytest.mark.parametrize("thing", [int, 7, None, "add", generator, async_generator])
def test_what_is_no_function_cannot_be_a_job(app, thing):
    with pytest.raises(InvalidOption, match="cannot be a job"):
        app._registry.add(thing, None, app._defaults, app.client)


def test_a_job_cannot_be_made_a_job_again(app):
    with pytest.raises(InvalidOption):
        app.job(app.jobs["shop.jobs.add"])


def test_a_callable_without_a_name_needs_one(app):
    half = functools.partial(plain)

    with pytest.raises(InvalidOption, match=r"app\.job\(name=\.\.\.\)"):
        app.job(half)
    assert app.job(name="half")(half)() is None


# --- looking up --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shop.jobs.charge", "jobs.charge", "charge"])
def test_a_short_name_will_do_where_it_is_unambiguous(app, name):
    assert app.job_named(name).name == "shop.jobs.charge"


def test_an_ambiguous_name_says_what_it_may_be(app):
    with pytest.raises(UnknownJob, match=r"ambiguous: it may be crm\.mail\.send or shop\.mail\.send") as caught:
        app.job_named("send")

    assert caught.value.candidates == ("crm.mail.send", "shop.mail.send")
    assert app.job_named("crm.mail.send").name == "crm.mail.send"


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("chrage", ("shop.jobs.charge",)),
        ("jobs.add2", ("shop.jobs.add",)),
        ("zzz", ()),
        ("arge", ("shop.jobs.charge",)),
    ],
)
def test_an_unknown_name_says_which_come_close(app, name, close):
    with pytest.raises(UnknownJob) as caught:
        app.job_named(name)

    assert caught.value.candidates == close
    assert ("did you mean" in str(caught.value)) is bool(close)


def test_the_jobs_can_be_read_and_not_changed(app):
    assert "shop.jobs.add" in app.jobs
    with pytest.raises(TypeError):
        app.jobs["x"] = None
