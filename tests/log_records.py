"""What tests of the log share: records like the package's own, and streams of all sorts."""

from __future__ import annotations

import io
import logging
import sys

from mainspring.base import logs

NOON = 1_795_262_671.218  # 2026-11-21T12:04:31.218Z

RETRIED = {
    "jid": "50e0c1d2a3b4c5d6e7f80912",
    "class": "shop.jobs.sync_crm",
    "queue": "default",
    "attempt": 4,
    "max": 25,
    "wait_ms": 4100,
    "run_ms": 812,
    "next_in": 130.0,
    "error": {"type": "HTTPError", "message": "503 Service Unavailable", "frame": "shop/crm.py:88"},
}
FINISHED = {
    "jid": "b619ad000000000000000000",
    "class": "charge_invoice",
    "queue": "critical",
    "run_ms": 212,
    "wait_ms": 4,
}


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    """A stream whose reader went away."""

    def write(self, text: str, /) -> int:
        raise BrokenPipeError(text)


class Hostile:
    """An object that fails when it is shown."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __str__(self) -> str:
        raise self.error

    __repr__ = __str__


def configured(stream: io.StringIO, fmt: str | None = None, **options) -> logging.Logger:
    logs.configure(service="worker", instance="worker-3", release="a91f3c", fmt=fmt, stream=stream, **options)
    return logging.getLogger("mainspring.worker")


def write(logger: logging.Logger, event: str | None, facts: dict, level: int = logging.INFO, msg: object = "", **more):
    """Log as the package does, at a time of our own."""
    record = logger.makeRecord(logger.name, level, "file.py", 1, msg, more.get("args", ()), more.get("exc_info"))
    record.created = more.get("created", NOON)
    if event:
        record.event, record.facts = event, facts
    logger.handle(record)


def line_of(fmt: str, event: str | None, facts: dict, **more) -> str:
    """Return what one record becomes, without the line's end."""
    stream = io.StringIO()
    write(configured(stream, fmt, env=more.pop("env", {})), event, facts, **more)
    assert stream.getvalue().endswith("\n")
    return stream.getvalue()[:-1]


def raised(error: BaseException) -> tuple:
    try:
        raise error  # noqa: TRY301  # the shortest way to a traceback
    except BaseException:  # noqa: BLE001  # whatever it is, a record carries it
        return sys.exc_info()
