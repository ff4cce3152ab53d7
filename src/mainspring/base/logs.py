"""Where log lines go, and that a failing log disturbs nobody.

A record says what happened by ``extra={"event": "job.ok", "facts": {...}}``.  Every line
but those for people carries ts, level, service, instance, release, event, msg and pid,
so that the merged log of all services can be taken apart again.  Only the logger
``mainspring`` is touched, never the root.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import TextIO

from mainspring.base.errors import InvalidOption
from mainspring.base.lines import HumanFormatter, JsonFormatter, LogfmtFormatter, Origin

LOGGER = "mainspring"
FORMATS = ("human", "json", "logfmt")
LEVELS = ("debug", "info", "warning", "error", "critical")


def configure(
    *,
    service: str,
    instance: str = "",
    release: str = "",
    fmt: str | None = None,
    level: str = "info",
    stream: TextIO | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Send the package's records to *stream*, in place of where an earlier call sent them.

    Args:
        service: ``"worker"``, ``"clock"``, ``"web"`` or ``"cli"``.
        instance: Which of several, such as ``"worker-3"``.
        release: The revision of the application's code.
        fmt: One of `FORMATS`; None for people on a terminal and JSON elsewhere.
        level: The least level that is written, one of `LEVELS`.
        stream: Standard output if None.
        env: The environment, for ``NO_COLOR``, ``FORCE_COLOR``, ``TERM`` and ``COLUMNS``.

    Raises:
        InvalidOption: If *fmt* or *level* is none of those.
    """
    if fmt not in {None, *FORMATS}:
        raise InvalidOption(f"log format {fmt!r}: it must be one of {', '.join(FORMATS)}")
    if level not in LEVELS:
        raise InvalidOption(f"log level {level!r}: it must be one of {', '.join(LEVELS)}")
    # A program without a console has no standard output at all.
    target: TextIO | None = sys.stdout if stream is None else stream
    handler: logging.Handler = logging.NullHandler() if target is None else LineHandler(target)
    handler.setFormatter(_formatter(fmt, Origin(service, instance, release), target, env or {}))
    logger = logging.getLogger(LOGGER)
    for old in [each for each in logger.handlers if isinstance(each, LineHandler)]:
        logger.removeHandler(old)
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(level.upper())


def _formatter(fmt: str | None, origin: Origin, stream: TextIO | None, env: Mapping[str, str]) -> logging.Formatter:
    terminal = is_terminal(stream)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    ascii_only = encoding.lower().replace("-", "").replace("_", "") != "utf8"
    if fmt == "human" or (fmt is None and terminal):
        width = _width(stream, env) if terminal else None
        return HumanFormatter(origin, ascii_only=ascii_only, colour=wants_colour(env, terminal=terminal), width=width)
    form = LogfmtFormatter if fmt == "logfmt" else JsonFormatter
    return form(origin, ascii_only=ascii_only)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a person reads *stream*; a closed or missing one has no reader."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def wants_colour(env: Mapping[str, str], *, terminal: bool) -> bool:
    """Return whether to colour, by the same rules and in the same order as Python's own tracebacks."""
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    return terminal and env.get("TERM") != "dumb"


def _width(stream: TextIO | None, env: Mapping[str, str]) -> Callable[[], int | None]:
    """Return a function that tells the columns of a terminal, which may change while it is open."""

    def columns() -> int | None:
        if env.get("COLUMNS", "").isdecimal():
            return int(env["COLUMNS"]) or None
        try:
            return (os.get_terminal_size(stream.fileno()).columns or None) if stream else None
        except (OSError, ValueError):
            return None

    return columns


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes lines, and never lets a failing log disturb who logs.

    A record that cannot be formatted becomes a line that says so.  One that cannot be
    written, because the stream is closed or the disk full, is counted and dropped.

    Attributes:
        dropped: Records that were not written.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.dropped = 0  # only touched under the handler's lock

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; raises nothing."""
        try:
            super().emit(record)
        except RecursionError:
            # The one error that the standard handler lets through: a job's argument may cause it.
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name is logging's
        """Write in the record's place that it cannot be written; drop it if not even that works."""
        if record.__dict__.get("event") == "log.failed":
            self.dropped += 1
            return
        reason = sys.exc_info()[0] or Exception
        facts = {"logger": record.name, "line": f"{record.pathname}:{record.lineno}"}
        substitute = {"created": record.created, "levelno": record.levelno, "levelname": record.levelname}
        substitute |= {"process": record.process, "event": "log.failed", "facts": facts}
        substitute["msg"] = f"a record could not be written: {reason.__name__}"
        self.emit(logging.makeLogRecord(substitute))
