"""A witness beside the store: which jobs were pushed, begun and ended, in a file.

mainspring keeps its own books; the demo does not believe them.  Each process appends
one line for each event, with one write, so that a line is whole or absent even if the
process is killed, and the lines of many processes do not mix.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path


class Event(StrEnum):
    """What happened to a job."""

    PUSHED = "pushed"  # the store has acknowledged it
    STARTED = "started"
    DONE = "done"
    DISCARDED = "discarded"  # it said itself that it is not needed any more
    SNOOZED = "snoozed"  # it said itself that it shall run later
    FAILED = "failed"  # it raised; it will be retried, or is dead
    CUT = "cut"  # its worker stopped and put it back


SETTLED = frozenset({Event.DONE, Event.DISCARDED})


@dataclass(frozen=True, slots=True)
class Line:
    """One event.

    Attributes:
        at: When, in unix seconds.
        pid: The process that saw it.
        job: The job's name.
    """

    at: float
    pid: int
    event: Event
    jid: str
    job: str


class Ledger:
    """The file of events."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, event: Event, jid: str, job: str) -> None:
        """Append an event that happened in this process, now."""
        line = json.dumps(asdict(Line(time.time(), os.getpid(), event, jid, job))) + "\n"
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def read(self) -> list[Line]:
        """Return all events so far, in the order in which they were written."""
        if not self._path.exists():
            return []
        # A line may be on its way: what follows the last newline is for the next reading.
        whole, _, _ = self._path.read_text().rpartition("\n")
        return [_parse(line) for line in whole.splitlines()]


def in_hand(lines: Iterable[Line], pid: int) -> set[str]:
    """Return the jobs that the process *pid* has begun and not ended."""
    held: set[str] = set()
    for line in lines:
        if line.pid != pid or line.event is Event.PUSHED:
            continue
        if line.event is Event.STARTED:
            held.add(line.jid)
        else:
            held.discard(line.jid)
    return held


def _parse(line: str) -> Line:
    fields = json.loads(line)
    return Line(fields["at"], fields["pid"], Event(fields["event"]), fields["jid"], fields["job"])
