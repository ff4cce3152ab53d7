"""A log line's promises: it says who and what, and no job's text can forge one."""

from __future__ import annotations

import io
import json
import logging

import pytest

from log_records import FINISHED, NOON, RETRIED, Terminal, configured, line_of, raised, write
from mainspring.base import lines, logs

pytestmark = pytest.mark.usefixtures("own_logger")

# --- for people --------------------------------------------------------------------------


def test_a_finished_job_is_one_line_of_columns():
    assert line_of("human", "job.ok", FINISHED) == (
        "12:04:31.218 ok    charge_invoice   b619ad critical   212 ms  wait 4 ms"
    )


def test_a_retried_job_says_why_and_when_again():
    assert line_of("human", "job.retry", RETRIED, level=logging.WARNING) == (
        "12:04:31.218 retry sync_crm         50e0c1 default    812 ms  "
        "HTTPError: 503 Service Unavailable  attempt 4/25, again in 2 m 10 s"
    )


def test_a_dead_job_says_why_and_where():
    facts = {name: value for name, value in RETRIED.items() if name != "next_in"}

    assert line_of("human", "job.dead", facts, level=logging.ERROR) == (
        "12:04:31.218 dead  sync_crm         50e0c1 default    812 ms  "
        "HTTPError: 503 Service Unavailable  shop/crm.py:88"
    )


@pytest.mark.parametrize(
    ("event", "facts", "end"),
    [
        ("job.start", {"wait_ms": 4}, "start charge           b619ad default            wait 4 ms"),
        (
            "job.discard",
            {"reason": "contact deleted"},
            "drop  charge           b619ad default            contact deleted",
        ),
        ("job.snooze", {"next_in": 30}, "later charge           b619ad default            again in 30 s"),
        ("job.dead", {"error": {"type": "Killed"}}, "dead  charge           b619ad default            Killed"),
        ("job.dead", {}, "dead  charge           b619ad default"),
        ("job.ok", {"run_ms": "soon"}, "ok    charge           b619ad default"),
    ],
)
def test_every_outcome_has_its_word_and_facts_that_lack_are_left_out(event, facts, end):
    facts = {"jid": "b619ad01", "class": "charge", "queue": "default", **facts}

    assert line_of("human", event, facts) == f"12:04:31.218 {end}"


def test_what_a_job_logs_itself_shows_its_message_and_facts():
    facts = {"jid": "b619ad01", "class": "charge", "queue": "default", "rows": 7, "who": "J. Doe"}

    assert line_of("human", "job.log", facts, msg="synced") == (
        '12:04:31.218 log   charge           b619ad default            synced  rows=7  who="J. Doe"'
    )


def test_other_events_show_their_name_message_and_facts():
    assert line_of("human", "process.quiet", {"running": 8}, msg="no new jobs") == (
        "12:04:31.218 quiet no new jobs  running=8"
    )
    assert line_of("human", None, {}, msg="plain %s", args=("words",)) == "12:04:31.218 info  plain words"


def test_a_line_is_cut_to_the_terminal_and_the_reason_goes_first():
    stream = Terminal()
    long = RETRIED | {"error": {"type": "HTTPError", "message": "x" * 500}}

    write(configured(stream, env={"COLUMNS": "120", "NO_COLOR": "1"}), "job.retry", long)

    line = stream.getvalue().rstrip("\n")
    assert len(line) == 120
    assert line.endswith("xxx\u2026  attempt 4/25, again in 2 m 10 s")


@pytest.mark.parametrize("columns", ["1", "13", "20", "60"])
def test_a_narrow_terminal_never_gets_more_than_it_has(columns):
    stream = Terminal()

    write(configured(stream, env={"COLUMNS": columns, "NO_COLOR": "1"}), "job.retry", RETRIED)

    assert len(stream.getvalue().rstrip("\n")) <= max(int(columns), 14)


