"""One trial: a lone worker is killed while it runs a job, and a fresh one is started at once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.peers.family import Family
from benchmarks.process import Silent
from benchmarks.recovery.subjects import Subject
from benchmarks.server import Missing, Server

AGAIN: Final = "runs again"
FAILED: Final = "marked as failed"
KEPT: Final = "kept, and not run"
LOST: Final = "lost"

_LOOK = 1.0


@dataclass(frozen=True)
class Outcome:
    """What became of the job, and how many seconds after the kill; what is kept or lost was so to the end."""

    kind: str
    seconds: float


class Doomed(Family):
    """A worker that will be killed."""

    def crash(self, *, with_children: bool) -> float:
        """Kill it with -9, and return when by the monotonic clock.

        All its processes are stopped before the first dies, so that none sees another's death.
        """
        doomed = self._members() if with_children else [self._process.pid]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in doomed:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        at = time.monotonic()
        self._process.wait(30)
        return at

    def check(self) -> None:
        """Raise Silent if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise Silent(f"the fresh worker ended with {code}; it said:\n{''.join(self._other)}")


def trial(
    subject: Subject, programs: Path | None, limit: float, rng: random.Random, gate: AbstractContextManager[object]
) -> Outcome:
    """Run one trial on a server of its own.

    Args:
        subject: Who is killed.
        programs: The directory of its environment's programs; None if it runs in ours.
        limit: Seconds after which nobody waits any more.
        rng: The source of chance: the kill falls anywhere between the beats of the worker's heart.
        gate: Held while server and worker start, before anything is measured, lest many starts delay each other.

    Raises:
        Silent: If the job does not even start, or the fresh worker does not run.
        Missing: If there is no such program.
    """
    with ExitStack() as stack:
        with gate:
            server = stack.enter_context(Server())
            environment = dict(subject.environment) | {"BENCH_URL": server.url, "REDIS_URL": server.url}
            _push(_command(subject.push, programs, server), environment)
            command = _command(subject.command, programs, server)
            first = stack.enter_context(_start(command, environment))
            first.event("started", timeout=90)
        time.sleep(rng.uniform(1, 6))
        killed = first.crash(with_children=subject.kills_all)
        second = stack.enter_context(_start(command, environment))
        return _watch(subject, server, second, killed, limit)


def _start(command: list[str], environment: Mapping[str, str]) -> Doomed:
    try:
        return Doomed(command, environment)
    except FileNotFoundError as error:
        raise Missing(f"there is no {command[0]} here") from error


def _command(words: tuple[str, ...], programs: Path | None, server: Server) -> list[str]:
    program, *arguments = [word.format(url=server.url) for word in words]
    return [str(programs / program) if programs else program, *arguments]


def _push(command: list[str], environment: Mapping[str, str]) -> None:
    with Family(command, environment) as program:
        program.wait(60)


def _watch(subject: Subject, server: Server, worker: Doomed, killed: float, limit: float) -> Outcome:
    """Wait until the job runs again, or is marked as failed, or nobody waits any more."""
    while (passed := time.monotonic() - killed) < limit:
        with suppress(Silent):
            return Outcome(AGAIN, worker.event("started", timeout=_LOOK)["at"] - killed)
        worker.check()
        if subject.marks_failed(server.client):
            return Outcome(FAILED, passed)
    return Outcome(KEPT if subject.holds(server.client) else LOST, limit)
