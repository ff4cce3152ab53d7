"""Turns signals into words on a queue, which the main thread waits at; and dumps stacks.

A handler runs between two bytecodes of whatever the main thread does, so it does next
to nothing: it puts the signal's name into a queue whose ``put`` is reentrant.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any, Final, NoReturn

from mainspring.base.loggers import Log

_log: Final = Log("mainspring.worker")

#: Seconds after which a thread that computes lets another run, at the end.
_HASTE: Final = 0.0001

#: Seconds that the main thread waits at a time. What comes right before it begins, or reaches another thread, does not
#: end its wait, and Python calls the handler when it is over.
_LOOK: Final = 0.5

HANDLED: Final = ("TSTP", "TERM", "INT", "TTIN")


class Signals:
    """The signals of one process, in the order in which they came."""

    def __init__(self) -> None:
        """Begin with none; nothing is handled before `listen`."""
        self._came: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen(self) -> None:
        """Handle TSTP, TERM, INT and TTIN in this process. Only its main thread may call this."""
        for name in HANDLED:
            signal.signal(getattr(signal, f"SIG{name}"), self._handle)

    @staticmethod
    def alarm() -> int:
        """Return where the number of each signal can be read although no thread of Python gets to run.

        The lowest part of a handler, in C, writes it there. Only the main thread may call this.
        """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        # A child that a job forks would ring it too, with the signals that it gets.
        os.register_at_fork(after_in_child=_without_alarm)
        return reading

    def send(self, name: str) -> None:
        """Act as if the signal *name* had come; for those sent through the store."""
        self._came.put(name)

    def next(self, timeout: float | None = None) -> str | None:
        """Return the name of the next signal, without ``SIG``; None if none comes within *timeout* seconds."""
        while True:
            try:
                return self._came.get(timeout=_LOOK if timeout is None else timeout)
            except queue.Empty:
                if timeout is not None:
                    return None

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._came.put(signal.Signals(number).name.removeprefix("SIG"))


def _without_alarm() -> None:
    with suppress(ValueError):
        signal.set_wakeup_fd(-1)


def end_now(code: int, last: Callable[[], object]) -> NoReturn:
    """End this process although threads run that cannot be ended.

    What they hold, such as the lock of a log's handler, or a closed standard output, must not prevent it.

    Args:
        code: The exit code.
        last: Called when nothing but the end is left to do.
    """
    flushing = threading.Thread(target=_flush, name="mainspring-flush", daemon=True)
    flushing.start()
    flushing.join(1.0)
    # Threads that compute must not keep this one waiting between its last act and the end.
    sys.setswitchinterval(_HASTE)
    try:
        last()
    finally:
        os._exit(code)


def _flush() -> None:
    logging.shutdown()
    # A job may have put anything in the place of the standard output, closed it, or filled its disk.
    with suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()


def dump_stacks(tasks: Iterable[Any] = ()) -> None:
    """Write the stack of each thread, and of each of *tasks*, to the log."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():  # noqa: SLF001 - its documented name
        _say(names.get(ident, str(ident)), traceback.format_stack(frame))
    for task in tasks:
        lines = [line for frame in awaited(task.get_coro()) for line in traceback.format_stack(frame, limit=1)]
        _say(f"task {task.get_name()}", lines)


def awaited(coroutine: object) -> Iterator[FrameType]:
    """Yield the frames of a coroutine and of those that it awaits; a task's own stack ends at the first."""
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        yield frame
        coroutine = getattr(coroutine, "cr_await", None)


def _say(name: str, lines: list[str]) -> None:
    facts = {"thread": name, "stack": "".join(lines)}
    _log.info("%s\n%s", name, "".join(lines), extra={"event": "process.stacks", "facts": facts})
