"""What fugit reads, by which sidekiq-cron and sidekiq-scheduler are told their times, as mainspring writes it.

The two read most expressions alike. Where they do not, the expression is written so that it keeps its meaning.
"""

from __future__ import annotations

import re
from typing import Final

from mainspring.base import durations
from mainspring.base.errors import InvalidDuration, InvalidSchedule
from mainspring.schedule import dialect, phrases

_DAY: Final = 86_400
_SPANS: Final = {"y": 365 * _DAY, "M": 30 * _DAY, "w": 7 * _DAY, "d": _DAY, "h": 3600, "m": 60, "s": 1}
_UNITS: Final = re.compile(
    r"(\d+\.?\d*|\.\d+)\s*(?:"
    r"(?P<y>[yY](?:ears?)?)|(?P<M>M|months?)|(?P<w>[wW](?:eeks?)?)|(?P<d>[dD](?:ays?)?)|(?P<h>[hH](?:ours?)?)"
    r"|(?P<m>m(?:in(?:ute)?s?)?)|(?P<s>[sS](?:ec(?:ond)?s?)?|$))(?:[ \t,]|and)*"
)
_STARRED: Final = re.compile(r"^\*/(\d+)")
_LONE: Final = re.compile(r"^(\w+)/\d+")
_NUMBERS: Final = "one two three four five six seven eight nine ten eleven twelve".split()
_NUMBER: Final = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})\b", re.IGNORECASE)
_LONG: Final = {"s": "seconds", "m": "minutes", "h": "hours"}


def expression(text: str) -> str:
    """Return a cron expression or phrase of fugit's, as one of mainspring's; what is wrong with it stays wrong.

    In fugit a star with a step restricts its field, and a day must fit *one* of two restricted fields; by
    Debian's rule, which is mainspring's, it must then fit both.
    """
    if phrases.is_phrase(text.lstrip()):
        return _phrase(text)
    written = dialect.read(text)
    words = written.text.split()
    if len(words) not in (5, 6) or not re.match(r"[\d*]", words[0]):
        return text
    words[-4] = ",".join("0" if hour == "24" else hour for hour in words[-4].split(","))
    words[-3], words[-1] = _day(words[-3]), _weekday(words[-1])
    return " ".join([*words, *filter(None, [written.tz])])


def period(text: str) -> str:
    """Return a duration of fugit's as one of mainspring's: ``"2 hours and 30 minutes"`` is ``"2h30m"``.

    Raises:
        InvalidSchedule: If it is none, or of no fixed length.
    """
    total, at, stripped = 0.0, 0, text.strip()
    while at < len(stripped) and (part := _UNITS.match(stripped, at)):
        total, at = total + float(part[1]) * _SPANS[part.lastgroup or "s"], part.end()
    if at < len(stripped) or not stripped:
        raise InvalidSchedule(text, 'every: write a duration, such as "45m" or "1h30m"')
    return text if _is_alike(text, total) else _written(total)


def _phrase(text: str) -> str:
    """Return a phrase with the figures that fugit can do without: ``every day at five`` is ``every day at 5:00``."""
    found = _NUMBER.sub(lambda word: str(_NUMBERS.index(word[0].lower()) + 1), " ".join(text.split()))
    found = re.sub(r"\b(\d+)([smh])\b", lambda span: f"{span[1]} {_LONG[span[2]]}", found)
    found = re.sub(r"( at \d{1,2})$", r"\1:00", found)
    return re.sub(r" on (?=[A-Z]\w+/\w+$)", " in ", found)


def _day(field: str) -> str:
    """Return a field of days of the month; fugit takes all of them for a star, and so for no restriction."""
    items = [_STARRED.sub(r"1-31/\1", item) for item in field.split(",")]
    return "*" if {"1-31", "1-31/1"} & set(items) else ",".join(items)


def _weekday(field: str) -> str:
    """Return a field of weekdays; fugit takes no notice of a step behind a lone day."""
    items = [_STARRED.sub(r"0-6/\1", item) for item in field.split(",")]
    return ",".join(_LONE.sub(r"\1", item) for item in items)


def _is_alike(text: str, total: float) -> bool:
    try:
        return durations.seconds(text) == total
    except InvalidDuration:
        return False


def _written(total: float) -> str:
    parts, left = [], total
    for unit in "dhm":
        count, left = divmod(left, _SPANS[unit])
        parts.append(f"{count:.0f}{unit}" if count else "")
    return "".join(parts) + (f"{left:g}s" if left else "") or "0s"
