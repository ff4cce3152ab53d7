"""A call that the function would refuse, or that cannot travel, is refused where it is written."""

from __future__ import annotations

import functools
import inspect
import traceback
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.arguments import Arguments
from mainspring.base.errors import WrongArguments

if TYPE_CHECKING:
    from fractions import Fraction


def add(x: int, y: int) -> int:
    return x + y


def send_invoice(invoice_id: int, *, due: date, note: str = "") -> None: ...


def everything(a, /, b, c=3, *rest: int, d, e=5, **extra: date) -> None: ...


def positional(a, /, b=2, **extra) -> None: ...


def nothing() -> None: ...


def of(function):
    return Arguments.of(function, name=f"shop.{function.__name__}")


# --- what is stored ---------------------------------------------------------------------


def test_positional_stays_positional_and_keyword_stays_keyword():
    assert of(add).bind((1, 2), {}) == ([1, 2], {})
    assert of(add).bind((1,), {"y": 2}) == ([1], {"y": 2})
    assert of(add).bind((), {"y": 2, "x": 1}) == ([], {"y": 2, "x": 1})


def test_defaults_that_were_not_passed_are_not_stored():
    assert of(send_invoice).bind((7,), {"due": date(2024, 2, 29)}) == ([7], {"due": "2024-02-29"})


def test_variadic_arguments_are_converted_by_their_annotation():
    bound = of(everything).bind((1, 2, 3, 4, True), {"d": 1, "x": date(2024, 2, 29)})

    assert bound == ([1, 2, 3, 4, 1], {"d": 1, "x": "2024-02-29"})
    assert of(everything).restore(*bound) == ([1, 2, 3, 4, 1], {"d": 1, "x": date(2024, 2, 29)})


def test_a_call_without_arguments_stores_none():
    assert of(nothing).bind((), {}) == ([], {})


def test_binding_leaves_the_callers_objects_alone():
    args, kwargs = ([1, (2,)],), {"b": {"k": (3,)}}

    bound = of(positional).bind(args, kwargs)

    assert bound == ([[1, [2]]], {"b": {"k": [3]}})
    assert (args, kwargs) == (([1, (2,)],), {"b": {"k": (3,)}})


# --- the shape of a call ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "parameter", "text"),
    [
        ((1,), {}, "y", "shop.add(), parameter 'y': it is missing"),
        ((), {"y": 1}, "x", "parameter 'x': it is missing"),
        ((1, 2, 3), {}, None, "shop.add(): it takes 2 positional arguments, and 3 were given"),
        ((1, 2), {"y": 2}, "y", "given twice"),
        ((1,), {"yy": 2}, "yy", "did you mean 'y'?"),
        ((1, 2), {"colour": 2}, "colour", "no such parameter"),
        ((1, "2"), {}, "y", "parameter 'y': expected int, got str"),
        ((1,), {"y": None}, "y", "expected int, got None"),
    ],
    ids=range(8),
)
def test_a_wrong_call_names_the_job_the_parameter_and_the_reason(args, kwargs, parameter, text):
    with pytest.raises(WrongArguments) as caught:
        of(add).bind(args, kwargs)

    assert text in str(caught.value)
    assert (caught.value.job, caught.value.parameter) == ("shop.add", parameter)


def test_a_function_of_no_arguments_says_that_it_takes_none():
    with pytest.raises(WrongArguments, match="it takes no positional arguments, and 1 were given"):
        of(nothing).bind((1,), {})


def test_a_parameter_by_position_only_is_not_taken_by_name():
    def job(a, /) -> None: ...

    with pytest.raises(WrongArguments, match="'a': it can be given by position only"):
        of(job).bind((), {"a": 1})


def test_a_wrong_one_of_many_names_the_variadic_parameter():
    with pytest.raises(WrongArguments) as caught:
        of(everything).bind((1, 2, 3, 4, "5"), {"d": 1})

    assert caught.value.parameter == "rest"


def test_a_wrong_keyword_of_many_names_itself():
    with pytest.raises(WrongArguments, match=r"parameter 'x': expected date, got int"):
        of(everything).bind((1, 2), {"d": 1, "x": 5})


@pytest.mark.parametrize("function", [add, send_invoice, everything, positional, nothing])
@given(
    args=st.lists(st.just(1), max_size=5),
    names=st.sets(st.sampled_from(["a", "b", "c", "d", "e", "x", "y", "due", "note", "invoice_id", "rest", "extra"])),
)
def test_a_call_fits_exactly_if_python_says_that_it_fits(function, args, names):
    kwargs = dict.fromkeys(names, 1)
    untyped = functools.wraps(function, assigned=("__name__",))(lambda *_, **__: None)
    signature = inspect.signature(function)
    untyped.__signature__ = signature.replace(
        parameters=[p.replace(annotation=p.empty) for p in signature.parameters.values()]
    )
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        with pytest.raises(WrongArguments):
            of(untyped).bind(args, kwargs)
    else:
        assert of(untyped).bind(args, kwargs) == (args, kwargs)


