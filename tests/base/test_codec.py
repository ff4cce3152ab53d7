"""Our JSON is Ruby's, byte for byte, and whatever lies in a queue is read or refused, never worse."""

import json
import math
import os
import shutil
import subprocess
from collections import OrderedDict
from contextlib import suppress
from enum import IntEnum, StrEnum

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring.base.codec import decode, encode
from mainspring.base.errors import InvalidPayload

RUBY = shutil.which("ruby", path=f"/usr/bin:{os.environ.get('PATH', '')}")
PAYLOAD = {
    "class": "shop.jobs.add",
    "args": [1, "two", 3.5, None, True, {"b": 1, "a": [2]}],
    "jid": "b4a577edbccf1d805744efa9",
    "retry": True,
    "created_at": 1727772345.123456,
    "enqueued_at": 1727772345.0,
}
# Where Python, msgspec and Ruby write floats each in another way, and the steps right beside.
EDGES = [1e-4, 1e-5, 1.5e-5, 9.999e-5, 1e-7, 1e14, 1e15, 1e16, 1e17, 1e22, 1e100, 5e-324, 1.7976931348623157e308]
EDGES += [math.nextafter(edge, way) for edge in EDGES[:10] for way in (0.0, math.inf)]
EDGES += [0.0, 1.0, 0.1, 123456.789, 1234567890123456.7, 1234567890123456.0]

finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | finite | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=15)


class Ruby:
    """A Ruby process that reads JSON lines and writes each again with `JSON.generate`."""

    PROGRAM = (
        "$stdout.sync = true; Encoding.default_external = Encoding::UTF_8;"
        "while (line = $stdin.gets); puts JSON.generate(JSON.parse(line)); end"
    )

    def __init__(self):
        command = [RUBY, "-rjson", "-e", self.PROGRAM]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def generate(self, data):
        """Return what Ruby makes of the JSON text *data*."""
        self.process.stdin.write(data + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().removesuffix(b"\n")

    def close(self):
        """End the process."""
        self.process.communicate(timeout=10)


@pytest.fixture(scope="module")
def ruby():
    if RUBY is None:
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail("no ruby on this machine: CI must compare our bytes with the real generator's")
        pytest.skip("no ruby on this machine to compare our bytes with")
    process = Ruby()
    yield process
    process.close()


# --- the same bytes ------------------------------------------------------------------


def test_a_payload_survives_ruby_byte_for_byte(ruby):
    data = encode(PAYLOAD)

    assert ruby.generate(data) == data


@settings(max_examples=300, deadline=None)
@given(value=values)
def test_any_value_survives_ruby_byte_for_byte(ruby, value):
    data = encode([value])

    assert ruby.generate(data) == data


@settings(max_examples=500, deadline=None)
@given(number=finite)
def test_any_float_survives_ruby_byte_for_byte(ruby, number):
    data = encode({"args": [number]})

    assert ruby.generate(data) == data


@pytest.mark.parametrize("number", [*EDGES, *(-edge for edge in EDGES)])
def test_a_float_at_the_edge_of_notation_survives_ruby(ruby, number):
    data = encode([number])

    assert ruby.generate(data) == data
    assert decode(data) == [number]


@pytest.mark.parametrize(
    "text", ["a/b", "</script>", "\u2028\u2029", "\x7f", '\x00\x1f\b\f\n\r\t\v\\"', "\u00e9\u6f22\U0001f600"]
)
def test_a_text_that_generators_disagree_about_survives_ruby(ruby, text):
    data = encode([text])

    assert ruby.generate(data) == data
    assert decode(data) == [text]


# --- without Ruby at hand ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, b"1.0"),
        (-0.0, b"-0.0"),
        (0.0001, b"0.0001"),
        (0.00001, b"1.0e-05"),
        (1.5e-7, b"1.5e-07"),
        (999999999999999.9, b"999999999999999.9"),
        (1e15, b"1.0e+15"),
        (-1234567890123456.0, b"-1.234567890123456e+15"),
        (1234567890123456.75, b"1234567890123456.8"),
        (1e16, b"1.0e+16"),
        (1e300, b"1.0e+300"),
    ],
)
def test_floats_are_written_as_ruby_writes_them(number, text):
    assert encode(number) == text
    assert encode({"a": ({"b": [number]},)}) == b'{"a":[{"b":[' + text + b"]}]}"


