"""What may happen to the log and the standard output of a worker; put into the process as `mutants` are."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, NoReturn

from mainspring.base import loggers


def closed() -> None:
    """Close the standard output and error, as whoever started the process may have done."""
    for stream in (sys.stdout, sys.stderr):
        stream.close()


def cut_off() -> None:
    """Let both go into a pipe that nobody reads any more."""
    theirs, ours = os.pipe()
    os.close(theirs)
    _redirect(ours)


def full() -> None:
    """Let both go to a disk that is full."""
    _redirect(os.open("/dev/full", os.O_WRONLY))


def _redirect(file: int) -> None:
    for number in (1, 2):
        os.dup2(file, number)


def absent() -> None:
    """Have neither, as a program without a console."""
    sys.stdout = sys.stderr = None  # type: ignore[assignment]


class _Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> NoReturn:
        raise SystemExit(f"no more lines: {record.levelname}")


def raising() -> None:
    """Have a handler that raises whatever it is given, and not even an Exception."""
    for name in ("mainspring", ""):
        logging.getLogger(name).addHandler(_Raising())


def unguarded() -> None:
    """Have such a handler, and log as everybody does: what it raises reaches whoever writes a line."""

    def log(self: loggers.Log, level: int, message: str, *args: object, extra: Any = None, error: Any = None) -> None:
        logging.getLogger(self.name).log(level, message, *args, extra=extra, exc_info=error)

    raising()
    loggers.Log.log = log  # type: ignore[method-assign]
