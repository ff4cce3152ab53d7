"""Loggers whose calls never raise, for code that must go on when a line cannot be written.

`logging` lets through what a handler raises. The handlers are the user's, and may: a disk
is full, a socket gone. A slot that dies of it loses its job, and a service its lease.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

_Extra: TypeAlias = Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Log:
    """One of the package's loggers.

    Attributes:
        name: The logger's name, such as ``"mainspring.worker"``.
    """

    name: str

    def hears(self, level: int) -> bool:
        """Return True if a record of *level* would be written by anybody."""
        return logging.getLogger(self.name).isEnabledFor(level)

    def log(
        self, level: int, message: str, *args: object, extra: _Extra = None, error: BaseException | None = None
    ) -> None:
        """Write a record, with the traceback of *error* if one is given; if that fails, there is none."""
        trace = None if error is None else (type(error), error, error.__traceback__)
        try:
            logging.getLogger(self.name).log(level, message, *args, extra=extra, exc_info=trace, stacklevel=3)
        except BaseException:  # noqa: BLE001 - SystemExit included: a handler is a guest here
            return

    def debug(self, message: str, *args: object, extra: _Extra = None) -> None:
        """Write a record for developers."""
        self.log(logging.DEBUG, message, *args, extra=extra)

    def info(self, message: str, *args: object, extra: _Extra = None) -> None:
        """Write a record of something usual."""
        self.log(logging.INFO, message, *args, extra=extra)

    def warning(self, message: str, *args: object, extra: _Extra = None) -> None:
        """Write a record of something that somebody should know."""
        self.log(logging.WARNING, message, *args, extra=extra)

    def error(self, message: str, *args: object, extra: _Extra = None, error: BaseException | None = None) -> None:
        """Write a record of something that went wrong, with the traceback of *error* if one is given."""
        self.log(logging.ERROR, message, *args, extra=extra, error=error)
