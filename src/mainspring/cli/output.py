"""What a command prints: plain tables for people, JSON for programs, and nothing that a job's data could abuse."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import click

from mainspring.base.durations import in_words
from mainspring.base.logs import is_terminal
from mainspring.base.sealed import SHOWN, is_sealed


def clean(text: str) -> str:
    """Return *text* on one line, without what would move a cursor or turn the direction of reading."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def columns_of(text: str) -> int:
    """Return how many columns of a terminal *text* takes: two for a wide character, none for an accent."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF") for sign in text)


def cut(text: str, columns: int) -> str:
    """Return *text*, or as much of it as fits into *columns* with a mark at its end."""
    if columns_of(text) <= columns:
        return text
    kept, room = [], columns - 2
    for sign in text:
        room -= columns_of(sign)
        if room < 0:
            break
        kept.append(sign)
    return "".join(kept) + ".."


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, right: Collection[int] = ()) -> str:
    """Return rows in aligned columns.

    On a terminal a line ends at its edge, elsewhere it is as long as it must be.

    Args:
        header: The columns' names.
        rows: Whatever stands in them.
        right: Columns that are aligned to the right.
    """
    lines = [list(header), *([clean(str(cell)) for cell in row] for row in rows)]
    widths = [max(columns_of(line[place]) for line in lines) for place in range(len(header))]
    edge = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None
    shown = ("  ".join(_padded(line, widths, right)).rstrip() for line in lines)
    return "\n".join(line if edge is None else cut(line, edge) for line in shown)


def _padded(line: Sequence[str], widths: Sequence[int], right: Collection[int]) -> Iterable[str]:
    for place, (cell, width) in enumerate(zip(line, widths, strict=True)):
        blank = " " * (width - columns_of(cell))
        yield blank + cell if place in right else cell + blank


def listing(facts: Iterable[tuple[str, object]]) -> str:
    """Return names and values, one a line; what is None is left out."""
    known = [(name, clean(str(value))) for name, value in facts if value is not None]
    width = max((len(name) for name, _ in known), default=0)
    return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in known)


def print_json(record: object) -> None:
    """Print one JSON document on one line, in ASCII, so that any terminal and any pipe can take it."""
    click.echo(json.dumps(record, separators=(",", ":"), default=str))


def print_rows(
    header: Sequence[str], rows: Sequence[Sequence[object]], nothing: str, **options: Collection[int]
) -> None:
    """Print a table; where it would be empty, say *nothing* to the person and print nothing."""
    if rows:
        click.echo(table(header, rows, **options))
    else:
        click.echo(nothing, err=True)


def compact(value: object) -> str:
    """Return JSON as short as it can be, for people: other scripts stay readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def call(name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """Return a job as the call that it is: ``add(1, due="now", token=encrypted)``."""
    named = (f"{key}={_argument(value)}" for key, value in kwargs.items())
    return f"{name}({', '.join([*map(_argument, args), *named])})"


def _argument(value: object) -> str:
    return SHOWN if is_sealed(value) else compact(value)


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun: ``1 job``, ``2 jobs``."""
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def ago(moment: float | None, now: float) -> str:
    """Return a moment as people say it: ``3 m ago``, ``in 2 m 10 s``; nothing for none."""
    if moment is None or abs(now - moment) > 1e10:
        return ""
    return f"{in_words(now - moment)} ago" if moment <= now else f"in {in_words(moment - now)}"


def stamp(moment: float | None) -> str | None:
    """Return a moment as a date and time, to the second; None for none."""
    try:
        return None if moment is None else f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return str(moment)