@pytest.mark.parametrize(
    ("env", "terminal", "colour"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colours_follow_the_terminal_and_the_environment(env, terminal, colour):
    stream = Terminal() if terminal else io.StringIO()

    write(configured(stream, "human", env=env), "job.ok", FINISHED)

    assert ("\x1b[32mok\x1b[0m" in stream.getvalue()) is colour


def test_a_traceback_is_set_in_below_its_line():
    line = line_of("human", "job.dead", RETRIED, exc_info=raised(ValueError("one\n12:00:00.000 ok    forged")))

    first, *rest = line.split("\n")
    assert first.startswith("12:04:31.218 dead")
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(each.startswith("    ") for each in rest)


# --- JSON --------------------------------------------------------------------------------


def test_a_json_line_names_who_and_what_in_a_stable_order():
    line = line_of("json", "job.retry", RETRIED, level=logging.WARNING, msg="sync_crm failed")

    fields = json.loads(line)
    assert list(fields) == ["ts", "level", "service", "instance", "release", "event", "msg", "pid", *RETRIED]
    assert fields | RETRIED == fields
    assert line.startswith(
        '{"ts":"2026-11-21T12:04:31.218Z","level":"warning","service":"worker","instance":"worker-3",'
        '"release":"a91f3c","event":"job.retry","msg":"sync_crm failed","pid":'
    )


def test_a_traceback_is_a_field_and_the_line_stays_one():
    line = line_of("json", "job.dead", RETRIED, exc_info=raised(ValueError("two\nlines")))

    assert "\n" not in line
    assert json.loads(line)["traceback"].endswith("ValueError: two\nlines")


def test_a_fact_never_takes_the_place_of_what_all_lines_share():
    fields = json.loads(line_of("json", "job.log", {"level": "none", "service": "forged", "n": 1}))

    assert (fields["level"], fields["service"]) == ("info", "worker")
    assert (fields["level_"], fields["service_"], fields["n"]) == ("none", "forged", 1)


@pytest.mark.parametrize(
    "value", [2**70, -(2**70), "\udc80", {"deep": "\udc80"}, {1, 2}, object, b"x", 1.5, None, True]
)
def test_any_fact_becomes_json(value):
    assert "fact" in json.loads(line_of("json", "job.log", {"fact": value}))


# --- logfmt ------------------------------------------------------------------------------


def test_a_logfmt_line_quotes_what_needs_it_and_dots_what_is_nested():
    line = line_of("logfmt", "job.retry", RETRIED | {"ok": True, "none": None, "a b": 'c"\\'}, msg="x")

    assert " event=job.retry msg=x pid=" in line
    assert ' error.type=HTTPError error.message="503 Service Unavailable" error.frame=shop/crm.py:88' in line
    assert line.endswith(' ok=true none="" a_b="c\\"\\\\"')


# --- no text forges a line ---------------------------------------------------------------


FORGERIES = [
    "x\n12:00:00.000 ok    forged",
    "x\r\ny",
    "\x1b[2J\x1b[1;1Hgone",
    "\x9b31m",
    "a\u2028b\u2029c\u0085d\x0b\x0c\x1c",
    "\u202eright to left",
    "\x00\x7f\t",
    "\ud800",
]


@pytest.mark.parametrize("fmt", logs.FORMATS)
@pytest.mark.parametrize("text", FORGERIES)
def test_control_characters_of_a_job_are_written_as_escapes(fmt, text):
    facts = {
        "jid": text,
        "class": text,
        "queue": text,
        "run_ms": 1,
        "error": {"type": text, "message": text},
        text: text,
    }

    for event in ("job.retry", "job.log", text):
        line = line_of(fmt, event, facts, msg=text)

        assert len(line.splitlines()) == 1
        assert not [character for character in line if lines._UNSAFE.match(character)]


def test_a_forged_traceback_line_is_escaped_too():
    line = line_of("human", "job.dead", RETRIED, exc_info=raised(ValueError("\x1b[2Jgone\x9b")))

    assert "\x1b" not in line
    assert "\\x1b[2Jgone\\x9b" in line


@pytest.mark.parametrize("fmt", logs.FORMATS)
def test_a_stream_that_knows_only_ascii_gets_only_ascii(fmt):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    facts = FINISHED | {"error": {"type": "E", "message": "\u00e9\U0001f600" + "y" * 20_000}}

    write(configured(stream, fmt), "job.retry", facts)

    text = raw.getvalue().decode("ascii")
    assert "y" * 100 in text
    if fmt == "json":
        assert json.loads(text)["error"]["message"].startswith("\u00e9\U0001f600")


# --- bounds ------------------------------------------------------------------------------


@pytest.mark.parametrize("fmt", logs.FORMATS)
def test_no_text_makes_a_line_longer_than_its_limit(fmt):
    long = "x" * 1_000_000
    facts = {"error": {"type": "E", "message": long}}

    line = line_of(fmt, "job.dead", facts, msg=long, exc_info=raised(ValueError(long)))

    assert len(line) < 4 * lines.LIMIT


def test_the_end_of_a_long_traceback_is_kept():
    line = line_of("json", "job.dead", {}, exc_info=raised(ValueError("x" * 20_000 + " the end")))

    assert json.loads(line)["traceback"].endswith(" the end")


@pytest.mark.parametrize(
    ("created", "text"),
    [(NOON, "12:04:31.218"), (1_795_262_671.9996, "12:04:32.000"), (1_795_262_671.0, "12:04:31.000")],
)
def test_times_are_rounded_to_the_millisecond_and_carried(created, text):
    assert json.loads(line_of("json", None, {}, created=created))["ts"] == f"2026-11-21T{text}Z"
    assert line_of("human", None, {}, created=created).startswith(text)
