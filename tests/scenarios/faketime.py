"""Wrong clocks: what a process believes of the time, by Debian's libfaketime, and from outside at any moment otherwise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest


class Faketime:
    """The time as some processes see it; clocks that never jump stay as they are, as on a real machine.

    Attributes:
        env: The environment of a process that shall see it.
    """

    def __init__(self, directory: Path) -> None:
        """Begin with the right time; skip the test where there is no library, and fail it in CI."""
        self._file = directory / "faketime"
        self.set(0)
        self.env: Mapping[str, str] = {
            "LD_PRELOAD": _library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """Let it be so many seconds later than it is."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+}s\n")
        # At once: a reader must not meet an empty file.
        fresh.rename(self._file)


def _library() -> str:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if found:
        return str(found[0])
    reason = "no libfaketime on this machine (Debian: apt-get install faketime)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
