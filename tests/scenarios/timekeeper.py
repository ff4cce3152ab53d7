"""Clock processes that scenarios start and kill by the dozen: forks of one process that has everything imported.

Run as a program it reads lines: ``start`` makes one more clock and prints its process id. Each clock
appends a line to the oracle when it has begun to watch, and ends at SIGTERM.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from mainspring import App
from mainspring.clock import Clock
from scenarios import program
from scenarios.mother import Mother, serve
from support import until


def define(app: App, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write *rows* into the schedule of *app*: ``every`` or ``cron``, ``name``, and options of an entry."""
    job = app.job(name="work")(_work)
    for row in rows:
        options = {key: value for key, value in row.items() if key not in {"every", "cron"}}
        if "cron" in row:
            app.cron(row["cron"], job, **options)
        else:
            app.every(row["every"], job, **options)


def _work() -> None:
    """Do nothing."""


class Nursery:
    """Starts clocks within a few milliseconds, and ends all of them at last."""

    def __init__(
        self,
        url: str,
        directory: Path,
        rows: Sequence[Mapping[str, Any]],
        *,
        mutant: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start the process that will fork.

        Args:
            url: The store.
            directory: For the oracle and the log.
            rows: The entries, as `define` reads them.
            mutant: A fault to put into the clocks; see `mutants`.
            env: More of the environment.
        """
        self.oracle = directory / "clocks"
        self.oracle.touch()
        settings = {"url": url, "oracle": str(self.oracle), "rows": [*rows], "mutant": mutant}
        self._mother = Mother(__file__, settings, directory / "clocks.log", env)
        self.alive: list[int] = []

    def __enter__(self) -> Self:
        """Wait until clocks can be started."""
        self._mother.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self._mother.__exit__()

    def start(self) -> int:
        """Start a clock, and return its process id."""
        pid = self._mother.ask("start")
        self.alive.append(pid)
        return pid

    def end(self, pid: int, number: signal.Signals = signal.SIGKILL) -> None:
        """End a clock, with -9 unless another signal is given."""
        self.alive.remove(pid)
        os.kill(pid, number)

    def end_all(self) -> None:
        """End all clocks, and return when they are gone."""
        ended = [*self.alive]
        for pid in ended:
            self.end(pid)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in ended), 15)

    def watching(self) -> set[int]:
        """Return the ids of the clocks that have begun to watch."""
        lines = self.oracle.read_text().splitlines()
        return {found["pid"] for found in map(json.loads, lines) if found["event"] == "watching"}


# --- the process -----------------------------------------------------------------------


def main(settings: dict[str, Any]) -> None:
    """Fork a clock for each line, until there is no more."""
    app = App(settings["url"])
    serve(settings["mutant"], lambda _: _run(app, settings["oracle"]), lambda: define(app, settings["rows"]))


def _run(app: App, oracle: str) -> None:
    """Be a clock until SIGTERM."""
    clock = Clock(app)
    clock.became = lambda state: program.append(oracle, {"event": state, "pid": os.getpid()})
    signal.signal(signal.SIGTERM, lambda *_: clock.stop())
    try:
        clock.run()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
