"""Tracebacks as people read them: what their own code did, with what libraries did folded away. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

#: What the path of a file has that is nobody's own code here.
_LIBRARIES: Final = (
    *("site-packages/", "dist-packages/", "/lib/python", "<frozen", "<string>", "/gems/", "/lib/ruby/", "lib/sidekiq/"),
    *("/mainspring/", "mainspring/worker/"),
)
#: The most frames of a traceback that are shown, counted from where it was raised.
MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames that follow one another.

    Attributes:
        is_library: True if all are of libraries.
        lines: Each as it is stored, such as ``crm/client.py:88 in post``.
    """

    is_library: bool
    lines: Sequence[str]


def folded(backtrace: Sequence[str]) -> list[Frames]:
    """Return the frames of a traceback, those of libraries that stand together as one; in the order they came in."""
    return [Frames(is_library, list(lines)) for is_library, lines in groupby(backtrace[-MOST:], key=is_library)]


def is_library(line: str) -> bool:
    """Return whether a frame is of a library's code."""
    path = line.replace("\\", "/")
    return any(part in path for part in _LIBRARIES)
