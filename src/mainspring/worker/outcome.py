"""What becomes of a job: a decision, and the record that the store shall keep of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from mainspring.base import payload as wire
from mainspring.base.errors import InvalidPayload
from mainspring.features import results
from mainspring.store import keys
from mainspring.store.queues import Settlement
from mainspring.store.ties import UNREAD, What
from mainspring.worker.fault import Fault, Faults, class_of, frames, lines, text_of


@dataclass(frozen=True, slots=True)
class Done:
    """It succeeded."""


@dataclass(frozen=True, slots=True)
class Retried:
    """It failed, and will be tried again at *at*, in unix seconds."""

    at: float
    error: BaseException


@dataclass(frozen=True, slots=True)
class Dead:
    """It failed for the last time, and is kept; *reason* is one word for logs."""

    error: BaseException
    reason: str = "exhausted"


@dataclass(frozen=True, slots=True)
class Discarded:
    """It is dropped: by its own wish if *error* is None, else because nobody wants to keep it.

    One that was not even run goes into the counter *tally* in place of that of runs.
    """

    reason: str
    error: BaseException | None = None
    tally: str = ""


@dataclass(frozen=True, slots=True)
class Snoozed:
    """It wants to run again at *at*, in unix seconds.

    Attributes:
        limiter: The limiter that gave it nothing; empty if it was the job's own wish.
        limited: How often limiters have snoozed it by now; 0 likewise.
    """

    at: float
    limiter: str = ""
    limited: int = 0


@dataclass(frozen=True, slots=True)
class GivenBack:
    """It was cut short, or is no longer ours; the store knows already, or keeps it in flight.

    Attributes:
        is_planned: True for an iterable job that was stopped between two items.
    """

    is_planned: bool = False


@dataclass(frozen=True, slots=True)
class Parked:
    """It did not run: the store has moved it to where it waits for its turn."""

    gate: str = ""


Outcome: TypeAlias = Done | Retried | Dead | Discarded | Snoozed | GivenBack | Parked


def what(outcome: Outcome) -> What:
    """Return what *outcome* is for that which hangs on a job."""
    match outcome:
        case Retried():
            return "failed"
        case Dead():
            return "dead"
        case Discarded(error=error):
            # One that failed and is not kept has not succeeded: a batch must never say that all of it has.
            return "dropped" if error is None else "dead"
        case Snoozed():
            return "later"
        case _:
            return "ok"


def settlement(raw: bytes, queue: str, outcome: Outcome, now: float, fault: Fault | None = None) -> Settlement | None:
    """Return what the store shall record of *outcome*; None for a plain success.

    Args:
        raw: The job as it was stored.
        queue: The queue it came from.
        outcome: What became of it.
        now: Unix seconds.
        fault: What is kept of its error; read here without.
    """
    match outcome:
        case Retried(at, error):
            return Settlement(keys.RETRY, at, failed(raw, queue, error, now, fault), fails=True)
        case Dead(error, _):
            return Settlement(keys.DEAD, now, failed(raw, queue, error, now, fault), fails=True)
        case Snoozed(at, _, limited):
            return Settlement(keys.SCHEDULE, at, snoozed(raw, now, limited), runs=False)
        case Discarded(_, error, tally):
            return Settlement(fails=error is not None, runs=not tally, tally=tally)
        case _:
            return None


def snoozed(raw: bytes, now: float, limited: int = 0) -> bytes:
    """Return the job as it shall be kept until later. It has been started, so it does not expire any more.

    Args:
        raw: The job as it was stored.
        now: Unix seconds. They are kept, so that a bulk operation which began before knows that it came since.
        limited: How often limiters have snoozed it by now; 0 if this one does not count.
    """
    flow = wire.fields(raw).get("flow")
    changes: dict[str, Any] = {"enqueued_at": None, "rescheduled_at": now}
    kept = {name: value for name, value in flow.items() if name != "expires_at"} if isinstance(flow, dict) else {}
    if limited or (isinstance(flow, dict) and kept != flow):
        changes["flow"] = kept | ({"limited": limited} if limited else {})
    return wire.changed(raw, changes)


def epitaph(name: str, outcome: Outcome, now: float) -> bytes:
    """Return what is kept for whoever asks for the result of a job of class *name*; empty if it has not ended."""
    match outcome:
        case Dead(error, _):
            state, reason = "dead", ""
        case Discarded(reason, error):
            state = "dropped"
        case _:
            return b""
    if error is None:
        return results.failed(name, now, state=state, kind="", message=reason, frames=())
    return results.failed(
        name, now, state=state, kind=class_of(error), message=text_of(error), frames=lines(frames(error))
    )


def unreadable(raw: bytes, problem: InvalidPayload, now: float) -> Settlement:
    """Return the settlement of what is no job: into the dead set as it is, if no error can be noted in it."""
    if problem.reason == "too_large":
        # It is not sent back, and not even copied.
        return Settlement(keys.DEAD, now, wire.note(raw, _error_fields(problem)), fails=True, what="dead", ties=UNREAD)
    data = noted(raw, problem)
    # Nothing stands for the job as it is stored: it may begin with the comma that stands for a note.
    return Settlement(keys.DEAD, now, b"" if data is raw else data, fails=True, what="dead", ties=UNREAD)


def noted(raw: bytes, problem: Exception) -> bytes:
    """Return what is no job with *problem* noted in it, so far as that can be done; else as it is."""
    if isinstance(problem, InvalidPayload) and problem.reason == "too_large":
        return wire.noted(raw, _error_fields(problem))
    try:
        return wire.changed(raw, _error_fields(problem))
    except ValueError:
        return raw


def failed(raw: bytes, queue: str, error: BaseException, now: float, fault: Fault | None = None) -> bytes:
    """Return the job as it shall be kept after *error*, in Sidekiq's form; and which error it was, in our own field."""
    record = wire.fields(raw)
    if fault is None:
        fault = Faults().of(str(record.get("class")), error)
    changes: dict[str, Any] = {
        "queue": record.get("retry_queue") or queue,
        "error_message": fault.message,
        "error_class": fault.error_class,
    }
    count = record.get("retry_count")
    if isinstance(count, int) and not isinstance(count, bool):
        changes |= {"retried_at": now, "retry_count": count + 1}
    else:
        changes |= {"failed_at": now, "retry_count": 0}
    changes["error_backtrace"] = fault.backtrace
    changes["error_signature"] = fault.signed.signature
    return wire.changed(raw, changes)


def _error_fields(error: BaseException) -> dict[str, str]:
    return {"error_message": text_of(error), "error_class": class_of(error)}
