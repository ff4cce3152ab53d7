"""A program under measurement and all the processes that it starts, which count as one."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from benchmarks.process import Program

_TICKS = os.sysconf("SC_CLK_TCK")


class Family(Program):
    """A program whose children are weighed with it, and end with it."""

    def __exit__(self, *_: object) -> None:
        members = self._members()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        super().__exit__()

    def cpu(self) -> float:
        """Return the seconds of CPU that all have used, those that have ended included."""
        return sum(_cpu(pid) for pid in self._members())

    def rss(self, *, highest: bool = False) -> float:
        """Return the resident memory of all, or the sum of what each had at most, in MB."""
        field = "VmHWM:" if highest else "VmRSS:"
        return sum(_status(pid, field) for pid in self._members()) / 1024

    def _members(self) -> list[int]:
        members = [self._process.pid]
        for pid in members:
            with suppress(FileNotFoundError, ProcessLookupError):
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    members.extend(int(child) for child in (thread / "children").read_text("ascii").split())
        return members


def _cpu(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS
    return 0.0


def _status(pid: int, field: str) -> int:
    with suppress(FileNotFoundError, ProcessLookupError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith(field)).split()[1])
    return 0
