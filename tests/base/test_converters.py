"""An argument comes back as the type it is annotated with, or is refused before it is stored."""

import collections
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base import codec
from mainspring.base.converters import Unfit, converter_for
from records import (
    DAY,
    ID,
    MOMENT,
    Address,
    Colour,
    Customer,
    Id,
    Level,
    Model,
    Options,
    Pair,
    Point,
    SafeText,
    Service,
    StrictModel,
    T,
    Villa,
    Word,
)

ELSEWHERE = datetime(2024, 2, 29, 12, 30, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))


def travel(annotation, value):
    """Send *value* through the store's bytes, and return what the worker gets."""
    converter = converter_for(annotation)
    return converter.receive(codec.decode(codec.encode(converter.send(value))))


# --- what travels ------------------------------------------------------------------------

TRAVELLERS = [
    (int, 2**70),
    (str, "h\u00e9"),
    (float, 1.5),
    (bool, True),
    (None, None),
    (Optional[int], None),  # noqa: UP045  # old code writes it so
    (Union[int, str], "x"),  # noqa: UP007  # likewise
    (int | str | None, 5),
    (Id, 5),
    (Id | None, 5),
    (Any, {"a": [1, None, {"b": 2.5}]}),
    (object, [1, "x"]),
    (T, "x"),
    (Annotated[int, msgspec.Meta(ge=1)], 1),
    (Literal["a", "b"], "b"),
    (date, DAY),
    (time, time(12, 30, 15, 5)),
    (datetime, MOMENT),
    (datetime, MOMENT.replace(tzinfo=None)),
    (datetime, ELSEWHERE),
    (datetime | None, MOMENT),
    (timedelta, timedelta(days=1, microseconds=3)),
    (timedelta, -timedelta(seconds=3.5)),
    (UUID, ID),
    (UUID | int, 5),
    (Decimal, Decimal("1.10")),
    (bytes, b"\x00\xff"),
    (Colour, Colour.RED),
    (Level, Level.HIGH),
    (Word, Word.YES),
    (list[int], [1, 2]),
    (list, [1, "x"]),
    (Sequence[date], [DAY]),
    (tuple[int, ...], (1, 2)),
    (tuple[int, date], (1, DAY)),
    (tuple, (1, "x")),
    (set[date], {DAY}),
    (frozenset[str], frozenset({"a", "b"})),
    (set, {1, 2}),
    (dict, {"a": 1}),
    (dict[str, Any], {"a": {"b": [1]}}),
    (Mapping[str, date], {"a": DAY}),
    (dict[int, str], {1: "x"}),
    (dict[date, UUID], {DAY: ID}),
    (dict[Colour, list[set[int]]], {Colour.BLUE: [{1}, set()]}),
    (dict[int, Any], {1: {"a": 2}}),
    (Iterable[int], [1, 2]),
    (Address, Address("High Street", DAY)),
    (Customer, Customer(ID, [Address("High Street", DAY)], {Colour.RED})),
    (Customer[Point], Customer(ID, [], extra=Point(1, MOMENT))),
    (dict[str, list[Address | None]], {"a": [Address("x", DAY), None]}),
    (Point, Point(1, MOMENT)),
    (Pair, Pair(1, DAY)),
    (Options, {"due": DAY}),
    (Model, Model(id=ID, due=DAY, tags={"a"})),
    (Model | None, None),
    (list[Model], [Model(id=ID, due=DAY)]),
    (StrictModel, StrictModel(due=DAY)),
]


@pytest.mark.parametrize(("annotation", "value"), TRAVELLERS, ids=range(len(TRAVELLERS)))
def test_an_argument_comes_back_as_it_was_sent(annotation, value):
    found = travel(annotation, value)

    assert found == value
    assert type(found) is type(value)


@given(st.timedeltas(), st.decimals(allow_nan=False), st.binary(), st.datetimes())
def test_any_value_of_the_usual_types_comes_back_as_it_was_sent(span, amount, data, moment):
    assert travel(timedelta, span) == span
    assert travel(Decimal, amount) == amount
    assert travel(bytes, data) == data
    assert travel(datetime, moment) == moment


# Until 1972 there were zones with seconds in their offset, which RFC 3339 has no form for.
@given(st.datetimes(min_value=datetime(1973, 1, 1), timezones=st.timezones()))  # noqa: DTZ001  # the zone is added
def test_a_moment_of_any_zone_comes_back_as_the_same_moment(moment):
    found = travel(datetime, moment)

    assert found.timestamp() == moment.timestamp()
    assert found.replace(tzinfo=None) == moment.replace(tzinfo=None, fold=0)


