"""Reads the YAML files of sidekiq-cron and sidekiq-scheduler, also where they lie within a sidekiq.yml."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import documents
from mainspring.schedule.documents import Document, Path
from mainspring.schedule.foreign.found import Found, Schedule
from mainspring.schedule.foreign.sidekiq import TIMES, Dialect, ported

#: Where a schedule may lie in a file, from the outside in.
PLACES: Final[tuple[Path, ...]] = (("scheduler", "schedule"), ("schedule",), ())
# What tells an entry from the other settings that a file may hold.
_OF_AN_ENTRY: Final = frozenset({"class", "klass", "job", *TIMES})
# Keys that one of the gems has and the other does not.
_OF_SCHEDULER: Final = frozenset(
    "every at in interval enabled include_metadata keyword_argument rails_env persist".split()
)
_OF_CRON: Final = frozenset(
    "klass status date_as_argument active_job symbolize_args namespace queue_name_prefix queue_name_delimiter".split()
)
_OFF: Final = "enabled: false: the scheduler was switched off, and so will nothing run until a clock is started here"


def read(text: str, dialect: Dialect | None = None) -> Schedule:
    """Return the entries of a YAML file.

    Args:
        text: The file's text.
        dialect: Whose it is; None to find out.

    Raises:
        InvalidSchedule: If it is no YAML, ERB, or no schedule; the line is said.
        BootError: If PyYAML is not installed.
    """
    document = documents.yaml(text)
    place, data = schedule_of(document.data)
    entries = list(named(data, place))
    kind = dialect or dialect_of(place, [config for _, config, _ in entries])
    lines = text.split("\n")
    found = tuple(_found(entry, kind, document, lines) for entry in entries)
    return Schedule(format=kind, entries=found, notes=_notes(document.data, place))


def schedule_of(data: object) -> tuple[Path, object]:
    """Return where in a file's data the schedule lies, and the schedule.

    Raises:
        InvalidSchedule: If there is none.
    """
    for place in PLACES:
        inner = data
        for key in place:
            inner = inner.get(key) if isinstance(inner, Mapping) else None
        entries = inner.values() if isinstance(inner, Mapping) else inner if isinstance(inner, list) else ()
        if any(isinstance(entry, Mapping) and entry.keys() & _OF_AN_ENTRY for entry in entries):
            return place, inner
    raise InvalidSchedule("the file", "there is no schedule in it: write NAME: and below it cron: and class:")


def named(data: object, place: Path) -> Iterator[tuple[str, Mapping[str, object], Path]]:
    """Yield the name, the settings and the place of each entry of a schedule, which is a mapping or a list."""
    if isinstance(data, Mapping):
        for name, config in data.items():
            yield str(name), _settings(str(name), config), (*place, str(name))
    elif isinstance(data, list):
        for index, config in enumerate(data):
            settings = _settings(f"entry {index + 1}", config)
            if "name" not in settings:
                raise InvalidSchedule(f"entry {index + 1}", "name: in a list, each entry has a name")
            yield str(settings["name"]), {key: settings[key] for key in settings if key != "name"}, (*place, index)


def dialect_of(place: Path, configs: Sequence[Mapping[str, object]]) -> Dialect:
    """Return whose entries these are, by keys that only one of the two has."""
    keys = {key for config in configs for key in config}
    if place or keys & _OF_SCHEDULER:
        return "sidekiq-scheduler"
    # Without a class, the name is the class; only sidekiq-scheduler does so.
    has_no_class = any(not config.keys() & {"class", "klass"} for config in configs)
    return "sidekiq-scheduler" if has_no_class and not keys & _OF_CRON else "sidekiq-cron"


def _settings(name: str, config: object) -> Mapping[str, object]:
    if not isinstance(config, Mapping):
        raise InvalidSchedule(name, f"an entry is a mapping of its job and its times, not {config!r}")
    return config


def _found(entry: tuple[str, Mapping[str, object], Path], kind: Dialect, document: Document, lines: list[str]) -> Found:
    name, config, place = entry
    first, last = document.lines[place]
    made = ported(name, config, kind)
    return Found(
        line=first,
        source=_source(lines[first - 1 : last]),
        name=name,
        job=made.job or name,
        row=made.row,
        refused=made.refused,
        notes=tuple(made.notes),
    )


def _source(lines: list[str]) -> tuple[str, ...]:
    """Return an entry's lines without what follows it: blank lines, and remarks on the next one."""
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines = lines[:-1]
    return tuple(line.rstrip() for line in textwrap.dedent("\n".join(lines)).split("\n"))


def _notes(data: object, place: Path) -> tuple[str, ...]:
    outer = data.get("scheduler") if isinstance(data, Mapping) and place else None
    is_off = isinstance(outer, Mapping) and outer.get("enabled") is False
    return (_OFF,) if is_off else ()
