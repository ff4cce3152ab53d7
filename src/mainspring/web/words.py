"""Numbers and times as people read them: formats are the same everywhere, words are of the language that is spoken."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from typing import Final

from mainspring.base import phrases
from mainspring.web.languages import mark, say, told

_UNITS: Final = (
    (86400.0, mark("{n} d")),
    (3600.0, mark("{n} h")),
    (60.0, mark("{n} min")),
    (1.0, mark("{n} s")),
)
_LARGE: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_BYTES: Final = ((2**40, "TB"), (2**30, "GB"), (2**20, "MB"), (2**10, "kB"))
_WEEKDAYS: Final = (mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri"), mark("Sat"), mark("Sun"))
_MONTHS: Final = (
    *(mark("Jan"), mark("Feb"), mark("Mar"), mark("Apr"), mark("May"), mark("Jun")),
    *(mark("Jul"), mark("Aug"), mark("Sep"), mark("Oct"), mark("Nov"), mark("Dec")),
)
#: What stands where there is nothing to say.
NONE: Final = "\N{EM DASH}"


def number(value: float | None) -> str:
    """Write a count: ``1,284``; None as a dash."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if math.isfinite(value) else NONE


def short(value: float | None) -> str:
    """Write a count in little room: ``1,284``, from 100,000 on ``128k``, ``12.8M``."""
    if value is None or not math.isfinite(value):
        return NONE
    if abs(value) < 100_000:
        return number(value)
    size, letter = next((size, letter) for size, letter in _LARGE if abs(value) >= size)
    return f"{value / size:.1f}{letter}" if abs(value) < 100 * size else f"{value / size:.0f}{letter}"


def rate(value: float | None) -> str:
    """Write a rate: one decimal below ten, and two digits below one: what is rare is not nothing."""
    if value is None or not math.isfinite(value):
        return NONE
    if 0 < value < 0.95:
        return f"{value:.2g}" if value >= 0.001 else "<0.001"
    return f"{value:.1f}" if 0 < value < 10 else short(value)


def seconds(value: float | None) -> str:
    """Write a time span of *value* seconds in its largest unit: ``812 ms``, ``4.1 s``, ``9 min``, ``3 h``, ``12 d``."""
    if value is None or not math.isfinite(value):
        return NONE
    if value < 0:
        return "-" + seconds(-value)
    if value < 0.9995:
        ms = value * 1000
        return say("{n} ms", n=f"{ms:.1f}" if 0 < ms < 9.95 else f"{ms:.0f}")
    if value < 9.95:
        return say("{n} s", n=f"{value:.1f}")
    whole = round(value)
    for size, unit in _UNITS:
        if whole >= size:
            return say(unit, n=f"{value / size:.0f}")
    raise AssertionError("every second is one of the units")


def span(value: float) -> str:
    """Write a time span of *value* seconds in its two largest units: ``2 m 10 s``.

    Raises:
        InvalidDuration: If *value* is not finite.
    """
    return told(phrases.duration(value))


def ms(value: float | None) -> str:
    """Write a time span of *value* milliseconds; as `seconds`."""
    return NONE if value is None else seconds(value / 1000)


def size(value: float | None) -> str:
    """Write a number of bytes: ``512 B``, ``38.1 MB``."""
    if value is None:
        return NONE
    for unit, name in _BYTES:
        if value >= unit:
            return f"{value / unit:.1f} {name}"
    return f"{value:.0f} B"


def percent(part: float, whole: float) -> str:
    """Write a share: ``4.8 %``; a dash of nothing."""
    return NONE if whole <= 0 else f"{100 * part / whole:.1f} %"


def last_part(name: str) -> str:
    """Return a class's name without its module: ``ConnectionError`` of ``requests.ConnectionError``."""
    return name.replace("::", ".").rpartition(".")[2] or name


def ago(at: float | None, now: float) -> str:
    """Write when *at* was, or will be, in unix seconds: ``22 min ago``, ``just now``, ``in 12 s``."""
    if at is None or not math.isfinite(at):
        return NONE
    if abs(now - at) < 1:
        return say("just now")
    return say("{time} ago", time=seconds(now - at)) if at < now else say("in {time}", time=seconds(at - now))


def weekday(at: datetime) -> str:
    """Write the day of the week in short: ``Mon``."""
    return say(_WEEKDAYS[at.weekday()])


def day(at: datetime) -> str:
    """Write a day of the year in short: ``22 Nov``."""
    return say("{day} {month}", day=f"{at:%d}", month=say(_MONTHS[at.month - 1]))


def moment(at: float | None, zone: tzinfo = UTC) -> datetime | None:
    """Return *at*, unix seconds, as a time in *zone*; None if no calendar has it."""
    try:
        return None if at is None else datetime.fromtimestamp(at, zone)
    except (ValueError, OverflowError, OSError):
        return None