@pytest.mark.parametrize(
    ("annotation", "value", "json"),
    [
        (timedelta, timedelta(days=1, seconds=90), "P1DT90S"),
        (bytes, b"ab", "YWI="),
        (Decimal, Decimal("1.10"), "1.10"),
        (datetime, MOMENT, "2024-02-29T12:30:15.123456Z"),
        (Colour, Colour.RED, "red"),
        (Pair, Pair(1, DAY), [1, "2024-02-29"]),
        (tuple[int, int], (1, 2), [1, 2]),
    ],
    ids=str,
)
def test_what_is_stored_can_be_read_by_people_and_other_languages(annotation, value, json):
    assert converter_for(annotation).send(value) == json


# --- what a type checker accepts, and travels as its base -----------------------------------


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (float, 1, 1.0),
        (float, True, 1.0),
        (int, True, 1),
        (int, Level.HIGH, 3),
        (int | None, Level.HIGH, 3),
        (str, Word.YES, "yes"),
        (str, SafeText("x"), "x"),
        (Any, [SafeText("x"), Level.HIGH, Word.YES], ["x", 3, "yes"]),
        (Any, {SafeText("k"): (1, 2)}, {"k": [1, 2]}),
        (list[str], [SafeText("x")], ["x"]),
        (Address, Villa("x", DAY), Address("x", DAY)),
        (list[Address], [Villa("x", DAY)], [Address("x", DAY)]),
        (dict[str, int], collections.OrderedDict(a=1), {"a": 1}),
        (Sequence[int], (1, 2), [1, 2]),
        (bytes, bytearray(b"x"), b"x"),
    ],
    ids=range(15),
)
def test_an_instance_of_a_subclass_travels_as_what_was_declared(annotation, value, expected):
    found = travel(annotation, value)

    assert found == expected
    assert type(found) is type(expected)


def test_sets_are_written_in_one_order_whatever_the_hash_seed():
    words = {f"word {number}" for number in range(50)}

    assert converter_for(set[str]).send(words) == sorted(words)


def test_a_dict_keeps_its_order():
    assert list(travel(dict[str, date], {"b": DAY, "a": DAY})) == ["b", "a"]
    assert list(travel(dict[str, Any], {"b": 1, "a": 2})) == ["b", "a"]


# --- the way back ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "json"),
    [
        (int, "5"),
        (int, True),
        (str, None),
        (date, "tomorrow"),
        (date, 5),
        (UUID, "x"),
        (bytes, "\u00e9"),
        (Colour, "green"),
        (Address, {"street": "x"}),
        (Address, [1]),
        (Model, {"id": str(ID)}),
        (Model, 5),
        (Service, {}),
    ],
    ids=range(13),
)
def test_json_from_elsewhere_that_is_no_such_argument_is_refused(annotation, json):
    with pytest.raises(Unfit):
        converter_for(annotation).receive(json)


def test_an_int_of_another_language_is_a_float_where_one_is_declared():
    found = converter_for(float).receive(1)

    assert type(found) is float


@pytest.mark.parametrize(
    ("annotation", "json"),
    [
        (Address, {"street": "x", "since": "2024-02-29", "floor": 3}),
        (Point, {"x": 1, "y": 2}),
        (Options, {"note": "x", "new": 1}),
        (Model, {"id": str(ID), "due": "2024-02-29", "new": 1}),
    ],
    ids=["dataclass", "Struct", "TypedDict", "pydantic"],
)
def test_fields_of_a_newer_producer_are_ignored(annotation, json):
    assert converter_for(annotation).receive(json)


@pytest.mark.parametrize(
    ("annotation", "is_plain"),
    [(int, True), (str | None, True), (Any, True), (Id, True), (float, True), (date, False), (list[date], False)],
    ids=range(7),
)
def test_a_converter_is_plain_if_the_json_value_is_the_argument(annotation, is_plain):
    assert converter_for(annotation).is_plain is is_plain


def test_pydantic_is_not_imported_for_jobs_that_do_not_use_it():
    program = (
        "import sys, datetime; from mainspring.base.converters import converter_for as c;"
        "c(list[datetime.date]).receive(c(list[datetime.date]).send([datetime.date.today()]));"
        "sys.exit('pydantic' in sys.modules)"
    )

    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    found = subprocess.run([sys.executable, "-c", program], check=False, env=environment)

    assert found.returncode == 0
