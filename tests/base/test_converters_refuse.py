"""An argument that could not come back as what it is gets refused, with what was expected and the way out."""

import math
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from mainspring.base.converters import Unfit, converter_for
from records import DAY, ID, MOMENT, Address, Colour, Model, Options, Pair, Point, Service, T, Unresolved


def refusal(annotation, value):
    with pytest.raises(Unfit) as caught:
        converter_for(annotation).send(value)
    return str(caught.value)


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (str, 5, "expected str, got int"),
        (int, "5", "expected int, got str"),
        (int, 5.0, "expected int, got float"),
        (int, None, "expected int, got None"),
        (bool, 1, "expected bool, got int"),
        (str | int | None, 1.5, "expected int or str or None, got float"),
        (float, 10**400, "too large for a float"),
        (float, math.nan, "nan has no JSON form"),
        (float, -math.inf, "-inf has no JSON form"),
        (str, "\ud800", "half a surrogate pair"),
        (date, "2024-02-29", "expected date, got str"),
        (date, MOMENT, "expected date, got datetime"),
        (timedelta, 5, "expected timedelta, got int"),
        (bytes, "YWI=", "expected bytes, got str"),
        (Decimal, 1.5, "expected Decimal, got float"),
        (UUID | None, str(ID), "expected UUID | None, got str"),
        (Colour, "green", "invalid enum value 'green'"),
        (Literal["a"], "b", "invalid enum value 'b'"),
        (Annotated[int, msgspec.Meta(ge=1)], 0, "expected int >= 1"),
        (list[int], [1, "2"], "expected int, got str at [1]"),
        (list[float], [math.nan], "nan has no JSON form"),
        (list[date], [MOMENT], "expected date, got datetime at [0]"),
        (dict[str, list[date]], {"a": ["x"]}, "expected date, got str at [...][0]"),
        (tuple[int, int], (1, 2, 3), "expected array of length 2"),
        (Address, 5, "expected Address, got int"),
        (Address, Address("x", "soon"), "invalid RFC3339 encoded date at .since"),
        (Address, Address(5, DAY), "expected str, got int at .street"),
        (Address, Address("\ud800", DAY), "half a surrogate pair"),
        (Point, Point("1"), "expected int, got str at .x"),
        (Options, {"due": "x"}, "expected date, got str at .due"),
        (Model, {"id": "x"}, "expected Model, got dict"),
        (Model | None, 5, "expected Model | None, got int"),
    ],
    ids=range(32),
)
def test_a_wrong_argument_is_refused_with_what_was_expected_and_what_came(annotation, value, text):
    assert text in refusal(annotation, value)


@pytest.mark.parametrize(
    "annotation", [Any, object, T, list, list[Any], dict[str, Any], dict, Sequence[Any], list[T]], ids=str
)
def test_what_would_come_back_as_a_str_is_refused_with_the_way_out(annotation):
    value = {"a": DAY} if "dict" in str(annotation) else [DAY]

    assert "got date, which is no JSON value; annotate it with its type" in refusal(annotation, value)


@pytest.mark.parametrize(
    ("annotation", "value"), [(set, {DAY}), (dict[int, Any], {1: DAY}), (set[Any], {Colour.RED})], ids=range(3)
)
def test_what_msgspec_writes_and_cannot_read_back_is_refused(annotation, value):
    assert "would come back as another type" in refusal(annotation, value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({1: "x"}, "a key of type int"),
        ({None: 1}, "a key of type None"),
        ([{"a": {1, 2}}], "got set"),
        (Pair(1, DAY), "got Pair"),
        (Colour.RED, "got Colour"),
        (b"x", "got bytes"),
        (Service(), "got Service"),
        ([math.inf], "inf has no JSON form"),
        ({"\ud800": 1}, "half a surrogate pair"),
    ],
    ids=range(9),
)
def test_without_a_type_only_json_values_are_taken(value, text):
    assert text in refusal(Any, value)


@pytest.mark.parametrize("annotation", [Service, Callable, Callable[[int], str], type], ids=str)
def test_what_no_json_can_hold_is_refused_with_the_way_out(annotation):
    value = Service() if annotation is Service else Service

    assert "pass an id, or a dataclass" in refusal(annotation, value)


@pytest.mark.parametrize("annotation", [Any, list[Any], list[list[date]], dict[str, Any]], ids=str)
def test_what_contains_itself_is_refused(annotation):
    endless: list[object] = []
    endless.append(endless)

    assert refusal(annotation, endless)


# --- annotations that cannot travel -----------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(date | str, DAY), (Address | Point, Point(1)), (Unresolved, Unresolved(1)), (list[Unresolved], [Unresolved(1)])],
    ids=range(4),
)
def test_an_annotation_that_cannot_be_told_apart_takes_json_and_says_why(annotation, value):
    assert "cannot travel" in refusal(annotation, value)
    assert converter_for(annotation).send("x") == "x"
