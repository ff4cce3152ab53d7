"""A small process beside the worker that keeps its lease alive, and sees its death.

A job may hold the interpreter's lock for minutes in one call of C (a large sort, a
regular expression, ``sum(range(10**10))``); then no thread of the worker can send a
heartbeat, and its jobs would be given to others while they run. This process has no
user code, so nothing holds it up. It renews the lease as long as the worker exists and
is not stopped; and when the worker is killed, it gives its jobs back at once, without
waiting for the lease to run out. And when the worker was told to end and cannot, because
no thread of it gets to run, it ends it.

It ends with the worker: their bond is a pipe, which the kernel closes when the worker is gone.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NoReturn

from mainspring.base.errors import StoreError
from mainspring.base.timesource import TimeSource
from mainspring.store import processes, queues
from mainspring.store.connection import Store
from mainspring.worker.recoverer import verdicts

#: How often the worker's existence is looked at, in seconds, should the pipe not tell.
WATCH: Final = 1.0

_COMMAND: Final = "from mainspring.worker.pacemaker import main; main()"
#: Seconds that a worker which was told twice to end gets to say that it does.
HURRY: Final = 3.0
_NEVER: Final = float("inf")
_ASSURANCE: Final = b"."
#: The most file descriptors that a fork looks at to close.
_MOST_FILES: Final = 65_536
_STOPPED: Final = frozenset("TtZX")


@dataclass(frozen=True, slots=True)
class Orders:
    """What the worker tells its pacemaker, anew whenever it changes.

    Attributes:
        url: The store's URL.
        prefix: Put in front of every key.
        holdings: Queue and holder, for each lease.
        ttl_ms: How long a renewal lasts.
        every: Seconds between two renewals.
        worker: The worker's process id.
        alarm: Where the number of each signal that the worker gets can be read; -1 if nowhere.
        patience: Seconds after a TERM or INT, or after these orders if they are others and one had come before,
            until the worker is ended by force.
    """

    url: str
    prefix: str
    holdings: Sequence[tuple[str, str]]
    ttl_ms: int
    every: float
    worker: int
    alarm: int = -1
    patience: float = _NEVER


class Pacemaker:
    """The worker's end of the bond."""

    def __init__(self) -> None:
        """Begin without a process."""
        self._process: Forked | Spawned | None = None

    def tell(self, orders: Orders) -> None:
        """Give orders, and start the process if it does not run; what goes wrong here is no trouble of the worker's."""
        try:
            if not self.is_running:
                self._process = _start(orders.alarm)
            self._send(json.dumps(asdict(orders)).encode() + b"\n")
        except OSError:
            self._process = None

    def assure(self) -> None:
        """Tell that the worker goes on: if an alarm was rung, it was not for the worker."""
        with suppress(OSError):
            self._send(_ASSURANCE + b"\n")

    @property
    def is_running(self) -> bool:
        """True if the process runs."""
        return self._process is not None and self._process.is_running()

    def stop(self) -> None:
        """End the process: the worker goes in peace."""
        if self._process is None:
            return
        with suppress(OSError):
            self._send(b"\n")
        self._process.end(2.0)
        self._process = None

    def _send(self, line: bytes) -> None:
        if self._process is not None:
            os.write(self._process.pipe, line)


def _start(alarm: int) -> Forked | Spawned:
    # A fork shares the worker's memory, and so costs next to none. But of a process with threads it copies the
    # locks that they hold, so then a new interpreter is started.
    return Forked(alarm) if threading.active_count() == 1 else Spawned(alarm)


class Forked:
    """A pacemaker that is a copy of the worker, made before it has threads."""

    def __init__(self, alarm: int = -1) -> None:
        """Fork; the child keeps *alarm* open."""
        theirs, self.pipe = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _child({theirs, alarm}, theirs)
        os.close(theirs)
        self._has_ended = False

    def is_running(self) -> bool:
        """Return True unless it has ended."""
        if not self._has_ended:
            self._has_ended = os.waitpid(self.pid, os.WNOHANG)[0] != 0
        return not self._has_ended

    def end(self, timeout: float) -> None:
        """Close the bond, and wait for the end; by force after *timeout* seconds."""
        os.close(self.pipe)
        deadline = TimeSource().monotonic() + timeout
        while self.is_running():
            if TimeSource().monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return
            TimeSource().sleep(0.005)


