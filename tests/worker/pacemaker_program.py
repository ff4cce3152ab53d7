"""A worker whose jobs hold the interpreter's lock, or last; started by test_pacemaker.py."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from pathlib import Path

from mainspring import App
from mainspring.worker import Worker

app = App()
ORACLE = Path(os.environ["ORACLE"])
ALARMS: list[int] = []
#: The C library, whose calls keep the interpreter's lock.
HELD = ctypes.PyDLL(None)


def note(what: str) -> None:
    with ORACLE.open("a") as file:
        file.write(f"{what} {os.getpid()}\n")


@app.job(name="hog")
def hog(seconds: float) -> None:
    """Let no other thread run from its first word to its last, as one long call of C would."""
    until = time.monotonic() + seconds
    file = os.open(ORACLE, os.O_WRONLY | os.O_APPEND)
    sys.setswitchinterval(3600)
    HELD.write(file, b"start\n", 6)
    while (left := until - time.monotonic()) > 0:
        HELD.usleep(int(left * 1_000_000))
    HELD.write(file, b"done\n", 5)
    sys.setswitchinterval(0.005)
    os.close(file)


@app.job(name="last")
def last(seconds: float) -> None:
    note("start")
    threading.Event().wait(seconds)
    note("done")


@app.job(name="ring")
def ring() -> None:
    """Write into the alarm what a child would that gets a signal before it knows that it is a child."""
    os.write(ALARMS[-1], bytes([signal.SIGTERM]))
    note("rung")


@app.on("startup")
def prepare() -> None:
    """Start a thread, as an application's own libraries may: then the pacemaker cannot be forked."""
    if os.environ.get("THREADED"):
        threading.Thread(target=threading.Event().wait, daemon=True).start()


def noting(file: int, **options: bool) -> int:
    """Note where the alarm is: only the main thread could ask."""
    ALARMS.append(file)
    return set_wakeup_fd(file, **options)


set_wakeup_fd, signal.set_wakeup_fd = signal.set_wakeup_fd, noting

if __name__ == "__main__":
    sys.exit(Worker(app, 2, timeout=os.environ.get("TIMEOUT", "25s")).run())
