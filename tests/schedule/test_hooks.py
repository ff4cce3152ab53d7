"""Hooks are called in the order in which they were added, and back; one that says no keeps those within from being called."""

from __future__ import annotations

import pytest

from mainspring.base.errors import InvalidOption
from mainspring.schedule.hooks import Chain, Hooks


@pytest.fixture
def told():
    return []


@pytest.fixture
def chain(told):
    """Return a chain of which *told* hears; its hooks are told apart by a number."""
    made = Chain()

    def add(number, answer=None):
        def around(subject):
            told.append((f"begin {number}", subject))
            happened = yield
            told.append((f"end {number}", happened))

        def before(subject):
            told.append((f"before {number}", subject))
            return answer

        made.add(before=before, after=lambda subject: told.append((f"after {number}", subject)), around=around)

    made.number = add
    return made


def test_without_hooks_there_is_no_passage():
    assert Chain().open("x") is None


def test_hooks_are_called_in_order_and_those_after_in_reverse(chain, told):
    chain.number(1)
    chain.number(2)

    passage = chain.open("x")
    opened = list(told)
    passage.close(True)

    assert opened == [("before 1", "x"), ("begin 1", "x"), ("before 2", "x"), ("begin 2", "x")]
    assert told[4:] == [("end 2", True), ("after 2", "x"), ("end 1", True), ("after 1", "x")]


def test_what_did_not_happen_is_told_to_those_around_only(chain, told):
    chain.number(1)

    chain.open("x").close(False)

    assert told[2:] == [("end 1", False)]


@pytest.mark.parametrize(("answer", "is_open"), [(False, False), (None, True), (0, True), ("", True), (True, True)])
def test_only_false_says_no(chain, told, answer, is_open):
    chain.number(1)
    chain.number(2, answer)

    passage = chain.open("x")

    assert passage.is_open is is_open
    if not is_open:
        assert told[2:] == [("before 2", "x"), ("end 1", None)]
        passage.close(True)
        assert len(told) == 4


def test_one_around_that_does_not_yield_says_no():
    chain = Chain()

    def never(subject):
        return
        yield

    chain.add(around=never)

    assert chain.open("x").is_open is False


def test_an_error_is_raised_at_each_yield_and_nothing_is_called_after(chain, told):
    heard = []

    def around(subject):
        try:
            yield
        except OSError as error:
            heard.append(error)
            raise

    chain.add(around=around)
    chain.number(1)
    error = OSError("gone")

    chain.open("x").break_off(error)

    assert heard == [error]
    assert told == [("before 1", "x"), ("begin 1", "x")]


@pytest.mark.parametrize("around", [lambda subject: None, print, "a text"])
def test_what_is_no_generator_function_cannot_stand_around(around):
    with pytest.raises(InvalidOption, match="generator function that yields once"):
        Chain().add(around=around)


def test_the_hooks_of_rounds_and_of_ticks_are_apart():
    hooks = Hooks()

    hooks.tick.add(before=lambda time: False)

    assert hooks.run.open("entry", "time") is None
    assert hooks.tick.open("time").is_open is False
