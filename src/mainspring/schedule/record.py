"""An entry as data: what stands of it in the store, for other clocks and for people."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from mainspring.base import codec
from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import row
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.entry import Entry, Question

#: What decides when an entry is due; where only the rest has changed, nothing of its past is in doubt.
_WHEN: Final = ("every", "at", "cron", "tz", "start", "end", "exclude", "dst", "unless")

#: What is data of an entry, and the value that is left out of its record.
_FIELDS: Final[Mapping[str, object]] = {
    "job": "",
    "schedule": "",
    "tz": "UTC",
    "every": None,
    "at": (),
    "cron": None,
    "args": (),
    "kwargs": {},
    "queue": None,
    "missed": "once",
    "grace": None,
    "overlap": "allow",
    "jitter": 0.0,
    "start": None,
    "end": None,
    "exclude": (),
    "dst": "vixie",
    "skip_first_run": False,
    "paused": False,
    "description": None,
}
#: Questions are code: a record holds their names only.
_QUESTIONS: Final = ("if_", "unless")


def record(entry: Entry) -> dict[str, object]:
    """Return *entry* as JSON-ready data; what is as usual is left out."""
    data: dict[str, object] = {}
    for name, usual in _FIELDS.items():
        value: object = getattr(entry, name)
        if value != usual:
            data[name] = _plain(name, value)
    for name in _QUESTIONS:
        question: Question | None = getattr(entry, name)
        if question is not None:
            data[name] = _name(question)
    return data


def entry(name: str, data: object, catalog: Catalog) -> Entry:
    """Return the entry *name* that a record says, with every check that an entry in code has.

    Args:
        name: The entry's name.
        data: Its record.
        catalog: That of the App.

    Raises:
        InvalidSchedule: If it does not hold here, as one written by a newer version may not.
        InvalidName: If the name is none.
    """
    if not isinstance(data, dict):
        raise InvalidSchedule(name, "its record is no object")
    known = {key: value for key, value in data.items() if key in _FIELDS and key != "schedule"}
    # What is left out is as usual, and not as is usual in this App.
    found = catalog.row_entry(row.of({"tz": _FIELDS["tz"], **known, "name": name}))
    return replace(found, schedule=str(data.get("schedule", found.schedule)))


def is_portable(data: Mapping[str, object]) -> bool:
    """Return True if a clock without the entry's code can serve it: it asks no question."""
    return not any(name in data for name in _QUESTIONS)


def stamp(data: Mapping[str, object]) -> str:
    """Return 16 hex digits that tell one record from another."""
    return _digest(data)


def when(data: Mapping[str, object]) -> str:
    """Return 16 hex digits that are the same for records that are due at the same times."""
    return _digest({name: data[name] for name in _WHEN if name in data})


def code_digest(stamps: Mapping[str, str]) -> str:
    """Return 16 hex digits that tell one schedule in code from another.

    Args:
        stamps: The stamps of its entries by name.
    """
    return _digest(stamps)


def _plain(name: str, value: object) -> object:
    if isinstance(value, tuple):
        return list(value)
    if name in {"start", "end"} and isinstance(value, float):
        return datetime.fromtimestamp(value, UTC).isoformat()
    return value


def _digest(data: Mapping[str, object]) -> str:
    text = codec.encode(dict(sorted(data.items())))
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def _name(question: Question) -> str:
    module, name = getattr(question, "__module__", ""), getattr(question, "__qualname__", type(question).__qualname__)
    return f"{module}.{name}"
