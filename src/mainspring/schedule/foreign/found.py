"""What was found in another system's schedule, and what becomes of it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from mainspring.schedule.row import Row

Format: TypeAlias = Literal["crontab", "system-crontab", "sidekiq-cron", "sidekiq-scheduler"]

#: The formats that can be read; a system's crontab has a column of users.
FORMATS: tuple[str, ...] = get_args(Format)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command line as cron runs it.

    Attributes:
        text: What the shell gets.
        stdin: What the command reads.
        environment: What the crontab sets.
    """

    text: str
    stdin: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One entry of another system.

    Attributes:
        line: Where it begins in the file, from 1.
        source: Its lines, as they stand there.
        name: Its name.
        job: The name of the job it enqueues.
        row: The same entry here; None if there is none.
        refused: Why there is none.
        notes: What is lost on the way, each with the way out.
        command: What the job runs, if that is known.
    """

    line: int
    source: tuple[str, ...]
    name: str
    job: str
    row: Row | None = None
    refused: str = ""
    notes: tuple[str, ...] = ()
    command: Command | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All of a file.

    Attributes:
        format: What it is.
        entries: In the file's order.
        notes: What is lost of the file as a whole, each with the way out.
    """

    format: Format
    entries: tuple[Found, ...]
    notes: tuple[str, ...] = ()
