"""The lease: whether this process may still believe that its jobs are its own."""

from __future__ import annotations

import os
import socket

from mainspring.base.timesource import TimeSource


class Lease:
    """This process's identity, and until when it has proved that it lives.

    Trust is counted from before a renewal was sent, on a clock that runs on while the
    machine sleeps: whoever looks from outside can only have seen a later moment.
    """

    def __init__(self, time: TimeSource, seconds: float) -> None:
        """Take an identity; it is not trusted before the first renewal.

        Args:
            time: The clocks.
            seconds: How long a renewal lasts.
        """
        self._time = time
        self._host = os.environ.get("DYNO") or socket.gethostname()
        self.seconds = seconds
        self.identity = self._new()
        self._trusted_until = 0.0  # only the heartbeat's thread writes this, and the identity

    def _new(self) -> str:
        return f"{self._host}:{os.getpid()}:{os.urandom(6).hex()}"

    @property
    def host(self) -> str:
        """The machine's name."""
        return self._host

    @property
    def ttl_ms(self) -> int:
        """How long a renewal lasts, in milliseconds."""
        return round(self.seconds * 1000)

    def holder(self, capsule: str) -> str:
        """Return the identity under which *capsule* holds jobs.

        Capsules may share a queue; were they one holder, each would take the other's jobs for strays.
        """
        return self.identity if capsule == "default" else f"{self.identity}.{capsule}"

    def renewed(self, sent_at: float) -> None:
        """Note that a renewal, sent at *sent_at* on the monotonic clock, was confirmed."""
        self._trusted_until = sent_at + self.seconds

    def begin_anew(self) -> None:
        """Take a new identity, because the old one was declared dead."""
        self._trusted_until = 0.0
        self.identity = self._new()

    def is_trusted(self, now: float) -> bool:
        """Return True if nobody can hold this process for dead at *now*, on the monotonic clock."""
        return now < self._trusted_until

    def covers(self, holder: str, now: float) -> bool:
        """Return True if jobs fetched under *holder* are still ours at *now*, on the monotonic clock."""
        return now < self._trusted_until and holder.startswith(self.identity)

    def is_lost(self, holder: str) -> bool:
        """Return True if jobs fetched under *holder* may have been given to another process."""
        return not self.covers(holder, self._time.monotonic())