class Spawned:
    """A pacemaker that is an interpreter of its own."""

    def __init__(self, alarm: int = -1) -> None:
        """Start it; it keeps *alarm* open."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, and a constant
            [sys.executable, "-c", _COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
            pass_fds=() if alarm < 0 else (alarm,),
        )
        assert self._process.stdin is not None  # noqa: S101 - it was made with a pipe
        self._stdin = self._process.stdin
        self.pipe = self._stdin.fileno()

    def is_running(self) -> bool:
        """Return True unless it has ended."""
        return self._process.poll() is None

    def end(self, timeout: float) -> None:
        """Close the bond, and wait for the end; by force after *timeout* seconds."""
        self._stdin.close()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _child(kept: set[int], pipe: int) -> NoReturn:
    """Be the pacemaker, in a process that was just forked; what it has of the worker it lets alone."""
    try:
        os.setsid()
        # The worker's connections and files are the worker's; only the bond, the alarm and the standard error stay.
        bounds = [2, *sorted(kept - {-1}), min(os.sysconf("SC_OPEN_MAX"), _MOST_FILES)]
        for before, after in pairwise(bounds):
            os.closerange(before + 1, after)
        _keep(pipe)
    finally:
        os._exit(0)


def main() -> None:
    """Keep the lease of the worker that started this process, until it ends."""
    _keep(sys.stdin.fileno())


def _keep(pipe: int) -> None:
    # Ctrl-C and a supervisor's TERM reach the whole group; only the worker decides what they mean.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGTTIN):
        signal.signal(number, signal.SIG_IGN)
    _Watch(pipe, TimeSource()).run()


class _Watch:
    """The pacemaker's end of the bond."""

    def __init__(self, pipe: int, time: TimeSource) -> None:
        self._pipe = pipe
        self._time = time
        self._orders: Orders | None = None
        self._store: Store | None = None
        self._due = 0.0
        self._deadline = _NEVER
        self._buffer = b""

    def run(self) -> None:
        while self._listen():
            orders = self._orders
            if orders is None:
                continue
            if os.getppid() != orders.worker:
                self._give_back(orders)
                return
            if self._time.monotonic() >= self._deadline:
                self._end(orders)
                return
            if self._time.monotonic() >= self._due and not is_stopped(orders.worker):
                self._due = self._time.monotonic() + orders.every * random.uniform(0.8, 1.2)
                self._renew(orders)

    def _listen(self) -> bool:
        """Read orders and alarms if there are any; False if the bond is at its end."""
        alarm = -1 if self._orders is None else self._orders.alarm
        wait = min(max(self._deadline - self._time.monotonic(), 0.0), WATCH)
        ready = select.select([self._pipe, *([] if alarm < 0 else [alarm])], [], [], wait)[0]
        if self._pipe in ready and not self._read():
            return False
        if alarm in ready:
            self._alarmed(os.read(alarm, 4096))
        return True

    def _alarmed(self, numbers: bytes) -> None:
        """Note that the worker was told to end: it has its time for that."""
        assert self._orders is not None  # noqa: S101 - orders name the alarm
        for number in numbers:
            if self._deadline == _NEVER and number in {signal.SIGTERM, signal.SIGINT}:
                self._deadline = self._time.monotonic() + self._orders.patience
            elif number == signal.SIGINT:
                self._deadline = min(self._deadline, self._time.monotonic() + HURRY)

    def _read(self) -> bool:
        found = os.read(self._pipe, 65536)
        if not found:
            if self._orders is not None and self._is_orphan(self._orders.worker):
                self._give_back(self._orders)
            return False
        *lines, self._buffer = (self._buffer + found).split(b"\n")
        for line in lines:
            if not line:
                # The worker ends by itself, and gives back what it holds.
                return False
            if line == _ASSURANCE:
                self._deadline = _NEVER
            else:
                self._obey(Orders(**json.loads(line)))
        return True

    def _obey(self, orders: Orders) -> None:
        if self._orders and self._orders.patience != orders.patience and self._deadline < _NEVER:
            self._deadline = self._time.monotonic() + orders.patience
        self._orders = orders
        self._store = Store(orders.url, prefix=orders.prefix, name="mainspring-pacemaker")

    def _is_orphan(self, worker: int) -> bool:
        """Return True if the worker is dead: a job may also have closed the pipe of a worker that lives.

        The kernel closes a dead process's files a moment before it gives its children another parent.
        """
        deadline = self._time.monotonic() + WATCH
        while os.getppid() == worker:
            if self._time.monotonic() > deadline:
                return False
            self._time.sleep(0.005)
        return True

    def _renew(self, orders: Orders) -> None:
        assert self._store is not None  # noqa: S101 - orders bring a store
        try:
            self._store.pipeline([processes.beat(queue, holder, orders.ttl_ms) for queue, holder in orders.holdings])
        except StoreError:
            # The worker's own heartbeat meets the same trouble and reports it.
            self._due = self._time.monotonic() + WATCH

    def _end(self, orders: Orders) -> None:
        """Kill a worker that was told to end and cannot; that is no job's fault, so none is blamed."""
        os.kill(orders.worker, signal.SIGKILL)
        if self._is_orphan(orders.worker):
            self._give_back(orders, blames=False)

    def _give_back(self, orders: Orders, *, blames: bool = True) -> None:
        """Declare the worker dead: the kernel has said so, so neither lease nor grace counts."""
        assert self._store is not None  # noqa: S101 - orders bring a store
        now, count = self._time.now(), 0
        try:
            for queue, holder in orders.holdings:
                held = self._store.run(queues.inflight(queue, holder))
                changes = verdicts(held, now) if blames else []
                call = processes.reclaim(queue, holder, grace_ms=0, now=now, changes=changes, certain=True)
                count += self._store.run(call)
            self._store.pipeline(processes.hide(orders.holdings[0][1]))
        except StoreError:
            # Others find it dead when its lease has run out.
            return
        why = "was killed" if blames else "was told to end and could not, so it was killed"
        sys.stderr.write(f"mainspring: worker {orders.worker} {why}; gave back {count} jobs\n")


def is_stopped(pid: int) -> bool:
    """Return True if the process *pid* is stopped or dead, so that nothing of it runs."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return not Path("/proc/self").exists()
    return status.rpartition(")")[2].split()[0] in _STOPPED
