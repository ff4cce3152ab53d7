"""The demo: an office at work, a worker killed in the midst of it, and the account at the end."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from examples.admissions import evidence, rules, table, watch
from examples.admissions.clock import app
from examples.admissions.jobs import nightly_report, settings, sweep_due
from examples.admissions.ledger import SETTLED, Ledger, in_hand
from examples.admissions.processes import Process
from examples.admissions.screen import Screen
from mainspring.cli import web

BOOT = 20.0  # seconds in which all processes are ready
UNTIL_KILL = 10.0  # seconds, where the demo runs until Ctrl-C
DRAIN = 25.0  # seconds without the end of a job, after which the rest is left
LONGEST = 120.0  # seconds for all the rest, on a machine that has much else to do
PATIENCE = 30.0  # seconds for a process to end; a worker takes up to 25 for what it runs

CLOCK = ("mainspring", "clock", "-A", "examples.admissions.clock", "--log-format", "human")
WORKER = (
    *("mainspring", "worker", "-A", "examples.admissions.clock", "-c", "5", "--log-format", "human"),
    *("-q", "default,4", "-q", "mail,2", "-q", "index,1"),
)
DESK = ("examples.admissions.desk",)
BOARD = ("mainspring", "web", "-A", "examples.admissions.clock", "--log-format", "human", "--environment", "demo")

# By default the jobs of a machine that vanished come back within 65 s; the demo has no time for that.
TIMING = {
    "MAINSPRING_BEAT": "1s",
    "MAINSPRING_LEASE": "5s",
    "MAINSPRING_SWEEP": "1s",
    "MAINSPRING_GRACE": "2s",
}


@dataclass(slots=True)
class Day:
    """What is known of the day so far.

    Attributes:
        victim: The process that was killed; None as long as none was.
        killed_at: When, in unix seconds.
        clock_stopped_at: When the clock was told to stop.
        closed_at: The deadlines up to here are acted upon.
    """

    victim: Process | None = None
    killed_at: float = 0.0
    clock_stopped_at: float = 0.0
    closed_at: float = 0.0


class Demo:
    """One run of the office, from opening to account."""

    def __init__(self, screen: Screen, closing: threading.Event) -> None:
        """Prepare.

        Args:
            screen: Where it tells what happens.
            closing: Set by whoever wants the office to close.
        """
        self._screen = screen
        self._closing = closing
        self._ledger = Ledger(settings.ledger)
        self._processes: list[Process] = []

    def run(self, seconds: float | None) -> bool:
        """Open the office, close it after *seconds* or when told to, and say whether every rule holds."""
        day = Day()
        try:
            clock, desk, _, second = self._open()
            self._work(UNTIL_KILL if seconds is None else seconds / 2)
            if not self._closing.is_set():
                self._kill(second, day)
                self._work(math.inf if seconds is None else seconds / 2)
            self._close(clock, desk, day)
            return self._account(day)
        finally:
            for process in self._processes:
                if process.is_running:
                    process.kill()

    def _open(self) -> tuple[Process, Process, Process, Process]:
        # Our share in the embedded server keeps it up until the account is made.
        app.queues.states()
        opened = (
            self._start("clock", CLOCK),
            self._start("web", DESK, ready="opened"),
            self._start("worker-1", WORKER),
            self._start("worker-2", WORKER),
        )
        if web.is_able():
            port = web.free_port()
            self._screen.say(f"watch it in a browser: http://127.0.0.1:{port}/")
            self._start("board", (*BOARD, "--port", str(port)))
        _wait(lambda: all(process.is_ready for process in opened) or bool(self._disorders()), BOOT)
        return opened

    def _start(self, name: str, arguments: tuple[str, ...], ready: str = "ready") -> Process:
        process = Process(name, arguments, ready=ready, environment=TIMING, logs=settings.logs, screen=self._screen)
        self._processes.append(process)
        return process

    def _work(self, seconds: float) -> None:
        """Let the office work; if a process ends unasked, close."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._closing.wait(0.25):
            if self._disorders():
                self._closing.set()

    def _disorders(self) -> tuple[str, ...]:
        return tuple(disorder for process in self._processes if (disorder := process.disorder) is not None)

    def _kill(self, victim: Process, day: Day) -> None:
        """Kill a worker that has jobs in hand, and start another in its place."""

        def catch_in_the_act() -> bool:
            # Frozen first: what the ledger says of it then stays true until it is dead.
            victim.freeze()
            if in_hand(self._ledger.read(), victim.pid):
                return True
            victim.thaw()
            return False

        _wait(catch_in_the_act, 3.0)
        held = in_hand(self._ledger.read(), victim.pid)
        victim.kill()
        day.victim, day.killed_at = victim, time.time()
        self._screen.say(f"killed {victim.name} (pid {victim.pid}) with -9, {len(held)} jobs in hand; starting another")
        self._start("worker-3", WORKER)

    def _close(self, clock: Process, desk: Process, day: Day) -> None:
        """Take nothing new, and let the workers finish."""
        self._screen.say("closing: no new applicants, no more ticks; the workers finish what there is")
        desk.stop(PATIENCE)
        day.clock_stopped_at = time.time()
        clock.stop(PATIENCE)
        day.closed_at = time.time()
        sweep_due.enqueue()
        nightly_report.enqueue()
        self._drain()
        for process in self._processes:
            process.stop(PATIENCE)

    def _drain(self) -> None:
        """Wait until all jobs are done, or nobody is left to do them, or those who are left do nothing."""
        start = latest = time.monotonic()
        ended = 0
        while any(process.is_running for process in self._processes if process.name.startswith("worker")):
            lines, now = self._ledger.read(), time.monotonic()
            if watch.is_idle(app, lines):
                return
            count = sum(line.event in SETTLED for line in lines)
            ended, latest = count, now if count > ended else latest
            if now > min(latest + DRAIN, start + LONGEST):
                self._screen.say("the workers do not finish; there are still jobs in the store")
                return
            time.sleep(0.25)

    def _account(self, day: Day) -> bool:
        """Print the table and the check; say whether every rule holds."""
        lines = self._ledger.read()
        found = evidence.gather(
            settings,
            watch.look(app, lines, clock_stopped_at=day.clock_stopped_at),
            closed_at=day.closed_at,
            victims=frozenset() if day.victim is None else frozenset({day.victim.pid}),
            disorders=self._disorders(),
        )
        recovery = table.NOBODY if day.victim is None else table.recovery(lines, day.victim.pid, day.killed_at)
        judged = rules.judge(found)
        rows = [table.COLUMNS, *table.jobs(found, recovery.jids)]
        told = ["", *table.aligned(rows), "", *table.office(found, recovery), "", *table.check(judged)]
        self._screen.plain("\n".join(told))
        return not any(judged.values())


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Look four times a second whether *condition* holds; return False if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.25)
    return True
