"""Whatever lies in a queue is read as a job or refused with a reason; what is kept again keeps what we do not know."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring.base import payload
from mainspring.base.errors import InvalidName, InvalidPayload

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
RUBY = (
    b'{"retry":true,"queue":"default","class":"HardWorker","args":[1,"a/b",2.0,null,{"x":[]}],"jid":"b4a577edbccf1d805744efa9",'
    b'"created_at":1790000000.5,"enqueued_at":1790000001.25,"cattr":{"user":"1"},"locale":"en"}'
)


# --- reading ---------------------------------------------------------------------


def test_rubys_record_is_read():
    job = payload.read(RUBY)

    assert (job.name, job.jid, job.queue, job.retry) == ("HardWorker", "b4a577edbccf1d805744efa9", "default", True)
    assert job.args == [1, "a/b", 2.0, None, {"x": []}]
    assert (job.kwargs, job.retry_count, job.dead, job.tags) == ({}, None, None, None)
    assert (job.created_at, job.enqueued_at) == (1790000000.5, 1790000001.25)


def test_a_record_needs_a_class_and_an_id_and_nothing_else():
    job = payload.read(b'{"class":"A","jid":"1"}')

    assert (job.args, job.kwargs) == ([], {})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_json"),
        (b"hello", "not_json"),
        (b'{"class":"A","jid":"1"', "not_json"),
        (b'{"class":"\xff","jid":"1"}', "not_json"),
        (b"[" * 100_000, "invalid"),
        (b'{"class":"A","jid":"1","args":' + b"[" * 100_000, "not_json"),
        (b"[]", "invalid"),
        (b"null", "invalid"),
        (b'"A"', "invalid"),
        (b"{}", "invalid"),
        (b'{"class":"A"}', "invalid"),
        (b'{"jid":"1"}', "invalid"),
        (b'{"class":7,"jid":"1"}', "invalid"),
        (b'{"class":"A","jid":"1","args":{}}', "invalid"),
        (b'{"class":"A","jid":"1","kwargs":[]}', "invalid"),
    ],
)
def test_what_is_no_job_is_refused_with_a_reason(data, reason):
    with pytest.raises(InvalidPayload) as caught:
        payload.read(data)

    assert caught.value.reason == reason


def test_what_is_longer_than_the_limit_and_all_that_failures_add_is_refused_unread():
    fits = b'{"class":"A","jid":"1","args":["' + b"x" * (3000 + payload.MARGIN - 35) + b'"]}'
    assert len(fits) == 3000 + payload.MARGIN

    assert payload.read(fits, 3000).name == "A"
    with pytest.raises(InvalidPayload, match="A 1 is 203,000 bytes long and the limit is 2,999") as caught:
        payload.read(fits, 2999)
    assert caught.value.reason == "too_large"
    with pytest.raises(InvalidPayload, match="a job is 1,200,001 bytes long"):
        payload.read(b"x" * (payload.LIMIT + payload.MARGIN + 1))


@pytest.mark.parametrize(
    "data",
    [
        b'{"class":"A","x":[1,2.50,"}"]}',
        b' {"a" : 1 }',
        b'{"jid":{}}',
        b'{"a":1,"a":2}',
        b'{"a":' + b"9" * 50 + b"}",
    ],
)
def test_an_error_is_noted_in_a_giant_without_reading_it(data):
    found = payload.noted(data, {"error_class": "E", "error_message": "\N{SNOWMAN}"})

    assert found.startswith(data.rstrip()[:-1])
    assert json.loads(found) == json.loads(data) | {"error_class": "E", "error_message": "\N{SNOWMAN}"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"}",
        b"{}",
        b" { } ",
        b"[{}]",
        b'{"a":1',
        b'{"a":}',
        b'{"a":1}}',
        b'{"error_class":"F"}',
        b"\xff}",
        b'{"a":1} ',
    ],
)
def test_what_is_no_object_or_has_an_error_is_left_as_it_is(data):
    assert payload.noted(data, {"error_class": "E"}) == data


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(data):
    for read in (payload.read, payload.fields):
        try:
            read(data)
        except InvalidPayload as refused:
            assert refused.reason in {"not_json", "invalid", "too_deep"}  # noqa: PT017 - most bytes are no job


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["retry", "queue", "retry_count", "tags", "carry", "dead", "created_at"]), JSON))
def test_fields_that_are_not_needed_may_hold_anything(fields):
    data = json.dumps({"class": "A", "jid": "1", **fields}).encode()

    assert payload.read(data).name == "A"


# --- changing --------------------------------------------------------------------


def test_a_change_keeps_the_order_and_what_is_unknown():
    changed = payload.changed(RUBY, {"queue": "low", "enqueued_at": None, "retry_count": 0, "never_was": None})

    assert changed == (
        RUBY.replace(b'"default"', b'"low"').replace(b',"enqueued_at":1790000001.25', b"")[:-1] + b',"retry_count":0}'
    )


def test_a_null_that_was_there_stays():
    assert payload.changed(b'{"a":null,"b":1}', {"b": 2}) == b'{"a":null,"b":2}'


def test_numbers_that_no_float_can_hold_are_kept():
    data = b'{"args":[123456789012345678901234567890,-9223372036854775809],"x":1}'

    assert payload.changed(data, {}) == data


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_a_change_is_the_change_and_no_other(fields, changes):
    changed = payload.fields(payload.changed(payload.codec.encode(fields), changes))

    assert changed == {k: v for k, v in (fields | changes).items() if v is not None or k not in changes}
    assert list(changed) == [name for name in (fields | changes) if name in changed]


def test_what_is_no_object_has_no_fields():
    with pytest.raises(InvalidPayload, match="a JSON list"):
        payload.fields(b"[1]")


# --- times -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1790000000.5, 1790000000.5),
        (1790000000, 1790000000.0),
        (1790000000500, 1790000000.5),
        (100_000_000_000, 100_000_000_000.0),
        (0, 0.0),
        (None, None),
        (True, None),
        ("1790000000", None),
        ([], None),
        (10**400, None),
        (-(10**400), None),
    ],
)
def test_a_time_is_seconds_as_a_float_or_milliseconds_as_a_large_integer(value, seconds):
    assert payload.unix(value) == seconds


@given(JSON | st.integers())
def test_no_value_of_a_time_raises(value):
    found = payload.unix(value)

    assert found is None or type(found) is float


# --- names -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["default", "a", "A-Z_0:9.b", "x" * 200])
def test_a_queue_may_be_named_so(name):
    assert payload.check_queue(name) == name


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ä", "a\n", "a,6", "x" * 201, "{a}", "a*", None, 7, b"a"])
def test_a_queue_may_not_be_named_so(name):
    with pytest.raises(InvalidName) as caught:
        payload.check_queue(name)

    assert repr(name) in str(caught.value)


# --- backtraces --------------------------------------------------------------------


def test_a_backtrace_is_stored_as_sidekiq_stores_it():
    packed = payload.pack_backtrace(["a.rb:1:in `b'", "ä"])

    assert json.loads(zlib.decompress(base64.b64decode(packed))) == ["a.rb:1:in `b'", "ä"]
    assert "\n" not in packed


@given(st.lists(st.text()))
def test_a_backtrace_comes_back_as_it_went(lines):
    assert payload.unpack_backtrace(payload.pack_backtrace(lines)) == lines


def test_a_file_name_that_is_no_text_does_not_keep_a_failure_from_being_noted():
    assert payload.unpack_backtrace(payload.pack_backtrace(["/\udcff.py:1 in f"])) == ["/?.py:1 in f"]


def hostile(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


@pytest.mark.parametrize(
    "text",
    [
        *(None, 7, "", "no base64!", "bm8gemxpYg=="),
        *map(hostile, (b"no json", b'{"a":1}', b"[" * 500_000, b"[" + b"0," * 2_000_000 + b"0]", b"\xff\xfe")),
    ],
)
def test_a_backtrace_that_cannot_be_read_is_empty(text):
    assert payload.unpack_backtrace(text) == []


def test_a_backtrace_that_older_versions_left_as_a_list_is_read():
    assert payload.unpack_backtrace(["a", 1]) == ["a", "1"]
