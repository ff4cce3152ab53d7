"""What the demo shows while it runs: one stream, each line marked with the process that wrote it."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO

ROUTINE_PER_SECOND = 2  # lines of each process; the rest of what went well is counted
_ROUTINE = re.compile(r"^\S+ ok\b")
_COLOURS = {
    "demo": "1",
    "web": "36",
    "board": "36",
    "clock": "33",
    "worker-1": "32",
    "worker-2": "34",
    "worker-3": "35",
}


class Screen:
    """A stream that several threads print on.

    Some thousand jobs go well within seconds: of those a sample is shown.  Whatever is
    out of the ordinary is shown, and all of it stands in the processes' log files.
    """

    def __init__(self, stream: TextIO = sys.stdout, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stream = stream
        self._coloured = stream.isatty() and "NO_COLOR" not in os.environ
        self._lock = threading.Lock()  # guards what follows, and keeps lines whole
        self._second = 0
        self._shown: Counter[str] = Counter()

    def say(self, text: str) -> None:
        """Print a line of the demo's own."""
        with self._lock:
            self._print("demo", text)

    def pass_on(self, name: str, line: str) -> None:
        """Print a line of the process *name*, unless it has shown enough of its kind this second."""
        with self._lock:
            if _ROUTINE.match(line) and not self._has_room(name):
                return
            self._print(name, line)

    def plain(self, text: str) -> None:
        """Print text as it is."""
        with self._lock:
            self._write(text)

    def _has_room(self, name: str) -> bool:
        second = int(self._clock())
        if second != self._second:
            for other, count in sorted(self._shown.items()):
                if count > ROUTINE_PER_SECOND:
                    self._print(other, f"... and {count - ROUTINE_PER_SECOND} more that went well")
            self._second, self._shown = second, Counter()
        self._shown[name] += 1
        return self._shown[name] <= ROUTINE_PER_SECOND

    def _print(self, name: str, text: str) -> None:
        mark = f"{name:<8} |"
        if self._coloured:
            mark = f"\x1b[{_COLOURS.get(name, '0')}m{mark}\x1b[0m"
        self._write(f"{mark} {text}")

    def _write(self, text: str) -> None:
        try:
            print(text, file=self._stream, flush=True)
        except BrokenPipeError:
            # Whoever looked has gone, as `head` does; the demo ends in order and tells by its exit code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
