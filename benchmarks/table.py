"""Figures as a table, for terminals and Markdown alike."""

from __future__ import annotations

import math
from collections.abc import Sequence


def show(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table under its title."""
    print(f"\n{title}\n\n{markdown(heads, rows)}", flush=True)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are aligned; numbers to the right."""
    widths = [max(len(row[index]) for row in (heads, *rows)) for index in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = [
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join([first, *rest]) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ("-" if index == 0 else ":") for index, width in enumerate(widths)) + "|"
    return "\n".join([line(heads), rule, *map(line, rows)])


def count(number: float) -> str:
    """Write a large number with commas."""
    return f"{number:,.0f}"


def ratio(number: float) -> str:
    """Write a ratio."""
    return f"{number:.2f} x"


def micro(seconds: float) -> str:
    """Write microseconds."""
    return f"{seconds * 1e6:.1f} us"


def milli(seconds: float) -> str:
    """Write milliseconds."""
    return f"{seconds * 1e3:.2f} ms"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that *percent* of *values* do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
