"""A duration is a timedelta, a number of seconds, or text such as "1h30m".

Every option that takes a time span goes through `seconds`, so that all of them
accept the same forms and refuse the same mistakes. Inside, a span is always float
seconds.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TypeAlias

from mainspring.base.errors import InvalidDuration

Duration: TypeAlias = timedelta | float | int | str
"""What a user may write for a time span; `seconds` reads it."""

# A span that a timedelta can hold also keeps every due time a float that all readers parse.
_LONGEST = timedelta.max.total_seconds()

_UNITS = {
    "ms": 0.001,
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604_800.0),
}
_PART = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([^\W\d_]*)\s*")


def seconds(value: Duration) -> float:
    """Return *value* as float seconds.

    Text is one or more numbers with units, the largest unit first: ``"1h30m"``,
    ``"1d 2h"``, ``"0.5s"``, ``"250ms"``, ``"2 weeks"``. A lone number in text, as a
    command line or the environment gives it, is seconds. Zero is a duration.

    Raises:
        InvalidDuration: If *value* is negative, not finite, blank, has an unknown
            unit, or is of another type; a bool is refused too.
    """
    kind = type(value)
    # The comparison is false for NaN, so that most calls need no other check than this line.
    if (kind is float or kind is int) and 0 <= value <= _LONGEST:  # type: ignore[operator]  # `kind` says so
        return float(value)  # type: ignore[arg-type]  # likewise
    return _checked(value, _span(value))


def in_words(span: float) -> str:
    """Return *span*, in seconds, as people read it: ``"812 ms"``, ``"2 m 10 s"``.

    At most two units are named, and a second one of zero is left out. A negative
    span keeps its sign.

    Raises:
        InvalidDuration: If *span* is not finite.
    """
    if not -_LONGEST <= span <= _LONGEST:
        raise InvalidDuration(span, "it cannot be said in words")
    if span < 0:
        return "-" + in_words(-span)
    # Rounding comes before the choice of the unit, so that 59.97 s is "1 m" and never "60 s".
    if span > 0 and round(span, 3) < 1:
        return _in_milliseconds(span)
    if round(span, 1) < 60:
        return f"{_trimmed(span)} s"
    return _in_two_units(span)


def _span(value: object) -> float:
    """Return the seconds that *value* says, possible or not."""
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise InvalidDuration(value, f"it is of type {type(value).__name__}")


def _checked(value: Duration, span: float) -> float:
    if span < 0:
        raise InvalidDuration(value, "it is negative")
    if span > _LONGEST:
        raise InvalidDuration(value, "it is too long")
    if math.isnan(span):
        raise InvalidDuration(value, "it is not a number")
    return float(span)


def _read(text: str) -> float:
    """Add up the parts of *text*."""
    stripped = text.strip()
    if not stripped:
        raise InvalidDuration(text, "it is blank")
    if stripped.startswith("-"):
        raise InvalidDuration(text, "it is negative")
    total, smallest, position = 0.0, float("inf"), 0
    while position < len(stripped):
        part = _PART.match(stripped, position)
        if part is None:
            raise InvalidDuration(text, f"{stripped[position:]!r} does not begin with a number")
        unit = _unit(text, part, alone=part.span() == (0, len(stripped)))
        if unit >= smallest:
            raise InvalidDuration(text, "each unit may stand once, the largest first")
        total, smallest, position = total + float(part[1]) * unit, unit, part.end()
    return total


def _unit(text: str, part: re.Match[str], *, alone: bool) -> float:
    """Return how many seconds the unit of *part* has."""
    name = part[2]
    if not name and alone:
        return 1.0
    if not name:
        raise InvalidDuration(text, f"{part[1]} has no unit (ms, s, m, h, d or w)")
    if name not in _UNITS:
        raise InvalidDuration(text, f"{name!r} is no unit (ms, s, m, h, d or w)")
    return _UNITS[name]


def _in_milliseconds(span: float) -> str:
    ms = span * 1000
    return f"{_trimmed(ms)} ms" if round(ms, 1) < 10 else f"{round(ms)} ms"


def _in_two_units(span: float) -> str:
    minutes, s = divmod(round(span), 60)
    if minutes < 60:
        return _pair(minutes, "m", s, "s")
    hours, m = divmod(round(span / 60), 60)
    if hours < 24:
        return _pair(hours, "h", m, "m")
    days, h = divmod(round(span / 3600), 24)
    return _pair(days, "d", h, "h")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit} {small} {small_unit}" if small else f"{large} {large_unit}"


def _trimmed(number: float) -> str:
    """Write *number* with one decimal, or none where that is zero."""
    return f"{number:.1f}".removesuffix(".0")
