"""A process that has everything imported, and forks another for each line: how scenarios start processes by the dozen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from scenarios import program

ROOT = Path(__file__).parents[2]


class Mother:
    """The process, as a test has it; a context manager that ends it and all that it forked."""

    def __init__(self, file: str, settings: Mapping[str, Any], log: Path, env: Mapping[str, str] | None = None) -> None:
        """Start *file* as a program that calls `serve`.

        Args:
            file: The program.
            settings: What it is given, as JSON.
            log: Where its errors go, and those of all that it forks.
            env: More of the environment.
        """
        self._log = log
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
        with log.open("ab") as errors:
            self._popen = subprocess.Popen(
                [sys.executable, file, json.dumps(settings)],
                env=os.environ | {"PYTHONPATH": paths} | dict(env or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                text=True,
            )

    def __enter__(self) -> Self:
        """Wait until it can fork."""
        self.ask("ready")
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait(10)
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()

    def ask(self, line: str) -> int:
        """Have a process forked for *line*, and return its id; 0 for ``ready``, which makes none."""
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._popen.stdin.write(f"{line}\n")
        self._popen.stdin.flush()
        answer = self._popen.stdout.readline()
        assert answer, f"it ended:\n{self._log.read_text()[-3000:]}"
        return int(answer)


def serve(mutant: str, child: Callable[[str], object], prepare: Callable[[], object] = lambda: None) -> None:
    """Fork a process for each line but ``ready``, which runs *child* with it; until there is no more.

    Args:
        mutant: A fault to put into each process; see `mutants`.
        child: What a process does.
        prepare: What is done once, before the first fork.
    """
    # Nobody asks how they ended.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    program._spoil(mutant)
    prepare()
    for line in map(str.strip, sys.stdin):
        pid = 0 if line == "ready" else os.fork()
        if pid == 0 and line != "ready":
            try:
                child(line)
            finally:
                os._exit(1)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