def test_there_are_no_blanks_no_escapes_and_no_sorting():
    assert encode({"b": "\u00fc/", "a": [1, (2, None)]}) == '{"b":"\u00fc/","a":[1,[2,null]]}'.encode()


@pytest.mark.parametrize(
    "number", [2**63, -(2**63) - 1, 2**64, 10**100, pytest.param(-(10**4000), id="minus an int of 4001 digits")]
)
def test_integers_of_any_size_are_exact_both_ways(number):
    assert encode([number]) == f"[{number}]".encode()
    assert decode(f"[{number}]".encode()) == [number]


@given(values)
def test_what_is_written_reads_back_equal(value):
    assert decode(encode(value)) == value
    assert json.loads(encode(value)) == value


def test_subclasses_of_builtins_are_written_as_what_they_are():
    class Text(str):
        __slots__ = ()

    class Number(float):
        __slots__ = ()

    class Colour(StrEnum):
        RED = "red"

    class Level(IntEnum):
        HIGH = 3

    value = {"t": Text("x"), "n": [Number(1.5), Number(1e300)], "c": Colour.RED, "l": Level.HIGH, "o": OrderedDict(k=1)}

    assert encode(value) == b'{"t":"x","n":[1.5,1.0e+300],"c":"red","l":3,"o":{"k":1}}'


def test_raw_json_is_copied_as_it_is_even_beside_an_odd_float():
    assert encode([msgspec.Raw(b'{"a": 1e5}'), 1e300]) == b'[{"a": 1e5},1.0e+300]'


# --- what has no JSON form ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "not_finite"),
        ({"args": [[math.inf]]}, "not_finite"),
        ({"args": ({"a": -math.inf},)}, "not_finite"),
        ("\ud800", "not_unicode"),
        ({"a": ["\udfff"]}, "not_unicode"),
        ({"\ud800": 1}, "not_unicode"),
        (object(), "not_json"),
        ([object()], "not_json"),
        ({(1, 2): 3}, "not_json"),
        ({True: 1}, "not_json"),
        pytest.param(10**5000, "not_json", id="an int of 5001 digits"),
    ],
)
def test_what_has_no_json_form_is_refused_and_never_written_as_null(value, reason):
    with pytest.raises(InvalidPayload) as caught:
        encode(value)

    assert caught.value.reason == reason


def test_a_list_that_contains_itself_is_refused():
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(InvalidPayload) as caught:
        encode(endless)

    assert caught.value.reason == "too_deep"


# --- what lies in a queue ------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b" ",
            b"garbage",
            b"{",
            b'{"a":1}x',
            b"NaN",
            b"Infinity",
            b"1e400",
            b"'a'",
            b"[1,]",
            b'{"a" 1}',
            b"\x00",
        ),
        *(b"\xff\xfe", b'"\xed\xa0\x80"', b'"\\ud800"', b'"a\x01b"'),
        pytest.param(b"1" * 5000, id="an int of 5000 digits"),
    ],
)
def test_what_is_not_json_is_refused_as_such(data):
    with pytest.raises(InvalidPayload) as caught:
        decode(data)

    assert caught.value.reason == "not_json"


@given(st.binary())
def test_no_bytes_raise_anything_but_invalid_payload(data):
    with suppress(InvalidPayload):
        decode(data)


@pytest.mark.parametrize(
    "bomb",
    [b"[" * 10_000 + b"]" * 10_000, b"[" * 1_000_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000],
    ids=["lists", "unclosed", "objects"],
)
def test_a_depth_bomb_is_refused_and_the_process_lives(bomb):
    with pytest.raises(InvalidPayload) as caught:
        decode(bomb)

    assert caught.value.reason == "too_deep"
