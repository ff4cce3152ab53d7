"""How a command ends: the exit codes, and what an error says to the person who typed it."""

from __future__ import annotations

from typing import Final

from mainspring.base.errors import BootError, InvalidOption, MainspringError, StoreRefused, StoreUnavailable

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 69
INTERNAL: Final = 70
MISCONFIGURED: Final = 78
INTERRUPTED: Final = 130

# Answers by which a server says that the URL is wrong, rather than the command.
_OF_THE_URL: Final = frozenset({"WRONGPASS", "NOAUTH", "NOPERM"})


class Failure(Exception):
    """The command cannot go on; the text says what, why, and the way out.

    Attributes:
        code: The exit code.
    """

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


def code_of(error: MainspringError) -> int:
    """Return the exit code for an error of the package; one that an outage caused is an outage."""
    seen: BaseException | None = error
    while seen is not None:
        match seen:
            case StoreUnavailable():
                # What may have been done is a failed operation, and not a store that was never there.
                return UNREACHABLE if seen.applied is False else FAILED
            case StoreRefused(code=code):
                return MISCONFIGURED if code in _OF_THE_URL else FAILED
            case BootError() | InvalidOption():
                return MISCONFIGURED
        seen = seen.__cause__
    return FAILED
