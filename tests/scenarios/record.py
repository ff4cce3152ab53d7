"""What a fault test measured, for the table in the documentation; and how much of it to try.

In ``make test`` each fault is tried in a bounded form. ``make faults`` sets ``MAINSPRING_LONG`` and
tries the same at length, and collects the lines written here in the file named by ``MAINSPRING_FAULTS``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

#: Whether faults are tried at length.
LONG = bool(os.environ.get("MAINSPRING_LONG"))


def at_length(bounded: T, long: T) -> T:
    """Return how much to try: *bounded* in ``make test``, *long* in ``make faults``."""
    return long if LONG else bounded


def record(fault: str, tried: str, bar: str, **numbers: object) -> None:
    """Print what was measured as one line of JSON, and keep it if somebody collects them.

    Args:
        fault: Its number in the list of faults, such as ``F2``.
        tried: What was done, in a few words for the table: "the whole node killed with -9, 20 times".
        bar: The number to reach, in words.
        numbers: What came out; each becomes "name value" in the table.
    """
    line = json.dumps({"fault": fault, "tried": tried, "bar": bar, "long": LONG, "numbers": numbers})
    print(line)  # noqa: T201 - pytest shows it with a failure, and with -s
    collected = os.environ.get("MAINSPRING_FAULTS")
    if collected:
        with Path(collected).open("a") as file:
            file.write(line + "\n")
