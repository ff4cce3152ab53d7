"""Ends a run that takes longer than it may, in a thread or on an event loop.

Neither can be killed. Into a thread an exception is raised at its next bytecode, and a
task is cancelled; what heeds neither within a grace is left to itself: its job has
failed, its slot goes to another, and what it says when it returns counts no more.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Final

from mainspring.base.ends import JobTimeout
from mainspring.base.loggers import Log
from mainspring.worker.deadlines import Deadlines
from mainspring.worker.delivery import Delivery
from mainspring.worker.signals import awaited

if TYPE_CHECKING:
    import asyncio

_log: Final = Log("mainspring.job")
_raise_in_thread: Final = ctypes.pythonapi.PyThreadState_SetAsyncExc
#: The most frames of a stack that are kept.
_DEEPEST: Final = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends runs that take too long.

    Attributes:
        deadlines: Rings when the time of a run in a thread is up.
        grace: Seconds that a run gets to end once it was told.
        left: Called with a delivery that has not, and with what settles it: its slot goes to another.
    """

    deadlines: Deadlines
    grace: float
    left: Callable[[Delivery, Callable[[], None]], None]


class SlotLeft(BaseException):
    """Raised in a thread that has outlived its slot, so that it ends."""


class ThreadWatch:
    """A time limit of the run in this thread.

    Attributes:
        has_rung: True once the time was up.
        is_left: True once the run was left to itself.
    """

    __slots__ = ("_grace", "_ident", "_is_open", "_leave", "_lock", "has_rung", "is_left", "tick")

    def __init__(self, grace: float, leave: Callable[[], None]) -> None:
        """Watch the run that begins in this thread.

        Args:
            grace: Seconds that it gets to end once it was told.
            leave: Called, in another thread, when it has not.
        """
        self._ident = ctypes.c_ulong(threading.get_ident())
        self._grace = grace
        self._leave = leave
        self._lock = threading.Lock()
        self._is_open = True
        self.has_rung = self.is_left = False
        self.tick = 0

    def ring(self) -> float:
        """Raise `JobTimeout` in the run; at the second time, leave it."""
        # Under the lock the run cannot end: whatever its thread did next would get the exception.
        with self._lock:
            if not self._is_open:
                return 0.0
            _raise_in_thread(self._ident, ctypes.py_object(JobTimeout))
            if not self.has_rung:
                self.has_rung = True
                return self._grace
            self._is_open, self.is_left = False, True
        self._leave()
        return 0.0

    def close(self) -> None:
        """Note that the run has ended: from here on nothing is raised in this thread."""
        with self._lock:
            self._is_open = False
            if self.has_rung:
                # It may be on its way still.
                _raise_in_thread(self._ident, None)


class TaskWatch:
    """A time limit of the run in this task.

    Attributes:
        task: The task.
    """

    __slots__ = ("_grace", "_handle", "_has_rung", "_is_left", "_leave", "_loop", "_seconds", "task")

    def __init__(self, seconds: float, grace: float, leave: Callable[[], None]) -> None:
        """Watch the run that begins in this task; the loop keeps the time.

        Args:
            seconds: How long it may take.
            grace: Seconds that it gets to end once it was told.
            leave: Called on the loop when it has not.
        """
        import asyncio

        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a run on a loop is a task
        self.task: asyncio.Task[Any] = task
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._grace = grace
        self._leave = leave
        self._has_rung = self._is_left = False
        self._handle = self._loop.call_later(seconds, self._ring)

    def _ring(self) -> None:
        self._has_rung = True
        self.task.cancel()
        self._handle = self._loop.call_later(self._grace, self._overdue)

    def _overdue(self) -> None:
        self._is_left = True
        self._leave()

    def close(self) -> bool:
        """Note that the run has ended; False if it was left to itself before, so that nobody awaits it."""
        self._handle.cancel()
        return not self._is_left

    def named(self, error: BaseException) -> BaseException:
        """Return what the run has failed with, if *error* came out of it."""
        if self._has_rung and type(error).__name__ == "CancelledError":
            return JobTimeout(self._seconds).with_traceback(error.__traceback__)
        return error


def overdue(delivery: Delivery, seconds: float, grace: float, stack: Sequence[FrameType]) -> JobTimeout:
    """Report a run that does not end, and return the error with which its job has failed.

    Args:
        delivery: The job.
        seconds: How long it might take.
        grace: Seconds that it got to end.
        stack: Where it is, outermost first.
    """
    trace = traced(stack)
    error = JobTimeout(seconds).with_traceback(trace)
    facts: dict[str, Any] = {"jid": delivery.jid, "queue": delivery.queue, "timeout": seconds, "stack": _lines(stack)}
    if delivery.payload is not None:
        facts["class"] = delivery.payload.name
    _log.error(
        "%s was told to end after %g s and goes on; its job has failed, and its slot is replaced\n%s",
        delivery.jid,
        seconds + grace,
        facts["stack"],
        extra={"event": "job.stuck", "facts": facts},
    )
    return error


def _lines(stack: Sequence[FrameType]) -> str:
    return "\n".join(f"  {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}" for frame in stack)


def thread_stack(ident: int) -> list[FrameType]:
    """Return where a thread is, outermost first; nothing if it has ended."""
    frames: list[FrameType] = []
    frame = sys._current_frames().get(ident)  # noqa: SLF001 - its documented name
    while frame is not None and len(frames) < _DEEPEST:
        frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def task_stack(task: asyncio.Task[Any]) -> list[FrameType]:
    """Return where a task is, outermost first."""
    return list(awaited(task.get_coro()))[:_DEEPEST]


def traced(stack: Sequence[FrameType]) -> TracebackType | None:
    """Return the traceback of an error that would be raised where *stack* is."""
    trace: TracebackType | None = None
    for frame in reversed(stack):
        trace = TracebackType(trace, frame, max(frame.f_lasti, 0), frame.f_lineno or 0)
    return trace
