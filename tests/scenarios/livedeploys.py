"""Deploys of real clocks: ``mainspring clock`` on two machines, restarted by TERM and by kill -9, side by side or not."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mainspring import App
from scenarios.deploys import Span
from scenarios.ticktally import Rows
from servers import Server
from support import until

ROOT = Path(__file__).parents[2]
MODULE = """
import json, os
from mainspring import App
from scenarios.timekeeper import define

app = App()
define(app, json.loads(os.environ["ROWS"]))
"""


class ClockProcess:
    """One ``mainspring clock``."""

    def __init__(self, machine: Machines, log: Path) -> None:
        """Start it."""
        self.log = log
        with log.open("wb") as out:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "mainspring", "clock", "-A", "story", "--log-format", "json"],
                env=machine.env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    @property
    def is_watching(self) -> bool:
        """Whether it has begun to watch; fails if it has ended before."""
        said = self.log.read_text("utf-8", "replace")
        assert self.popen.poll() is None, said[-3000:]
        return '"clock.watching"' in said

    def end(self, number: signal.Signals) -> int:
        """End it, and return its exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(30)


@dataclass
class Machines:
    """Two machines that are deployed to.

    Attributes:
        server: Their store.
        directory: For the code and the logs.
        entries: Their schedule.
        rng: What chance there is.
        env: The environment of their processes.
        gaps: When no clock lived, by the server's time, with the time that it took to start.
        deploys: How often both were restarted.
    """

    server: Server
    directory: Path
    entries: Rows
    rng: random.Random
    env: dict[str, str] = field(init=False)
    gaps: list[Span] = field(init=False, default_factory=list)
    deploys: int = 0
    _clocks: list[ClockProcess] = field(init=False, default_factory=list)
    _started: list[ClockProcess] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        (self.directory / "story.py").write_text(MODULE)
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests"), str(self.directory)])
        facts = {"ROWS": json.dumps([*self.entries]), "MAINSPRING_URL": self.server.url, "PYTHONPATH": paths}
        self.env = os.environ | facts
        self._app = App(self.server.url)

    @contextmanager
    def up(self) -> Iterator[None]:
        """Have a clock on each; leave none behind."""
        try:
            self._clocks = [self._start(), self._start()]
            self._until_watching()
            yield
        finally:
            for clock in self._started:
                clock.popen.kill()
                clock.popen.wait(10)
            self._app.close()

    def deploy(self) -> None:
        """Restart both: one after the other, with old and new side by side or not; or all at once, with none for a while."""
        self.deploys += 1
        self._app.queues["default"].pause()
        if self.deploys % 5 == 2:
            self._all_at_once()
        else:
            self._rolling()
        self._app.queues["default"].resume()

    def end(self) -> None:
        """End them as a supervisor does."""
        assert [clock.end(signal.SIGTERM) for clock in self._clocks] == [0, 0]

    def now(self) -> float:
        """Return the server's time."""
        seconds, microseconds = self.server.client.time()
        return float(seconds + microseconds / 1e6)

    def _rolling(self) -> None:
        for machine in range(2):
            old, has_new_first = self._clocks[machine], self.rng.random() < 0.5
            if has_new_first:
                self._clocks[machine] = self._start()
                self._until_watching()
            old.end(self._signal())
            if not has_new_first:
                self._clocks[machine] = self._start()
                self._until_watching()

    def _all_at_once(self) -> None:
        since = self.now()
        for clock in self._clocks:
            clock.end(self._signal())
        threading.Event().wait(self.rng.uniform(0, 1.5))
        self._clocks = [self._start(), self._start()]
        self._until_watching()
        self.gaps.append(Span(since, self.now()))

    def _signal(self) -> signal.Signals:
        return self.rng.choice([signal.SIGTERM, signal.SIGKILL])

    def _start(self) -> ClockProcess:
        clock = ClockProcess(self, self.directory / f"clock-{len(self._started)}.log")
        self._started.append(clock)
        return clock

    def _until_watching(self) -> None:
        until(lambda: all(clock.is_watching for clock in self._clocks), 60, every=0.02)
