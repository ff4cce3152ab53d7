"""Reads a schedule of any known format, and checks all of it by the catalog's own rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mainspring.base.errors import InvalidName, InvalidSchedule, MainspringError
from mainspring.base.payload import check_queue
from mainspring.registry import Registry
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.foreign import crontab, sidekiq_files
from mainspring.schedule.foreign.found import Format, Found, Schedule
from mainspring.schedule.row import Row


def read(text: str, *, tz: str = "UTC", of: Format | None = None) -> Schedule:
    """Return what a file says, each entry either as one that mainspring takes, or with the reason why not.

    Args:
        text: The file's text.
        tz: The zone of times that name none.
        of: The file's format; None to find out.

    Raises:
        InvalidSchedule: If it cannot be read; the line is said.
        BootError: If PyYAML is needed and not installed.
    """
    if not text.strip():
        raise InvalidSchedule("the file", "it is blank")
    schedule = _read(text, of)
    return replace(schedule, entries=tuple(_checked(schedule.entries, Catalog(tz))))


def _read(text: str, of: Format | None) -> Schedule:
    match of:
        case "crontab" | "system-crontab":
            return crontab.read(text, has_users=of == "system-crontab")
        case None if crontab.is_crontab(text):
            return crontab.read(text)
        case _:
            return sidekiq_files.read(text, of)


def _checked(entries: Iterable[Found], catalog: Catalog) -> Iterator[Found]:
    """Yield the entries; those that cannot be defined with the reason, and without their row."""
    names: set[str] = set()
    for found in entries:
        try:
            if found.row is not None:
                _check(found.row, catalog, names)
            yield found
        except MainspringError as error:
            yield replace(found, row=None, refused=str(error))


def _check(row: Row, catalog: Catalog, names: set[str]) -> None:
    catalog.row_entry(row)
    queue = row.options.get("queue")
    if isinstance(queue, str):
        check_queue(queue)
    if not can_name_a_job(row.job):
        raise InvalidName(f"{row.job!r} cannot name a job")
    _check_arguments(row)
    if row.name in names:
        raise InvalidSchedule(row.name, "name: another entry has this name; each needs its own")
    names.add(row.name)


def _check_arguments(row: Row) -> None:
    for key in ("args", "kwargs"):
        try:
            json.dumps(row.options.get(key), allow_nan=False)
        except ValueError as error:
            raise InvalidSchedule(row.options[key], f"{key}: this has no JSON form: {error}") from error


def can_name_a_job(name: str) -> bool:
    """Return whether a job can have this name."""
    try:
        Registry().known(name)
    except InvalidName:
        return False
    return True
