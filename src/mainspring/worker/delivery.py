"""A delivery: one job on its way through a worker."""

from __future__ import annotations

import msgspec

from mainspring.base.errors import InvalidPayload
from mainspring.base.flow import Flow
from mainspring.base.payload import Payload
from mainspring.store.queues import Settlement
from mainspring.store.ties import Trace


class Delivery(msgspec.Struct, gc=False, eq=False):
    """One job that this process has fetched and not yet settled.

    There may be thousands at a time, so they are made in C; and they have no cycles, so Python's
    collector need not visit them.

    Attributes:
        queue: The queue it came from.
        seq: Its number; greater at each delivery of the queue.
        raw: The payload as it was stored.
        holder: The identity under which it was fetched.
        payload: The job; None if it could not be read.
        problem: Why it could not be read; None if it could.
        received: When it was fetched, on the monotonic clock.
        started: When its slot took it, likewise; 0 before. Only its slot writes this.
        ended: When its run ended, likewise; 0 before. Only its slot writes this.
        settlement: What becomes of it; None for a success of which nothing is to be said but what hangs on it. Its slot
            writes this before it is finished.
        is_suspect: True if a process died before while it may have run.
        runs_in: Where it must run, if that is no thread: ``async`` or ``process``; else empty.
        was_sent: True once an acknowledgement was sent, whether an answer came or not.
        is_given_up: True if it shall not be acknowledged: it was given back, or is not ours any more.
        is_gone: True if the store has moved it elsewhere in the meantime, so that nothing is to be acknowledged.
        flow: What it carries of flow control; None for a plain job. Its slot reads it.
        trace: What is kept of its run for people; None of most that go well. Its slot writes this, as the settlement.
        kind: Of the plain successes of one job one and the same; None of all else, and of what ran elsewhere.
    """

    queue: str
    seq: int
    raw: bytes
    holder: str
    received: float
    payload: Payload | None = None
    problem: InvalidPayload | None = None
    is_suspect: bool = False
    runs_in: str = ""
    started: float = 0.0
    ended: float = 0.0
    settlement: Settlement | None = None
    was_sent: bool = False
    is_given_up: bool = False
    is_gone: bool = False
    flow: Flow | None = None
    trace: Trace | None = None
    kind: object = None

    @property
    def name(self) -> str:
        """The job's name; empty if it could not be read."""
        return self.payload.name if self.payload else ""

    @property
    def jid(self) -> str:
        """The job's id; empty if it could not be read."""
        return self.payload.jid if self.payload else ""
