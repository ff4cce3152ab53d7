"""What can be iterated becomes a job that takes the parameters after the cursor; what cannot is refused where it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import UUID

import pytest

from mainspring import App, WrongArguments
from mainspring.base.errors import InvalidOption

DONE: list[object] = []


def rows(cursor: int | None, path: str, *, skip: int = 0) -> Iterator[int]:
    """Go through rows."""
    for number in range(cursor or skip, 3):
        DONE.append((path, number))
        yield number + 1


async def arows(cursor: int | None, path: str) -> AsyncIterator[int]:
    for number in range(cursor or 0, 3):
        DONE.append((path, number))
        yield number + 1


class Rows:
    """Goes through rows."""

    def steps(self, cursor: UUID | None, path: str, /) -> Iterator[tuple[int, UUID]]:
        for number in range(3):
            yield number, UUID(int=number + 1)

    def each(self, item: int, path: str) -> None:
        DONE.append((path, item))


class ArgumentsThatEachDoesNotTake(Rows):
    def each(self, item: int) -> None: ...  # type: ignore[override]


class NoEach:
    def steps(self, cursor: int | None) -> Iterator[tuple[int, int]]:
        yield 1, 1


class NoCursor(Rows):
    def steps(self, path: str) -> Iterator[tuple[int, int]]:  # type: ignore[override]
        yield 1, 1


def another_name(start: int | None, path: str) -> Iterator[int]:
    yield 1


def by_keyword(*, cursor: int | None) -> Iterator[int]:
    yield 1


def nothing() -> Iterator[int]:
    yield 1


def no_yield(cursor: int | None) -> Iterator[int]:
    return iter([1])


@pytest.fixture
def app():
    DONE.clear()
    made = App("redis://nowhere.invalid")
    yield made
    made.close()


@pytest.mark.parametrize("function", [rows, Rows])
def test_a_job_is_called_without_the_cursor_and_does_all_items(app, function):
    job = app.job(iterable=True)(function)

    assert job("a.csv") is None

    assert DONE == [("a.csv", 0), ("a.csv", 1), ("a.csv", 2)]


def test_an_asynchronous_job_is_awaited(app):
    job = app.job(iterable=True)(arows)

    asyncio.run(job("a.csv"))

    assert job.is_async
    assert DONE == [("a.csv", 0), ("a.csv", 1), ("a.csv", 2)]


@pytest.mark.parametrize("function", [rows, Rows])
def test_it_keeps_its_name_and_its_words(app, function):
    job = app.job(iterable=True)(function)

    assert job.name == f"{__name__}.{function.__qualname__}"
    assert job.__doc__ == function.__doc__


def test_its_arguments_are_those_after_the_cursor(app):
    job = app.job(iterable=True)(rows)

    assert job.arguments.bind(["a.csv"], {"skip": 1}) == (["a.csv"], {"skip": 1})
    for wrong in ([], [None, "a.csv"], [7]):
        with pytest.raises(WrongArguments):
            job.arguments.bind(wrong, {})
    with pytest.raises(WrongArguments, match="no such parameter"):
        job.arguments.bind(["a.csv"], {"cursor": 1})


def test_the_same_function_may_be_made_a_job_again_as_reloading_does(app):
    for function in (rows, Rows):
        app.job(iterable=True)(function)
        app.job(iterable=True)(function)

    assert len(app.jobs) == 2


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (no_yield, "it has no yield; write def import_rows"),
        (len, "it has no yield"),
        (another_name, "its first parameter must be cursor"),
        (by_keyword, "its first parameter must be cursor"),
        (nothing, "its first parameter must be cursor"),
        (NoEach, "a class needs steps.* and each"),
        (NoCursor, "its first parameter must be cursor"),
        (ArgumentsThatEachDoesNotTake, "each.. takes the item, then what steps.. takes after the cursor"),
    ],
)
def test_what_cannot_be_iterated_is_refused(app, function, hint):
    with pytest.raises(InvalidOption, match=hint):
        app.job(iterable=True)(function)

    assert not app.jobs


@pytest.mark.parametrize("function", [rows, arows])
def test_a_generator_without_the_option_is_refused_with_the_way_out(app, function):
    with pytest.raises(InvalidOption, match="iterable=True"):
        app.job(function)


@pytest.mark.parametrize("options", [{"iterable": 1}, {"iterable": True, "runs_in": "process"}])
def test_options_that_mean_nothing_are_refused(app, options):
    with pytest.raises(InvalidOption, match="iterable"):
        app.job(**options)(rows)
