"""One entry of a sidekiq-cron or sidekiq-scheduler file, as a row; the keys of both are understood.

An entry may also say what only mainspring has: ``missed``, ``overlap``, ``tz`` and the like.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from mainspring.base.errors import InvalidSchedule, MainspringError
from mainspring.schedule import crontab, row
from mainspring.schedule.foreign import fugit
from mainspring.schedule.row import Row

Dialect: TypeAlias = Literal["sidekiq-cron", "sidekiq-scheduler"]

#: Keys that say when, in the order in which they count.
TIMES: Final = ("cron", "every", "at", "in", "interval")
_JOB: Final = ("class", "klass")
# They say how Ruby passes what is passed here in one way only, or are written by the gems themselves.
_OF_RUBY: Final = frozenset(
    "active_job symbolize_args source persist last_enqueue_time fetch_missing_args job_class message".split()
)
_TICK: Final = "the time is no argument here; the job asks current_job().periodic.tick"
_NOTES: Final = {
    "date_as_argument": _TICK,
    "include_metadata": _TICK,
    "retry": "it belongs to the job: @app.job(retry={!r})",
    "namespace": "an App has one for all of its entries: App(namespace={!r})",
    "rails_env": "it ran in {!r} only; put the entry into an if that asks where it is",
}
_UNKNOWN: Final = "neither mainspring nor the gem's own pages know this key"
_TRUE: Final = frozenset({"true", "t", "yes", "y", "1"})


@dataclass(slots=True)
class Ported:
    """What became of an entry.

    Attributes:
        job: The name of its job.
        row: The entry; None if it has no equivalent.
        refused: Why it has none.
        notes: What is lost on the way, each with the way out.
    """

    job: str
    row: Row | None = None
    refused: str = ""
    notes: list[str] = field(default_factory=list)


def ported(name: str, config: Mapping[str, object], dialect: Dialect) -> Ported:
    """Return what becomes of the entry *name*."""
    given = {key: value for key, value in config.items() if value is not None and value != ""}
    made = Ported(str(next((given[key] for key in _JOB if key in given), _default_job(name, dialect))))
    try:
        made.row = row.of(_written(name, given, made, dialect))
    except MainspringError as error:
        made.refused = str(error)
    return made


def _default_job(name: str, dialect: Dialect) -> str:
    return name if dialect == "sidekiq-scheduler" else ""


def _written(name: str, given: Mapping[str, object], made: Ported, dialect: Dialect) -> dict[str, object]:
    if not made.job:
        raise InvalidSchedule(name, "class: it names no class to run")
    written = {"name": name, "job": made.job, **_timing(name, given, made)}
    written |= _arguments(given, dialect)
    written |= {"queue": _queue(given), "paused": _is_off(given) or None}
    for key in given.keys() - written.keys() - {*TIMES, *_JOB, *_OF_RUBY, *_ARGUMENTS, *_QUEUE, *_STATUS}:
        _rest(key, given[key], written, made)
    made.notes.sort()
    return written


def _rest(key: str, value: object, written: dict[str, object], made: Ported) -> None:
    if key in row.KEYS:
        written[key] = value
    elif key not in _NOTES:
        made.notes.append(f"{key}: {value!r}: {_UNKNOWN}")
    elif value is not False and (key, value) != ("namespace", "default"):
        made.notes.append(f"{key}: {_NOTES[key].format(value)}")


# --- when ------------------------------------------------------------------------------


def _timing(name: str, given: Mapping[str, object], made: Ported) -> dict[str, object]:
    kind = next((key for key in TIMES if key in given), None)
    if kind is None:
        raise InvalidSchedule(name, "it says no time: write cron or every")
    when, options = _parts(given[kind])
    if kind in {"at", "in"}:
        raise InvalidSchedule(when, _once(kind))
    if kind == "cron":
        made.notes.extend(f"{key}: {value!r}: left out, an entry by cron has no such option" for key, value in options)
        return {"cron": _cron(str(when), made)}
    return {"every": fugit.period(str(when)), "skip_first_run": _waits(options, made)}


def _parts(value: object) -> tuple[object, list[tuple[str, object]]]:
    """Part a time from the options beside it: ``["30s", {"first_in": "120s"}]``."""
    if not isinstance(value, list) or not value:
        return value, []
    options = [pair for item in value[1:] if isinstance(item, Mapping) for pair in item.items()]
    return value[0], options


def _cron(text: str, made: Ported) -> str:
    expression = fugit.expression(text)
    if len(crontab.parse(expression, "UTC", name="any").lines) > 1:
        made.notes.append("cron: fugit took the first of these times only; here all of them count")
    return expression


def _once(kind: str) -> str:
    call = "enqueue_in(...)" if kind == "in" else "enqueue_at(...)"
    return f"{kind}: it runs once, and a schedule is for what repeats; enqueue it where your program begins, by {call}"


def _waits(options: Sequence[tuple[str, object]], made: Ported) -> bool:
    """Return whether the first run comes after one period, as it does in Ruby; here it would come at once."""
    waits = True
    for key, value in options:
        if key in {"first", "first_in", "first_at"} and str(value).lower() in {"0", "0s", "now"}:
            waits = False
        elif key.startswith("first"):
            made.notes.append(f"{key}: {value!r}: the first run comes one period after the entry is first registered")
        else:
            made.notes.append(f"{key}: {value!r}: left out, an entry has no such option")
    return waits


# --- what ------------------------------------------------------------------------------

_ARGUMENTS: Final = frozenset({"args", "keyword_argument"})
_QUEUE: Final = frozenset({"queue", "queue_name_prefix", "queue_name_delimiter"})
_STATUS: Final = frozenset({"status", "enabled"})


def _arguments(given: Mapping[str, object], dialect: Dialect) -> dict[str, object]:
    args = given.get("args")
    if isinstance(args, str) and dialect == "sidekiq-cron":
        args = _of_json(args)
    if isinstance(args, Mapping) and _is_true(given.get("keyword_argument")):
        return {"kwargs": args}
    return {"args": args if args is None or isinstance(args, list) else [args]}


def _of_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _queue(given: Mapping[str, object]) -> object:
    queue, prefix = given.get("queue"), given.get("queue_name_prefix")
    if queue is None or prefix is None:
        return queue
    return f"{prefix}{given.get('queue_name_delimiter', '_')}{queue}"


def _is_off(given: Mapping[str, object]) -> bool:
    return given.get("status", "enabled") != "enabled" or not _is_true(given.get("enabled", True))


def _is_true(value: object) -> bool:
    return value is True or str(value).lower() in _TRUE
