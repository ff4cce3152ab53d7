"""The one base of all services: a loop in a thread, which no outage ends.

A service does one turn after the other, and says after each for how long nothing
will be due. Trouble is reported when it begins, when its reason turns out to be
another, and when it ends; in between the loop waits longer and longer, with jitter,
so that a crowd of processes does not hammer a server that comes back.
"""

from __future__ import annotations

import queue
import random
import threading
from typing import Final

from mainspring.base.errors import StoreError
from mainspring.base.loggers import Log
from mainspring.base.timesource import TimeSource

#: The first and the longest wait after an error, in seconds. The longest is short enough that a worker goes on within
#: five seconds of its store, though the store may take one to notice that it can, and a capsule one to look.
FIRST_WAIT: Final = 0.05
LONGEST_WAIT: Final = 3.0

#: The longest wait between two turns, whatever a turn says: a thread cannot wait for ever and a day.
LONGEST_PAUSE: Final = 86_400.0

#: Seconds by which the loop may wake late after a turn that another thread did.
_NEAR: Final = 0.05

_log: Final = Log("mainspring.service")


class Service:
    """A loop in a thread of its own. A service runs once.

    Attributes:
        name: What it is, for logs and the thread's name.
    """

    def __init__(self, name: str, *, rng: random.Random) -> None:
        """Make a service that has not started.

        Args:
            name: What it is, for logs and the thread's name.
            rng: The source of jitter.
        """
        self.name = name
        self._rng = rng
        # Its `put` is reentrant, so a signal handler may wake a service whose code it interrupted.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"mainspring-{name}", daemon=True)
        self._turning = threading.Lock()  # held by whoever does a turn
        self._clock = TimeSource().monotonic  # the machine's, whatever time a service is told: it sleeps by that
        self._until = float("inf")  # when the loop does a turn unasked, on the monotonic clock; under the lock
        self._stopping = False
        self._failures = 0  # only the loop writes this, and what follows
        self._reported: set[tuple[object, ...]] = set()

    def turn(self) -> float:
        """Do what is due, and return for how many seconds nothing will be."""
        raise NotImplementedError

    def end(self) -> None:
        """Do what is left when the loop has been told to stop; called in its thread."""

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def wake(self) -> None:
        """End the present wait; safe from any thread, and from a signal handler."""
        self._bell.put(None)

    def turn_here(self) -> None:
        """Do the next turn in the calling thread, which saves the time to wake the loop's.

        The loop goes on as if it had done it. If a turn is being done just now, the loop does the next.
        """
        if not self._stopping and self._turning.acquire(blocking=False):
            try:
                pause = self._safely()
                is_awake_in_time = self._clock() + pause >= self._until - _NEAR
            finally:
                self._turning.release()
            if is_awake_in_time:
                return
        self.wake()

    def stop(self) -> None:
        """Ask the loop to end; returns at once."""
        self._stopping = True
        self.wake()

    def join(self, timeout: float) -> bool:
        """Wait for the end at most *timeout* seconds; True if it has ended, or was never started."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """True once it was asked to stop."""
        return self._stopping

    def _run(self) -> None:
        while not self._stopping:
            with self._turning:
                pause = self._safely()
                self._until = self._clock() + pause
            if pause > 0 and not self._stopping:
                self._sleep(pause)
        with self._turning:
            self.end()

    def _safely(self) -> float:
        try:
            pause = self.turn()
        except Exception as error:  # noqa: BLE001 - the service loop: whatever happened, the next turn may succeed
            return self._failed(error)
        if self._failures:
            self._failures = 0
            self._reported.clear()
            self.recovered()
        return pause

    def _failed(self, error: Exception) -> float:
        self._failures += 1
        reason = _reason(error)
        if reason not in self._reported and not self._stopping:
            self._reported.add(reason)
            self.troubled(error)
        bound = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._failures, 10))
        return self._rng.uniform(FIRST_WAIT, bound)

    def troubled(self, error: Exception) -> None:
        """Report the first error of a row, and the first of each other reason in it."""
        facts = {"service": self.name, "error": {"type": type(error).__name__, "message": str(error)}}
        if isinstance(error, StoreError):
            _log.warning("%s: %s; trying again", self.name, error, extra={"event": "store.gone", "facts": facts})
        else:
            more = {"event": "service.error", "facts": facts}
            _log.error("%s failed; trying again", self.name, extra=more, error=error)

    def recovered(self) -> None:
        """Report the first success after errors."""
        _log.info("%s: works again", self.name, extra={"event": "store.back", "facts": {"service": self.name}})

    def _sleep(self, pause: float) -> None:
        try:
            self._bell.get(timeout=min(pause, LONGEST_PAUSE))
            while True:
                self._bell.get_nowait()
        except queue.Empty:
            return


def _reason(error: Exception) -> tuple[object, ...]:
    """Return what kind of trouble an error is: a call that was cut short says less than the next, which is refused."""
    return type(error), getattr(error, "applied", None), getattr(error, "code", None)
