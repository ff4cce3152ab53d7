"""Reads a schedule from a file: TOML or YAML, in mainspring's own keys or in those of Sidekiq's schedulers.

.. code-block:: toml

    [report]
    job = "shop.jobs.report"
    every = "1d"
    at = "09:00"
    tz = "Europe/London"

An entry with ``class`` in place of ``job`` is one of sidekiq-cron or sidekiq-scheduler, and means what it means there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import catalog, documents, row
from mainspring.schedule.foreign.sidekiq import Dialect, ported
from mainspring.schedule.foreign.sidekiq_files import dialect_of, named, schedule_of
from mainspring.schedule.row import Row

_READERS: Final = {".toml": documents.toml, ".yaml": documents.yaml, ".yml": documents.yaml}


def read(text: str, suffix: str, where: str = "a file") -> list[Row]:
    """Return the rows of a file; where problems are collected, without those that cannot be meant.

    Args:
        text: The file's text.
        suffix: The end of its name: ``".toml"``, ``".yml"`` or ``".yaml"``.
        where: Its name, for problems that are collected.

    Raises:
        InvalidSchedule: If it cannot be read, or an entry of it cannot be meant; which one, and why.
        BootError: If PyYAML is needed and not installed.
    """
    reader = _READERS.get(suffix.lower())
    if reader is None:
        raise InvalidSchedule(suffix, f"a schedule's file ends with {', '.join(_READERS)}")
    return rows(reader(text).data, where)


def rows(data: object, where: str = "a file") -> list[Row]:
    """Return the rows of a file's data; where problems are collected, without those that cannot be meant.

    Args:
        data: Entries by name, or a list of entries with their names; also within ``schedule``,
            or within ``schedule`` in ``scheduler``, as in a sidekiq.yml.
        where: The file's name, for problems that are collected.

    Raises:
        InvalidSchedule: Which entry cannot be meant, and why.
    """
    place, schedule = schedule_of(data)
    entries = [(name, config) for name, config, _ in named(schedule, place)]
    dialect = dialect_of(place, [config for _, config in entries])
    found = []
    for name, config in entries:
        try:
            found.append(_row(name, config, dialect))
        except InvalidSchedule as error:
            if not catalog.note(where, error):
                raise
    return found


def _row(name: str, config: Mapping[str, object], dialect: Dialect) -> Row:
    if "job" in config:
        return row.of({**config, "name": name})
    made = ported(name, config, dialect)
    # Who takes over a file by hand reads what is lost; nobody reads it at each start of a program.
    if made.row is None or made.notes:
        raise InvalidSchedule(name, made.refused or "; ".join(made.notes))
    return made.row
