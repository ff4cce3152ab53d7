"""How things stand, for the dean: in a line each five seconds, in a file each night."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


def summary(figures: Mapping[str, int]) -> str:
    """Return the number of applications by what became of them, in one line."""
    return ", ".join(f"{outcome} {number}" for outcome, number in figures.items())


def write(folder: Path, figures: Mapping[str, int], *, now: float) -> Path:
    """Write the report of a day; it replaces the one that the day may have already.

    Returns:
        The report's file, which is there whole or not at all.
    """
    day = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
    draft = folder / f"{day}.{os.getpid()}.draft"
    draft.write_text(f"Applications on {day}: {summary(figures)}\n")
    return draft.replace(folder / f"{day}.txt")
