"""One line of a schedule that was not written in Python: of a file, of a database, of a request.

`Catalog` makes an entry of it, with every check that an entry in code has. Checked
here is what goes wrong only outside of Python: the keys, and the shapes of their values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from types import UnionType
from typing import Final

from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a line says; make it with `of`.

    Attributes:
        name: The entry's name.
        job: The name of the job it enqueues.
        every: Its period, if it has one.
        cron: Its cron expression, if it has one; a row has one of the two.
        at: Times of day, with a period only.
        tz: The IANA zone of its times.
        options: The other options of an entry by name, as `EntryOptions` lists them.
    """

    name: str
    job: str
    every: Duration | None = None
    cron: str | None = None
    at: str | Sequence[str] | None = None
    tz: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)


def of(mapping: Mapping[str, object]) -> Row:
    """Return the row that *mapping* says.

    What is None counts as not written, as the NULL of a database does.

    Args:
        mapping: ``name`` and ``job``, one of ``every`` and ``cron``, and any options of an entry.

    Raises:
        InvalidSchedule: A key that is unknown or missing, or a value of another shape.
    """
    given = {key: value for key, value in mapping.items() if value is not None}
    where = f"in the entry {given['name']!r}" if "name" in given else "in an entry without a name"
    for key, value in given.items():
        _check(key, value, where)
    missing = [key for key in ("name", "job") if key not in given]
    if missing:
        raise InvalidSchedule(missing[0], f"{where}: this key is missing")
    _check_rule(given, where)
    options = {key: value for key, value in given.items() if key not in _OWN}
    return Row(**{key: given[key] for key in given.keys() & _OWN}, options=options)  # type: ignore[arg-type]  # checked


def _check(key: object, value: object, where: str) -> None:
    if key not in _SHAPES:
        close = get_close_matches(str(key), _SHAPES, 1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(_SHAPES)}"
        raise InvalidSchedule(key, f"{where}: there is no such key; {hint}")
    shape = _SHAPES[str(key)]
    if not shape.fits(value):
        raise InvalidSchedule(value, f"{key}, {where}: write {shape.right}")


def _check_rule(given: Mapping[str, object], where: str) -> None:
    if ("every" in given) == ("cron" in given):
        found = "both are there" if "every" in given else "neither is there"
        raise InvalidSchedule(given["name"], f"{where}: an entry has one of every and cron, and {found}")
    if "at" in given and "cron" in given:
        raise InvalidSchedule(given["at"], f"at, {where}: it goes with every; a cron expression says its own times")


# --- shapes --------------------------------------------------------------------------


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_list(value: object) -> bool:
    return _is_list_of(object, value)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _is_duration(value: object) -> bool:
    return isinstance(value, str | int | float | timedelta) and not isinstance(value, bool)


def _is_moment(value: object) -> bool:
    return isinstance(value, str | int | float | datetime) and not isinstance(value, bool)


def _is_times(value: object) -> bool:
    return _is_text(value) or _is_list_of(str, value)


def _is_days(value: object) -> bool:
    return isinstance(value, str | date) or _is_list_of(str | date, value)


def _is_list_of(kind: type | UnionType, value: object) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
        return False
    return all(isinstance(item, kind) for item in value)


@dataclass(frozen=True, slots=True)
class _Shape:
    fits: Callable[[object], bool]
    right: str


_TEXT: Final = _Shape(_is_text, "a text")
_DURATION: Final = _Shape(_is_duration, 'a duration, such as "10m", or seconds')
_SWITCH: Final = _Shape(_is_switch, "true or false")
_MOMENT: Final = _Shape(_is_moment, 'a date and time, such as "2026-12-24T18:00+01:00"')

# Also the order in which keys are listed for people.
_SHAPES: Final = {
    "name": _TEXT,
    "job": _TEXT,
    "every": _DURATION,
    "cron": _Shape(_is_text, 'a cron expression, such as "0 9 * * *"'),
    "at": _Shape(_is_times, 'a time of day, such as "09:30", or a list of these'),
    "tz": _Shape(_is_text, 'the name of a zone, such as "Europe/London"'),
    "args": _Shape(_is_list, "a list of the job's arguments, such as [42]"),
    "kwargs": _Shape(_is_mapping, "the job's arguments by name"),
    "queue": _TEXT,
    "missed": _TEXT,
    "grace": _DURATION,
    "overlap": _TEXT,
    "jitter": _DURATION,
    "start": _MOMENT,
    "end": _MOMENT,
    "exclude": _Shape(_is_days, 'a date, a cron expression, or a list of these, such as ["2026-12-25"]'),
    "dst": _TEXT,
    "skip_first_run": _SWITCH,
    "paused": _SWITCH,
    "description": _TEXT,
}
#: All keys of a row, in the order in which people are told of them.
KEYS: Final = tuple(_SHAPES)
_OWN: Final = frozenset({"name", "job", "every", "cron", "at", "tz"})
