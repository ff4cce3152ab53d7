"""Python as text: values and calls, laid out as the formatter would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

#: The formatter's own width, so that it leaves what is written here as it is.
WIDTH: Final = 88


@dataclass(frozen=True, slots=True)
class Name:
    """What stands in the text as it is.

    Attributes:
        text: A name, or any expression.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call.

    Attributes:
        function: What is called.
        arguments: Values with their keywords, or with nothing.
    """

    function: str
    arguments: Sequence[tuple[str, object]]


_Part: TypeAlias = tuple[str, object]


def literal(value: object) -> str:
    """Return *value* on one line: data as JSON has it, a `Name`, or a `Call`."""
    match value:
        case str():
            return _text(value)
        case Name():
            return value.text
        case list() | dict() | Call():
            opening, parts, closing = _parts(value)
            return opening + ", ".join(prefix + literal(part) for prefix, part in parts) + closing
        case _:
            return repr(value)


def laid_out(value: object, indent: str = "", before: str = "", after: str = "") -> Iterator[str]:
    """Yield the lines of *value*: one if it fits, else a line for each of its parts.

    Args:
        value: As for `literal`.
        indent: Where its lines begin.
        before: What stands before it on its first line.
        after: What stands after it on its last line.
    """
    line = f"{indent}{before}{literal(value)}{after}"
    if len(line) <= WIDTH or not isinstance(value, list | dict | Call) or not _parts(value)[1]:
        yield line
        return
    opening, parts, closing = _parts(value)
    yield f"{indent}{before}{opening}"
    for prefix, part in parts:
        yield from laid_out(part, f"{indent}    ", prefix, ",")
    yield f"{indent}{closing}{after}"


def _parts(value: list[object] | dict[str, object] | Call) -> tuple[str, list[_Part], str]:
    if isinstance(value, Call):
        return f"{value.function}(", [(f"{key}=" if key else "", part) for key, part in value.arguments], ")"
    if isinstance(value, list):
        return "[", [("", part) for part in value], "]"
    return "{", [(f"{literal(key)}: ", part) for key, part in value.items()], "}"


def _text(text: str) -> str:
    """Return a text in double quotes, unless single ones need fewer escapes."""
    written = repr(text)
    if written[0] == '"' or text.count('"') > text.count("'"):
        return written
    inner = written[1:-1].replace("\\'", "'").replace('"', '\\"')
    return f'"{inner}"'
