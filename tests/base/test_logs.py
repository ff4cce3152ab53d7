"""The log's promises: lines go where they are asked for, and a log that fails disturbs nobody."""

from __future__ import annotations

import fcntl
import io
import json
import logging
import os
import pty
import struct
import sys
import termios

import pytest

from log_records import FINISHED, RETRIED, Closed, Hostile, Terminal, configured, line_of, raised, write
from mainspring.base import logs
from mainspring.base.errors import InvalidOption

pytestmark = pytest.mark.usefixtures("own_logger")

# --- a failing log disturbs nobody -------------------------------------------------------


@pytest.mark.parametrize("fmt", logs.FORMATS)
@pytest.mark.parametrize("error", [ValueError("no"), RecursionError("deep"), MemoryError()])
def test_a_record_that_cannot_be_shown_becomes_a_line_that_says_so(fmt, error, capsys):
    stream = io.StringIO()

    write(configured(stream, fmt), "job.log", FINISHED, msg="%s", args=(Hostile(error),))

    assert f"a record could not be written: {type(error).__name__}" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("fmt", logs.FORMATS)
def test_wrong_arguments_of_a_message_are_no_error_of_the_caller(fmt):
    assert "could not be written: TypeError" in line_of(fmt, None, {}, msg="%d", args=("x",))


def test_a_fact_that_cannot_be_shown_is_no_error_of_the_caller():
    assert "could not be written: ValueError" in line_of("json", "job.log", {"fact": Hostile(ValueError())})


def test_an_exception_whose_text_fails_is_logged(capsys):
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    line = line_of("json", "job.dead", FINISHED, exc_info=raised(Broken()))

    assert "Broken" in json.loads(line)["traceback"]
    assert capsys.readouterr() == ("", "")


def test_a_closed_stream_raises_nothing_and_prints_nothing(capsys):
    stream = io.StringIO()
    logger = configured(stream, "json")
    stream.close()

    write(logger, "job.ok", FINISHED)

    handler = logging.getLogger(logs.LOGGER).handlers[0]
    assert isinstance(handler, logs.LineHandler)
    assert handler.dropped == 1
    assert capsys.readouterr() == ("", "")


def test_a_stream_that_was_closed_before_is_no_terminal_and_no_error():
    stream = io.StringIO()
    stream.close()

    write(configured(stream), "job.ok", FINISHED)

    assert not logs.is_terminal(stream)


def test_a_reader_that_went_away_raises_nothing(capsys):
    logger = configured(Closed(), "human")

    for _ in range(3):
        write(logger, "job.ok", FINISHED)

    assert capsys.readouterr() == ("", "")


def test_without_standard_output_there_is_no_log_and_no_error(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    logs.configure(service="worker")

    logging.getLogger("mainspring.worker").info("unheard")

    assert capsys.readouterr().err == ""


# --- where lines go ----------------------------------------------------------------------


def test_people_get_lines_and_pipes_get_json():
    terminal, pipe = Terminal(), io.StringIO()

    write(configured(terminal), "job.ok", FINISHED)
    write(configured(pipe), "job.ok", FINISHED)

    assert "charge_invoice   b619ad" in terminal.getvalue()
    assert json.loads(pipe.getvalue())["event"] == "job.ok"


def test_the_root_logger_is_never_touched_and_each_line_is_written_once():
    before = logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    configured(io.StringIO())
    logger = configured(stream)

    logger.info("once")

    assert stream.getvalue().count("\n") == 1
    assert (logging.getLogger().handlers, logging.getLogger().level) == before


def test_a_handler_of_the_users_own_stays():
    logger, own = logging.getLogger(logs.LOGGER), logging.NullHandler()
    logger.addHandler(own)

    configured(io.StringIO())
    configured(io.StringIO())

    assert own in logger.handlers
    assert sum(isinstance(each, logs.LineHandler) for each in logger.handlers) == 1


def test_only_the_level_asked_for_and_above_is_written():
    stream = io.StringIO()
    logger = configured(stream, "json", level="warning")

    logger.info("no")
    logger.warning("yes")

    assert [json.loads(each)["msg"] for each in stream.getvalue().splitlines()] == ["yes"]


@pytest.mark.parametrize("options", [{"fmt": "xml"}, {"level": "loud"}, {"level": "INFO"}])
def test_an_unknown_format_or_level_is_named_with_what_would_be_right(options):
    with pytest.raises(InvalidOption, match=r"must be one of .*(human|info)"):
        logs.configure(service="worker", **options)


def test_the_width_of_a_real_terminal_is_asked_each_time():
    read, write_end = pty.openpty()
    with os.fdopen(write_end, "w", encoding="utf-8") as stream, os.fdopen(read, encoding="utf-8") as screen:
        logger = configured(stream, env={"NO_COLOR": "1"})  # type: ignore[arg-type]
        for columns in (70, 50):
            fcntl.ioctl(write_end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
            write(logger, "job.retry", RETRIED)

            assert len(screen.readline().rstrip("\r\n")) == columns