# --- the way back -----------------------------------------------------------------------------


def test_arguments_come_back_as_the_annotated_types():
    job = of(send_invoice)

    assert job.restore([7], {"due": "2024-02-29"}) == ([7], {"due": date(2024, 2, 29)})


@pytest.mark.parametrize(
    ("args", "kwargs", "parameter"),
    [
        ([7], {}, "due"),
        (["7"], {"due": "2024-02-29"}, "invoice_id"),
        ([7], {"due": "tomorrow"}, "due"),
        ([7], {"due": None}, "due"),
        ([7], {"due": "2024-02-29", "jid": 1}, "jid"),
        ([7, 8], {"due": "2024-02-29"}, None),
    ],
    ids=range(6),
)
def test_a_push_from_elsewhere_that_does_not_fit_is_refused(args, kwargs, parameter):
    with pytest.raises(WrongArguments) as caught:
        of(send_invoice).restore(args, kwargs)

    assert caught.value.parameter == parameter


def test_a_job_is_plain_if_json_has_all_its_types():
    def plain(a: int, b: str | None = None, *c: float, d: bool = True, **e) -> None: ...

    assert of(plain).is_plain
    assert of(nothing).is_plain
    assert not of(send_invoice).is_plain


# --- annotations ---------------------------------------------------------------------------------


def later(value: Later) -> None: ...


LATER = Arguments.of(later)


class Later(timedelta):
    """Defined after the job that names it, and after its arguments were read."""


def test_an_annotation_may_name_what_is_defined_further_down():
    with pytest.raises(WrongArguments, match="expected Later, got int"):
        LATER.bind((5,), {})


def test_an_annotation_that_cannot_be_resolved_takes_json_and_leaves_the_others_alone():
    def job(ratio: Fraction, due: date) -> None: ...

    assert of(job).bind((5, date(2024, 2, 29)), {}) == ([5, "2024-02-29"], {})
    with pytest.raises(WrongArguments, match=r"'Fraction' cannot be resolved at run time .* outside of TYPE_CHECKING"):
        of(job).bind((date(2024, 2, 29), date(2024, 2, 29)), {})


@pytest.mark.parametrize(
    "annotation", ["1 +", "1 / 0", "nowhere.Thing", "list[", "[][0]", 5, "6", ..., "*date"], ids=str
)
def test_no_annotation_is_an_error(annotation):
    def job(value) -> None: ...

    job.__annotations__["value"] = annotation

    assert of(job).bind(({"a": 1},), {}) == ([{"a": 1}], {})
    assert of(job).is_plain


def test_a_default_of_none_allows_none():
    def job(value: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert of(job).bind((None,), {}) == ([None], {})
    assert of(job).bind((5,), {}) == ([5], {})


def test_a_decorated_function_keeps_its_signature():
    @functools.wraps(send_invoice)
    def wrapper(*args, **kwargs):
        return send_invoice(*args, **kwargs)

    assert of(wrapper).bind((7,), {"due": date(2024, 2, 29)}) == ([7], {"due": "2024-02-29"})


def test_the_name_for_messages_is_the_functions_if_none_is_given():
    with pytest.raises(WrongArguments, match=r"^add\(\)"):
        Arguments.of(add).bind((), {})


class Colour(Enum):
    """A type of which msgspec quotes what does not fit."""

    RED = "red"


def paint(plain: Colour, secret: Colour, *rest: Colour, named: Colour = Colour.RED, **extra: Colour) -> None: ...


def whole_story(error: BaseException | None) -> str:
    """Return all that a log or an error tracker can find out about *error*."""
    told = ""
    while error is not None:
        told += "".join(traceback.format_exception(error)) + repr(error.args)
        error = error.__cause__ or error.__context__
    return told


@pytest.mark.parametrize(
    ("args", "kwargs", "parameter"),
    [
        (("red", "hunter2"), {}, "secret"),
        (("red", "red", "red", "hunter2"), {}, "rest"),
        (("red", "red"), {"named": "hunter2"}, "named"),
        (("red", "red"), {"more": "hunter2"}, "more"),
    ],
)
def test_what_a_hidden_parameter_holds_stands_in_no_error(args, kwargs, parameter):
    open_, hidden = of(paint), of(paint).hiding(["secret", "rest", "named", "extra"])

    with pytest.raises(WrongArguments) as plain:
        open_.restore(args, kwargs)
    with pytest.raises(WrongArguments) as caught:
        hidden.restore(args, kwargs)

    assert "hunter2" in whole_story(plain.value)
    assert "hunter2" not in whole_story(caught.value)
    assert caught.value.parameter == parameter
    with pytest.raises(WrongArguments, match="hunter2"):
        hidden.restore(("hunter2", "red"), {})


def test_all_parameters_can_be_hidden():
    args = ("hunter2", "red")

    with pytest.raises(WrongArguments) as caught:
        of(paint).hiding(None).restore(args, {})

    assert "hunter2" not in whole_story(caught.value)
