"""The demo's processes: real ones, started, watched, killed and stopped like anybody's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from examples.admissions.screen import Screen


class Process:
    """One process of the office, whose output goes to the screen and into a file."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        ready: str,
        environment: Mapping[str, str],
        logs: Path,
        screen: Screen,
    ) -> None:
        """Start ``python -m ARGUMENTS``.

        Args:
            name: Its name on the screen, and its log file's.
            arguments: What stands after ``python -m``.
            ready: What it prints, among other things, when it is ready.
            environment: What it finds in its environment besides what is in ours.
            logs: The folder of its log file.
            screen: Where its lines are shown.
        """
        self.name = name
        self._ready = ready
        self._is_ready = threading.Event()
        self._screen = screen
        self._was_killed = self._was_told = False
        self._popen = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own: Ctrl-C is for the demo, which then stops the others in order.
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, args=(logs / f"{name}.log",), name=name, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def is_ready(self) -> bool:
        """Whether it has said that it is."""
        return self._is_ready.is_set()

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    @property
    def disorder(self) -> str | None:
        """What was wrong with its end; None if it still runs, was killed on purpose, or ended well when told to."""
        code = self._popen.poll()
        if code is None or self._was_killed or (self._was_told and code == 0):
            return None
        return f"{self.name} ended {'' if self._was_told else 'unasked '}with exit code {code}"

    def freeze(self) -> None:
        """Stop it where it stands."""
        self._popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._popen.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it as the kernel would for want of memory: it learns nothing of it."""
        self._was_killed = True
        self._popen.kill()
        self._popen.wait()

    def stop(self, patience: float) -> None:
        """Ask it to end, and wait; after *patience* seconds it is killed, which is a disorder."""
        if self.is_running:
            self._was_told = True
            self._popen.terminate()
            try:
                self._popen.wait(patience)
            except subprocess.TimeoutExpired:
                self._screen.say(f"{self.name} has not ended within {patience:.0f} s and is killed")
                self._popen.kill()
                self._popen.wait()
        self._reader.join(1)

    def _read(self, log: Path) -> None:
        pipe = self._popen.stdout
        if pipe is None:
            return
        with pipe, log.open("w") as file:
            for line in pipe:
                file.write(line)
                file.flush()
                self._screen.pass_on(self.name, line.rstrip("\n"))
                if self._ready in line:
                    self._is_ready.set()
