"""A delivery: one job on its way through a worker."""

from __future__ import annotations

from mainspring.base.errors import InvalidPayload
from mainspring.base.payload import Payload
from mainspring.store.queues import Settlement


class Delivery:
    """One job that this process has fetched and not yet settled.

    Attributes:
        key: What tells it from every other delivery of its holder: queue and number.
        queue: The queue it came from.
        seq: Its number; greater at each delivery of the queue.
        raw: The payload as it was stored.
        holder: The identity under which it was fetched.
        payload: The job; None if it could not be read.
        problem: Why it could not be read; None if it could.
        received: When it was fetched, on the monotonic clock.
        started: When its slot took it, likewise; 0 before. Only its slot writes this.
        ended: When its run ended, likewise; 0 before. Only its slot writes this.
        settlement: What becomes of it; None for a plain success. Its slot writes this before it is finished.
        is_suspect: True if a process died before while it may have run.
        was_sent: True once an acknowledgement was sent, whether an answer came or not.
        is_given_up: True if it shall not be acknowledged: it was given back, or is not ours any more.
    """

    __slots__ = (
        "ended",
        "holder",
        "is_given_up",
        "is_suspect",
        "key",
        "payload",
        "problem",
        "queue",
        "raw",
        "received",
        "seq",
        "settlement",
        "started",
        "was_sent",
    )

    def __init__(
        self,
        queue: str,
        seq: int,
        raw: bytes,
        holder: str,
        received: float,
        payload: Payload | None,
        problem: InvalidPayload | None = None,
    ) -> None:
        """Make the record of a job that was just fetched."""
        self.key = (queue, seq)
        self.queue = queue
        self.seq = seq
        self.raw = raw
        self.holder = holder
        self.received = received
        self.payload = payload
        self.problem = problem
        self.started = 0.0
        self.ended = 0.0
        self.settlement: Settlement | None = None
        self.is_suspect = payload is not None and bool(payload.recovered)
        self.was_sent = False
        self.is_given_up = False

    @property
    def jid(self) -> str:
        """The job's id; empty if it could not be read."""
        return self.payload.jid if self.payload else ""
