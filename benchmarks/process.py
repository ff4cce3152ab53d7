"""A program under measurement: started, listened to, looked at from outside, ended."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_KEPT = 20


def clean_environment() -> dict[str, str]:
    """Return an environment in which our code is found, and its bytecode is kept as it is after an installation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}


class Silent(Exception):
    """A program did not say in time what it was started for."""


class Program:
    """One process; a context manager that ends it.

    Each line of its output that is a JSON object is an event; of all others the last are kept, to be shown if it fails.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=clean_environment() | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._other: deque[str] = deque(maxlen=_KEPT)
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def event(self, name: str, timeout: float) -> dict[str, Any]:
        """Wait for the event *name* and return it; others before it are dropped."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                found = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                found = None
            if found is None:
                raise Silent(f"no event {name!r} within {timeout} s; it said:\n{''.join(self._other)}")
            if found["event"] == name:
                return found

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def end(self, timeout: float = 30.0) -> None:
        """Ask the process to end with SIGTERM, and wait for it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout)

    def wait(self, timeout: float) -> None:
        """Wait until the process ends by itself."""
        self._process.wait(timeout)

    def rss(self, *, highest: bool = False) -> float:
        """Return its resident memory, or the highest that it ever was, in MB."""
        return _rss(self._process.pid, "VmHWM:" if highest else "VmRSS:")

    def children_rss(self) -> float:
        """Return the resident memory of its child processes, in MB; pages shared with it counted again."""
        return sum(_rss(pid, "VmRSS:") for pid in self.children())

    def cpu(self) -> float:
        """Return the seconds of CPU that it has used, user and system."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def children(self) -> list[int]:
        """Return the ids of its child processes."""
        tasks = Path(f"/proc/{self._process.pid}/task").iterdir()
        return [int(pid) for task in tasks for pid in (task / "children").read_text("ascii").split()]

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._events.put(json.loads(line))
            else:
                self._other.append(line)
        self._events.put(None)


def _rss(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1024
