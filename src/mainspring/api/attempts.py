"""The attempts of a job, and jobs that are done: what is kept of runs that are over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainspring.api.places import check_jid
from mainspring.api.progress import Progress, understood
from mainspring.base import payload
from mainspring.base.errors import InvalidPayload
from mainspring.store import attempts, progress
from mainspring.store.attempts import Record
from mainspring.store.command import Command
from mainspring.store.connection import Store


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a job that is over.

    Attributes:
        number: Which run of the job it was, counted from 1; those that a crash cut short are not counted.
        process: The identity of the process that ran it, and its capsule.
        slot: The thread or process of the slot that it ran in.
        started_at: When it began, in unix seconds.
        ended_at: When it ended, likewise.
        outcome: ``"ok"``, ``"retry"`` (it failed, and was to be tried again), ``"dead"``, ``"dropped"`` or
            ``"snoozed"``.
        error_class: The name of its error's class; None if it did not fail.
        error_message: The error's text, cut to 500 characters; None likewise.
        signature: Which error it was, see `Failure`; None likewise.
    """

    number: int
    process: str
    slot: str
    started_at: float
    ended_at: float
    outcome: str
    error_class: str | None
    error_message: str | None
    signature: str | None
    _backtrace: str = field(repr=False, default="")

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(self.ended_at - self.started_at, 0.0)

    @property
    def backtrace(self) -> Sequence[str]:
        """Where its error came from, innermost last: ``file:line in function``."""
        return payload.unpack_backtrace(self._backtrace) if self._backtrace else ()


@dataclass(frozen=True, slots=True)
class FinishedJob:
    """A job that is done, as it was when it ran, and how its last run ended.

    Attributes:
        raw: The job as it was stored; without its arguments if it was too long to be kept.
        fields: All fields of its record.
        last: Its last run.
    """

    raw: bytes = field(repr=False)
    fields: Mapping[str, object] = field(repr=False)
    last: Attempt

    @property
    def jid(self) -> str:
        """Its id."""
        return str(self.fields.get("jid", ""))

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.fields.get("class", ""))

    @property
    def queue(self) -> str:
        """The queue it was pushed to."""
        return str(self.fields.get("queue") or "default")

    @property
    def args(self) -> Sequence[object]:
        """Positional arguments, as JSON."""
        found = self.fields.get("args")
        return found if isinstance(found, list) else ()

    @property
    def kwargs(self) -> Mapping[str, object]:
        """Keyword arguments, as JSON."""
        found = self.fields.get("kwargs")
        return found if isinstance(found, dict) else {}

    @property
    def is_cut(self) -> bool:
        """True if its arguments were too long to be kept."""
        return "args" not in self.fields

    @property
    def tags(self) -> Sequence[str]:
        """Words for people."""
        found = self.fields.get("tags")
        return [str(tag) for tag in found] if isinstance(found, list) else ()

    @property
    def created_at(self) -> float | None:
        """When it was first enqueued, in unix seconds."""
        return payload.unix(self.fields.get("created_at"))

    @property
    def enqueued_at(self) -> float | None:
        """When it was last put into a queue, in unix seconds."""
        return payload.unix(self.fields.get("enqueued_at"))

    @property
    def outcome(self) -> str:
        """``"ok"`` or ``"dropped"``."""
        return self.last.outcome


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a job beside the job itself.

    Attributes:
        attempts: Its runs that are over, the newest first: 25 of a job that has failed, and the last of one that is
            done and keeps its history.
        finished: The job as it was, if it is done and keeps its history.
        progress: How far its run has come, if it runs and says so.
    """

    attempts: Sequence[Attempt]
    finished: FinishedJob | None
    progress: Progress | None


def read_kept(store: Store, jid: str) -> Kept:
    """Return what is kept of the job *jid*, in one round trip.

    Raises:
        InvalidOption: If *jid* can be no job's id.
    """
    answers = store.pipeline(questions(jid))
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return kept(answers)


def questions(jid: str) -> list[Command[Any]]:
    """Return what asks for what is kept of the job *jid*, for whoever asks for more at once.

    Raises:
        InvalidOption: If *jid* can be no job's id.
    """
    check_jid(jid)
    return [attempts.read(jid), attempts.finished(jid), progress.read(jid)]


def kept(answers: Sequence[Any]) -> Kept:
    """Return what the answers to `questions` say."""
    found, done, said = answers
    record, raw = (None, b"") if done is None else attempts.parted(done)
    records = [each for data in found if (each := attempts.understood(data)) is not None]
    if not records and record is not None:
        records = [record]
    return Kept(list(_attempts(records)), _finished(record, raw), understood(said))


def _finished(record: Record | None, raw: bytes) -> FinishedJob | None:
    if record is None:
        return None
    try:
        fields = payload.fields(raw)
    except InvalidPayload:
        return None
    return FinishedJob(raw, fields, next(_attempts([record])))


def _attempts(records: Sequence[Record]) -> Iterator[Attempt]:
    """Yield attempts, the newest first: what one has in common with the one before it stands only there."""
    for place, record in enumerate(records):
        older = records[place:]
        message = next((each.message for each in older if each.message is not None), "")
        backtrace = next((each.backtrace for each in older if each.backtrace is not None), "")
        has_failed = bool(record.error_class)
        yield Attempt(
            number=record.number,
            process=record.process,
            slot=record.slot,
            started_at=record.started,
            ended_at=record.ended,
            outcome=record.outcome,
            error_class=record.error_class or None,
            error_message=message if has_failed else None,
            signature=record.signature or None,
            _backtrace=backtrace if has_failed else "",
        )
