"""What hangs on a job in the store, and must be settled in the step that settles the job."""

from __future__ import annotations

from typing import Final, Literal, Self, TypeAlias

import msgspec

from mainspring.base.flow import Flow

#: What became of a job, for that which hangs on it: it succeeded, will be retried, died, was dropped for good, or goes
#: on later without having failed.
What: TypeAlias = Literal["ok", "failed", "dead", "dropped", "later"]


class Ties(msgspec.Struct, frozen=True, gc=False):
    """What hangs on one job, and its result if somebody wants one.

    Attributes:
        jid: The job's id.
        lock: The digest of its unique lock; empty if it has none.
        unique_ms: How long the lock holds at most.
        batch: The id of its batch; empty if it is in none.
        number: Which job of the batch it is.
        gates: Its gates, in the order of their names.
        result: What is kept for whoever asks how it ended; empty for nothing.
        result_ms: How long that is kept.
    """

    jid: str
    lock: str = ""
    unique_ms: int = 0
    batch: str = ""
    number: int = -1
    gates: str = ""
    result: bytes = b""
    result_ms: int = 0

    @classmethod
    def of(cls, jid: str, flow: Flow, *, result: bytes = b"") -> Self | None:
        """Return what hangs on the job *jid*; None if nothing does."""
        lock, batch, gates = flow.lock, flow.batch if flow.number >= 0 else "", flow.gates
        if not (batch or gates or result):
            # By far the quickest, as it shall be.
            return cls(jid, lock, int(flow.unique_for * 1000)) if lock else None
        return cls(
            jid,
            lock,
            int(flow.unique_for * 1000) if lock else 0,
            batch,
            flow.number if batch else -1,
            ",".join(gates) if gates else "",
            result,
            int(flow.result_ttl * 1000) or 1 if result else 0,
        )


class Failed(msgspec.Struct, frozen=True, gc=False):
    """One failed run, for the group of those with the same error.

    Attributes:
        signature: Which error it is.
        job: The job's name.
        error_class: The name of the error's class.
        message: Its text without what varies.
        frame: The line of the app's own code where it came from, or empty.
        at: When, in unix seconds.
        backtrace: Where it came from, packed.
    """

    signature: str
    job: str
    error_class: str
    message: str
    frame: str
    at: float
    backtrace: str


class Trace(msgspec.Struct, frozen=True, gc=False):
    """What is kept of one run for people.

    Attributes:
        jid: The job's id; empty if no key can be made of it.
        attempt: The run, to be put before the job's others; empty for nothing. That of a run that did not go well is
            written in the step that settles the job, all else soon after.
        attempt_ms: How long the job's runs are kept.
        finished: What is kept of a job that is done; empty for nothing.
        finished_ms: How long that is kept.
        failed: The failure; None if it did not fail.
        entry: Namespace, colon, and name of the periodic entry that is told; empty for none.
        outcome: What became of the job, in a word, for the entry.
        ended: When, in unix seconds, likewise.
    """

    jid: str
    attempt: bytes = b""
    attempt_ms: int = 0
    finished: bytes = b""
    finished_ms: int = 0
    failed: Failed | None = None
    entry: str = ""
    outcome: str = ""
    ended: float = 0.0


#: What is kept of most runs.
UNTRACED: Final = Trace("")
#: What hangs on a plain job.
NONE: Final = Ties("")
#: What hangs on a job that could not be read here: the store looks into its bytes.
UNREAD: Final = Ties("")
