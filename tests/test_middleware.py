"""A middleware is one generator that yields once: what stands around its yield happens around the call, in order."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from mainspring.base.errors import InvalidOption
from mainspring.middleware import around, around_async, check


class Trail:
    """Builds middlewares that write down what happens."""

    def __init__(self) -> None:
        self.steps: list[object] = []

    def link(self, name):
        def middleware(subject):
            self.steps.append(f"{name} before")
            try:
                result = yield
                self.steps.append(f"{name} got {result}")
            except ValueError as error:
                self.steps.append(f"{name} saw {error}")
                raise

        return middleware

    def alink(self, name):
        async def middleware(subject):
            self.steps.append(f"{name} before")
            try:
                result = yield
                self.steps.append(f"{name} got {result}")
            except ValueError as error:
                self.steps.append(f"{name} saw {error}")
                raise

        return middleware


def stops(subject):
    if False:
        yield


async def astops(subject):
    if False:
        yield


def swallows(subject):
    try:
        yield
    except ValueError:
        return


async def aswallows(subject):
    try:
        yield
    except ValueError:
        return


def yields_twice(subject):
    with suppress(ValueError):
        yield
    yield


async def ayields_twice(subject):
    with suppress(ValueError):
        yield
    yield


def replaces(subject):
    try:
        yield
    except ValueError as error:
        raise KeyError("other") from error


def fails_before(subject):
    raise KeyError("before")
    yield


def fails_after(subject):
    yield
    raise KeyError("after")


def run_blocking(middlewares, inner):
    return around(tuple(middlewares), inner)("subject")


def run_awaited(middlewares, inner):
    async def awaited(subject):
        return inner(subject)

    return asyncio.run(around_async(tuple(middlewares), awaited)("subject"))


both = pytest.mark.parametrize("run", [run_blocking, run_awaited])
RUNS = [(run_blocking, ()), (run_awaited, ()), (run_awaited, ("async",))]


def fail(subject):
    raise ValueError("the job's")


# --- order -----------------------------------------------------------------------


@both
def test_without_middleware_the_call_is_just_made(run):
    assert run([], str.upper) == "SUBJECT"


@both
def test_the_first_is_outermost_and_sees_the_result_last(run):
    trail = Trail()

    assert run([trail.link("one"), trail.link("two")], str.upper) == "SUBJECT"

    assert trail.steps == ["one before", "two before", "two got SUBJECT", "one got SUBJECT"]


def test_both_kinds_of_generators_stand_around_an_awaited_call():
    trail = Trail()

    assert run_awaited([trail.link("a"), trail.alink("b"), trail.link("c")], str.upper) == "SUBJECT"

    assert trail.steps[:3] == ["a before", "b before", "c before"]
    assert trail.steps[3:] == ["c got SUBJECT", "b got SUBJECT", "a got SUBJECT"]


# --- errors ----------------------------------------------------------------------


@pytest.mark.parametrize(("run", "kind"), RUNS)
def test_an_error_of_the_call_is_raised_at_each_yield_and_goes_on(run, kind):
    trail = Trail()
    link = trail.alink if kind else trail.link

    with pytest.raises(ValueError, match="the job's"):
        run([link("one"), link("two")], fail)

    assert trail.steps == ["one before", "two before", "two saw the job's", "one saw the job's"]


@pytest.mark.parametrize(
    ("run", "middleware"), [(run_blocking, swallows), (run_awaited, swallows), (run_awaited, aswallows)]
)
def test_an_error_that_is_caught_ends_there_and_nothing_comes_back(run, middleware):
    trail = Trail()

    assert run([trail.link("one"), middleware], fail) is None

    assert trail.steps == ["one before", "one got None"]


@both
def test_an_error_may_be_replaced(run):
    with pytest.raises(KeyError, match="other") as caught:
        run([replaces], fail)

    assert isinstance(caught.value.__cause__, ValueError)


@both
def test_an_error_before_the_yield_keeps_the_call_from_being_made(run):
    called = []

    with pytest.raises(KeyError, match="before"):
        run([fails_before], called.append)

    assert called == []


@both
def test_an_error_after_the_yield_comes_out_although_the_call_was_made(run):
    called = []

    with pytest.raises(KeyError, match="after"):
        run([fails_after], called.append)

    assert called == ["subject"]


SPECIAL = [StopAsyncIteration(), GeneratorExit(), SystemExit(3), KeyboardInterrupt(), RuntimeError("plain")]


@pytest.mark.parametrize(("run", "kind"), RUNS)
@pytest.mark.parametrize("error", SPECIAL)
def test_errors_that_generators_treat_specially_come_through_unchanged(run, kind, error):
    _comes_through(run, kind, error)


def test_a_stop_iteration_comes_through_unchanged():
    # Of a blocking call only: a coroutine cannot raise it.
    _comes_through(run_blocking, (), StopIteration(7))


def _comes_through(run, kind, error):
    def raises(subject):
        raise error

    link = Trail().alink if kind else Trail().link
    with pytest.raises(type(error)) as caught:
        run([link("one"), link("two")], raises)

    assert caught.value is error


def test_a_cancelled_call_is_cancelled_for_its_middleware_too():
    seen = []

    def middleware(subject):
        try:
            yield
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main():
        async def wait(subject):
            await asyncio.Event().wait()

        task = asyncio.create_task(around_async((middleware,), wait)("subject"))
        asyncio.get_running_loop().call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert seen == ["cancelled"]


# --- stopping --------------------------------------------------------------------


@pytest.mark.parametrize(("run", "middleware"), [(run_blocking, stops), (run_awaited, stops), (run_awaited, astops)])
def test_one_that_does_not_yield_stops_the_call_and_the_outer_ones_go_on(run, middleware):
    trail, called = Trail(), []

    assert run([trail.link("one"), middleware, trail.link("two")], called.append) is None

    assert called == []
    assert trail.steps == ["one before", "one got None"]


@pytest.mark.parametrize(
    ("run", "middleware"), [(run_blocking, yields_twice), (run_awaited, yields_twice), (run_awaited, ayields_twice)]
)
@pytest.mark.parametrize("inner", [str.upper, fail])
def test_one_that_yields_twice_is_a_mistake_and_is_said(run, middleware, inner):
    with pytest.raises(RuntimeError, match="yielded twice"):
        run([middleware], inner)


# --- what is a middleware ------------------------------------------------------------


def test_generator_functions_are_middleware():
    assert check(stops, asynchronous=False) is stops
    assert check(stops, asynchronous=True) is stops
    assert check(astops, asynchronous=True) is astops


@pytest.mark.parametrize("thing", [astops, print, lambda job: None, asyncio.sleep, 7, None, stops(1)])
def test_anything_else_is_refused_with_an_example(thing):
    with pytest.raises(InvalidOption, match="yields once, as in") as caught:
        check(thing, asynchronous=False)

    assert getattr(thing, "__qualname__", repr(thing)) in str(caught.value)
