"""A sentence in English that remembers what it was made of, so that it can be said in another language too.

Whoever finds something out says it here, once and in English, and knows of no language: a `Phrase` is that text, and
logs, programs and the API take it as it is. What shows it to a person (the dashboard) finds the pattern in its
catalogue, and fills the same values in. Patterns are literals, since that is how they get into the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from mainspring.base.durations import in_words

_SPAN: Final = re.compile(r"([\d.]+) (ms|s|m|h|d)")


class Phrase(str):
    """A text with its pattern; it is equal to the same text without one.

    Attributes:
        pattern: The text with ``{name}`` where a value stands; for several things, if *many* is empty or they are one.
        many: The pattern for several things; empty for a text that counts nothing.
        number: How many they are.
        values: What is filled in, by name; phrases among them are said in the same language.
    """

    __slots__ = ("many", "number", "pattern", "values")
    pattern: str
    many: str
    number: int
    values: Mapping[str, object]


def phrase(pattern: str, /, **values: object) -> Phrase:
    """Return the text that *pattern* makes of *values*."""
    return _made(pattern, "", 1, values)


def phrases(one: str, many: str, n: int, /, **values: object) -> Phrase:
    """Return the text that *one* makes of one thing, or *many* of another number; ``{n}`` is that number."""
    return _made(one, many, n, {"n": f"{n:,}", **values})


def joined(between: str, parts: Sequence[object]) -> Phrase:
    """Return *parts* with the same text *between* them, each of which is said in the language of the whole."""
    names = [f"part{number}" for number in range(len(parts))]
    pattern = _verbatim(between).join(f"{{{name}}}" for name in names)
    return _made(pattern, "", 1, dict(zip(names, parts, strict=True)))


def duration(span: float) -> Phrase:
    """Return a time span of *span* seconds as `in_words` says it: ``2 m 10 s``.

    Raises:
        InvalidDuration: If *span* is not finite.
    """
    text = in_words(span)
    sign = "-" if text.startswith("-") else ""
    parts = [_unit(number, unit) for number, unit in _SPAN.findall(text)]
    return joined("", [sign, joined(" ", parts)]) if sign else joined(" ", parts)


def _unit(number: str, unit: str) -> Phrase:
    match unit:
        case "ms":
            return phrase("{n} ms", n=number)
        case "s":
            return phrase("{n} s", n=number)
        case "m":
            return phrase("{n} m", n=number)
        case "h":
            return phrase("{n} h", n=number)
        case _:
            return phrase("{n} d", n=number)


def _made(pattern: str, many: str, number: int, values: Mapping[str, object]) -> Phrase:
    chosen = many if many and number != 1 else pattern
    made = Phrase(chosen.format_map(values) if values else chosen)
    made.pattern, made.many, made.number, made.values = pattern, many, number, values
    return made


def _verbatim(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
