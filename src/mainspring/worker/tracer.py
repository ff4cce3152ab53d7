"""Makes what is kept of a run for people: the attempt, the job if it is done, and which error it was."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any, Final

from mainspring.base import codec
from mainspring.base import payload as wire
from mainspring.base.errors import InvalidPayload
from mainspring.base.timesource import TimeSource
from mainspring.store import attempts
from mainspring.store.attempts import Record
from mainspring.store.queues import DEAD_SECONDS
from mainspring.store.ties import Failed, Trace
from mainspring.worker.delivery import Delivery
from mainspring.worker.fault import Fault, Faults
from mainspring.worker.outcome import Dead, Discarded, Done, Outcome, Retried, Snoozed

#: How much of an error's text is kept with an attempt, in characters.
_TEXT: Final = 500
#: The longest job that is kept whole when it is done, in bytes; and of which ids keys are made, in characters.
_LONGEST: Final = 4_000
_LONGEST_JID: Final = 100
_LONG_FIELDS: Final = frozenset({"args", "kwargs", "error_backtrace", "error_message"})
#: One attempt of so many stands by itself, whatever it has in common with the one before.
_WHOLE: Final = attempts.NEWEST

_WORDS: Final[Mapping[type, str]] = {
    Done: "ok",
    Retried: "retry",
    Dead: "dead",
    Discarded: "dropped",
    Snoozed: "snoozed",
}


class Tracer:
    """Knows the tracebacks of late; asked by all slots."""

    def __init__(self, time: TimeSource) -> None:
        """Begin with no traceback known."""
        self._time = time
        self._faults = Faults()

    def fault(self, delivery: Delivery, outcome: Outcome) -> Fault | None:
        """Return what is kept of the error that *outcome* was decided on; None if there was none."""
        error = outcome.error if isinstance(outcome, Retried | Dead | Discarded) else None
        if error is None or delivery.payload is None:
            return None
        return self._faults.of(delivery.payload.name, error)

    def trace(self, delivery: Delivery, outcome: Outcome, fault: Fault | None = None) -> Trace | None:
        """Return what is kept of a run; None of most that went well.

        Args:
            delivery: What ran.
            outcome: What became of it.
            fault: What is kept of its error; None if there was none.
        """
        job, flow = delivery.payload, delivery.flow
        if job is None:
            return None
        history, entry = (0.0, "") if flow is None else (flow.history, flow.entry)
        has_failed_before = isinstance(job.retry_count, int)
        if fault is None and not has_failed_before and not history and not entry:
            return None
        record = self._record(delivery, outcome, fault)
        failed = None if fault is None else _failed(job.name, fault, record.ended)
        if not 0 < len(job.jid) <= _LONGEST_JID or "\n" in job.jid:
            return Trace("", failed=failed)
        is_done = isinstance(outcome, Done | Discarded)
        # The first run of a job that is done, or of which only the entry is told.
        is_alone = fault is None and not has_failed_before and (is_done or not history)
        return Trace(
            job.jid,
            b"" if is_alone else attempts.written(record),
            _milliseconds(outcome, record.ended),
            attempts.done(record, _bounded(delivery.raw)) if history and is_done else b"",
            int(history * 1000),
            failed,
            entry,
            record.outcome,
            record.ended,
        )

    def _record(self, delivery: Delivery, outcome: Outcome, fault: Fault | None) -> Record:
        offset = self._time.now() - self._time.monotonic()
        count = delivery.payload.retry_count if delivery.payload is not None else None
        number = count + 2 if isinstance(count, int) else 1
        head = (number, delivery.holder, _slot(), delivery.started + offset, delivery.ended + offset)
        if fault is None:
            return Record(*head, _WORDS[type(outcome)])
        old = _fields(delivery.raw) if number % _WHOLE != 1 else {}
        is_known = old.get("error_signature") == fault.signed.signature
        return Record(
            *head,
            _WORDS[type(outcome)],
            fault.signed.signature,
            fault.error_class,
            None if is_known and old.get("error_message") == fault.message else fault.message[:_TEXT],
            None if is_known and old.get("error_backtrace") == fault.backtrace else fault.backtrace,
        )


def _slot() -> str:
    name = threading.current_thread().name
    return f"process-{os.getpid()}" if name == "MainThread" else name.removeprefix("mainspring-")


def _failed(job: str, fault: Fault, at: float) -> Failed:
    signed = fault.signed
    return Failed(signed.signature, job, fault.error_class, signed.message, signed.frame, at, fault.backtrace)


def _milliseconds(outcome: Outcome, now: float) -> int:
    """Return how long the attempts are kept: a day longer than they last, or as long as what is dead."""
    if isinstance(outcome, Dead):
        return int(DEAD_SECONDS * 1000)
    wait = outcome.at - now if isinstance(outcome, Retried | Snoozed) else 0.0
    return int((min(max(wait, 0.0), DEAD_SECONDS) + attempts.KEPT) * 1000)


def _bounded(raw: bytes) -> bytes:
    """Return a job as it is, or without its arguments if it is too long; or only what it is."""
    if len(raw) <= _LONGEST:
        return raw
    fields = _fields(raw)
    try:
        shorter = codec.encode({name: value for name, value in fields.items() if name not in _LONG_FIELDS})
    except ValueError:
        # It could be read and cannot be written, such as for a foreign field that is nested without end.
        shorter = raw
    if len(shorter) <= _LONGEST:
        return shorter
    return codec.encode({name: fields.get(name) for name in ("jid", "class", "queue", "created_at")})


def _fields(raw: bytes) -> Mapping[str, Any]:
    try:
        return wire.fields(raw)
    except InvalidPayload:
        return {}
