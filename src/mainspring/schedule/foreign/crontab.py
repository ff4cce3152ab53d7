"""Reads a crontab, a user's own or the system's, by the rules of Debian's cron and of cronie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import row
from mainspring.schedule.foreign.commands import named, split
from mainspring.schedule.foreign.found import Command, Found, Schedule

_SETTING: Final = re.compile(r"""\s*(["']?)([A-Za-z_]\w*)\1\s*=\s*(.*?)\s*""")
_ENTRY: Final = re.compile(r"\s*(@\w+|[0-9*~][0-9*~,/-]*(?:\s+\S+){4})\s+(\S.*?)\s*")
_USER_HEADER: Final = re.compile(r"\b(?:dow|day of week)\b.*\buser\b|\*\s+user(?:-?name)?\s+command", re.IGNORECASE)
_USER: Final = re.compile(r"([a-z_][a-z0-9_-]*\$?)\s+(\S.*)")
# Whoever has a system's crontab has at least one of them in it.
_USERS: Final = frozenset("root www-data nobody daemon backup postgres mysql redis munin logcheck smmsp".split())
# Names of columns, a ruler, and a crontab's own first lines describe no job.
_NO_DESCRIPTION: Final = re.compile(r"\W*|.*\bm\s+h\s+dom\b.*|.*\bminute\b.*\bhour\b.*", re.IGNORECASE)

_OF_CRON: Final = frozenset({"CRON_TZ", "MAILTO", "MAILFROM", "RANDOM_DELAY"})
_NOTES: Final = {
    "MAILTO": "MAILTO: mainspring sends no mail; what a command prints is in the worker's log, and one that fails is"
    " in the dead set. app.on_death(...) can tell somebody",
    "RANDOM_DELAY": "RANDOM_DELAY: write jitter= at the entries that shall be spread",
}
_REBOOT: Final = "mainspring goes by the clock and knows no boot: enqueue the job where your service starts"


@dataclass(slots=True)
class _State:
    """What the lines so far say of the lines to come."""

    zone: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    jobs: dict[str, Command] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def read(text: str, *, has_users: bool | None = None) -> Schedule:
    """Return the entries of a crontab.

    Args:
        text: The file's text.
        has_users: Whether a user stands before each command, as in ``/etc/crontab``; None to find out.

    Raises:
        InvalidSchedule: A line that is no comment, no setting and no entry, with its number.
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    users = _has_users(lines) if has_users is None else has_users
    state = _State()
    entries = tuple(_entries(lines, state, users=users))
    return Schedule(format="system-crontab" if users else "crontab", entries=entries, notes=tuple(state.notes.values()))


def is_crontab(text: str) -> bool:
    """Say whether the first line that says anything is one of a crontab."""
    said = (line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#"))
    first = next(said, "")
    return _is_entry(first) or _SETTING.fullmatch(first) is not None


def _entries(lines: Sequence[str], state: _State, *, users: bool) -> Iterator[Found]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            state.comments.clear()
        elif line.lstrip().startswith("#"):
            _remark(line.lstrip().lstrip("#").strip(), state)
        elif setting := _SETTING.fullmatch(line):
            _set(setting[2], _unquoted(setting[3]), state)
        elif entry := _ENTRY.fullmatch(line):
            yield _found(number, line, " ".join(entry[1].split()), _whom(number, entry[2], users=users), state)
            state.comments.clear()
        else:
            right = "write five fields and a command, @daily and a command, or NAME=value"
            raise InvalidSchedule(line.strip(), f"line {number}: this is no line of a crontab; {right}")


def _found(number: int, line: str, expression: str, whom: tuple[str, str], state: _State) -> Found:
    user, command_line = whom
    text, stdin = split(command_line)
    command = Command(text=text, stdin=stdin, environment=dict(state.environment))
    name = named(text, state.jobs)
    job = next((known for known, other in state.jobs.items() if other == command), name)
    state.jobs[name] = command
    written = {"name": name, "job": job, "cron": expression, "tz": state.zone, "description": _description(state)}
    is_boot = expression == "@reboot"
    return Found(
        line=number,
        source=(line.strip(),),
        name=name,
        job=job,
        row=None if is_boot else row.of(written),
        refused=_REBOOT if is_boot else "",
        notes=(f"as the user {user}: let a worker of this user run it, by a queue of its own",) if user else (),
        command=command,
    )


# --- lines -----------------------------------------------------------------------------


def _is_entry(line: str) -> bool:
    return _ENTRY.fullmatch(line) is not None


def _remark(text: str, state: _State) -> None:
    # An entry that was commented out ends what was said of it, and says nothing of the next.
    if _is_entry(text):
        state.comments.clear()
    elif not _NO_DESCRIPTION.fullmatch(text):
        state.comments.append(text)


def _description(state: _State) -> str | None:
    return " ".join(state.comments) or None


def _set(name: str, value: str, state: _State) -> None:
    state.comments.clear()
    if name == "CRON_TZ":
        state.zone = value or None
    elif name in _NOTES and value:
        state.notes[name] = _NOTES[name]
    elif name not in _OF_CRON:
        state.environment[name] = value


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


# --- the column of users -----------------------------------------------------------------


def _has_users(lines: Sequence[str]) -> bool:
    """Say whether a user clearly stands before each command; a command may look like a user, too."""
    rests = [entry[2] for line in lines if (entry := _ENTRY.fullmatch(line))]
    users = [user[1] if (user := _USER.fullmatch(rest)) else "" for rest in rests]
    if not users or not all(users):
        return False
    remarks = (line for line in lines if line.lstrip().startswith("#"))
    return any(user in _USERS for user in users) or any(map(_USER_HEADER.search, remarks))


def _whom(number: int, rest: str, *, users: bool) -> tuple[str, str]:
    if not users:
        return "", rest
    found = _USER.fullmatch(rest)
    if found is None:
        raise InvalidSchedule(rest, f"line {number}: in a system's crontab, a user stands before the command")
    return found[1], found[2]
