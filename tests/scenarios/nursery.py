"""A process that has the programs of scenarios imported, and forks one wherever a scenario starts a process.

A fork costs a tenth of what it costs to start Python and import everything, and hundreds are started. What is
forked has no thread, no App and no connection yet; it becomes a process of its own in all else: a session, an
environment, standard streams, and an end as an interpreter's.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
#: What can be forked: each has a function `main`, which takes settings and may return an exit code.
PROGRAMS = ("scenarios.program", "scenarios.contender")
#: What these import once they run.
_MORE = ("scenarios.more_jobs", "scenarios.process_jobs", "scenarios.mutants")


class Born:
    """A process that was forked, as its test has it: what `subprocess.Popen` offers, as far as it is used."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        """Watch the process *pid*, whose number stays its own until it is asked how it ended."""
        self._nursery = nursery
        self._file = os.pidfd_open(pid)
        self._lock = threading.Lock()
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None if it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit code."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._file, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and self._has_ended(timeout):
                self.returncode = self._nursery.ask(reap=self.pid)
                os.close(self._file)
            return self.returncode

    def _has_ended(self, timeout: float | None) -> bool:
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))


class Nursery:
    """The process that forks, as a test has it."""

    def __init__(self) -> None:
        """Start it; it ends with this one."""
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
        self._lock = threading.Lock()
        self._popen = subprocess.Popen(
            [sys.executable, __file__],
            env=os.environ | {"PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    def start(self, program: str, settings: Mapping[str, Any], env: Mapping[str, str], log: Path) -> Born:
        """Have a process forked that runs *program*, one of `PROGRAMS`; *log* takes what it prints."""
        pid = self.ask(program=program, settings=settings, env=dict(env), log=str(log))
        return Born(self, pid)

    def ask(self, **what: object) -> int:
        """Ask for a process or for how one ended."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        # Some scenarios start processes in a thread.
        with self._lock:
            self._popen.stdin.write(json.dumps(what).encode() + b"\n")
            self._popen.stdin.flush()
            answer = self._popen.stdout.readline()
        assert answer, "the nursery ended"
        return int(answer)

    def close(self) -> None:
        """End it."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.close()
        self._popen.stdout.close()
        self._popen.wait(10)


@cache
def nursery() -> Nursery:
    """Return this process's own, started when it is first asked for."""
    made = Nursery()
    atexit.register(made.close)
    return made


# --- the process -------------------------------------------------------------------


def serve() -> dict[str, Any]:
    """Fork and reap as asked until nobody asks any more; return in what was forked, with what it was asked for."""
    for line in sys.stdin.buffer:
        asked: dict[str, Any] = json.loads(line)
        if "reap" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["reap"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                return asked
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    sys.exit(0)


def become(asked: Mapping[str, Any]) -> None:
    """Take what a process has that was started as a program: a session, an environment, streams."""
    os.setsid()
    os.environ.clear()
    os.environ.update(asked["env"])
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(file, number)
    os.close(log)
    os.close(nothing)
    sys.argv = [asked["program"], json.dumps(asked["settings"])]
    # A job that forks or aborts must not take the test's terminal with it.
    threading.current_thread().name = "main"
    logging.raiseExceptions = False


def main() -> int | None:
    """Serve; in what was forked, run its program."""
    # The parent's own errors go there, and those of what it forks into their logs, unbuffered both.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(write_through=True)  # type: ignore[union-attr]
    loaded = {name: importlib.import_module(name) for name in (*_MORE, *PROGRAMS)}
    # What is there stays: a collection in a child would copy every page of it.
    gc.collect()
    gc.freeze()
    asked = serve()
    become(asked)
    code: int | None = loaded[asked["program"]].main(asked["settings"])
    return code


if __name__ == "__main__":
    sys.exit(main())
