"""One stored job, wherever it lies: read leniently, acted on by its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from mainspring.api import places
from mainspring.api.places import InFlight, InQueue, Place
from mainspring.api.progress import Progress
from mainspring.api.progress import read as read_progress
from mainspring.base import payload
from mainspring.base.errors import InvalidPayload
from mainspring.base.timesource import TimeSource
from mainspring.options import moment
from mainspring.store import queues, sets
from mainspring.store.command import Command
from mainspring.store.connection import Store

# Active Job's own classes, which carry the job's real name in ``wrapped``.
_WRAPPERS = frozenset({"ActiveJob::QueueAdapters::SidekiqAdapter::JobWrapper", "Sidekiq::ActiveJob::Wrapper"})


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as it was stored when it was read; it may have moved on since.

    An action returns False if the job is no longer where it was read, and then has done nothing.

    Attributes:
        raw: The bytes as they are stored.
        where: The place it was read from.
        at: The score in its set: when it is due, or when it died; None elsewhere.
        fields: All fields of its record, known to us or not; empty if it cannot be read.
        is_readable: False if it is no JSON object, as a stranger may have pushed.
    """

    raw: bytes
    where: Place
    at: float | None
    fields: Mapping[str, object] = field(repr=False)
    is_readable: bool
    _store: Store = field(repr=False, compare=False)
    _time: TimeSource = field(repr=False, compare=False)

    @classmethod
    def read(cls, store: Store, time: TimeSource, raw: bytes, where: Place, at: float | None = None) -> StoredJob:
        """Read the bytes of a job; never fails."""
        try:
            fields: Mapping[str, object] = payload.fields(raw)
        except InvalidPayload:
            return cls(raw, where, at, {}, is_readable=False, _store=store, _time=time)
        return cls(raw, where, at, fields, is_readable=True, _store=store, _time=time)

    # --- what it says ------------------------------------------------------------------

    @property
    def place(self) -> str:
        """``queue:NAME``, ``scheduled``, ``retry``, ``dead`` or ``running``."""
        return str(self.where)

    @property
    def jid(self) -> str:
        """Its id; for what has none, ``raw-`` and the beginning of its bytes' SHA-256."""
        jid = self.fields.get("jid")
        if jid and isinstance(jid, str):
            return jid
        return f"raw-{hashlib.sha256(self.raw).hexdigest()[:20]}"

    @property
    def name(self) -> str:
        """The job's name, ``class`` on the wire; empty if it has none."""
        return _text(self.fields.get("class"))

    @property
    def display_name(self) -> str:
        """The name for people: what Active Job wraps, or what the job asks to be called."""
        if self.fields.get("display_class"):
            return _text(self.fields["display_class"])
        if self.name in _WRAPPERS and self.fields.get("wrapped"):
            return _text(self.fields["wrapped"])
        return self.name or "(unreadable)"

    @property
    def args(self) -> Sequence[object]:
        """Positional arguments, as JSON."""
        args = self.fields.get("args")
        return args if isinstance(args, list) else ()

    @property
    def kwargs(self) -> Mapping[str, object]:
        """Keyword arguments, as JSON."""
        kwargs = self.fields.get("kwargs")
        return kwargs if isinstance(kwargs, dict) else {}

    @property
    def queue(self) -> str:
        """The queue that it waits in, or will be pushed to."""
        if isinstance(self.where, InQueue):
            return self.where.name
        return _text(self.fields.get("queue")) or "default"

    @property
    def process(self) -> str | None:
        """The identity of the process that holds it; None if none does."""
        return self.where.identity if isinstance(self.where, InFlight) else None

    @property
    def progress(self) -> Progress | None:
        """How far its run has come, as it says itself; None if it does not run, or does not say. Asks the store."""
        return read_progress(self._store, self.jid) if isinstance(self.where, InFlight) else None

    @property
    def created_at(self) -> float | None:
        """When it was first enqueued, in unix seconds."""
        return payload.unix(self.fields.get("created_at"))

    @property
    def enqueued_at(self) -> float | None:
        """When it was last put into a queue, in unix seconds."""
        return payload.unix(self.fields.get("enqueued_at"))

    @property
    def failed_at(self) -> float | None:
        """When it first failed, in unix seconds."""
        return payload.unix(self.fields.get("failed_at"))

    @property
    def retry_count(self) -> int | None:
        """Retries made so far, 0 after the first failure; None if it never failed."""
        count = self.fields.get("retry_count")
        return count if isinstance(count, int) and not isinstance(count, bool) else None

    @property
    def error_class(self) -> str | None:
        """The class of its last error."""
        return _maybe_text(self.fields.get("error_class"))

    @property
    def error_message(self) -> str | None:
        """The text of its last error."""
        return _maybe_text(self.fields.get("error_message"))

    @property
    def signature(self) -> str | None:
        """Which error its last one was, see `mainspring.api.failures.Failure`; None if a worker of Ruby's ran it."""
        return _maybe_text(self.fields.get("error_signature"))

    @property
    def backtrace(self) -> Sequence[str]:
        """The lines of its last error's traceback, if the job keeps them."""
        packed = self.fields.get("error_backtrace")
        return payload.unpack_backtrace(packed) if packed else ()

    @property
    def tags(self) -> Sequence[str]:
        """Words for people."""
        tags = self.fields.get("tags")
        return [_text(tag) for tag in tags] if isinstance(tags, list) else ()

    # --- what can be done to it ---------------------------------------------------------

    def retry(self) -> bool:
        """Push it into its queue now, out of the scheduled, retry or dead set.

        Returns:
            False if it is no longer there, or was in no set.

        Raises:
            InvalidPayload: If it is no JSON object; all one can do with it is to delete it.
        """
        return self._run(places.retry(self.where, self.raw, now=self._time.now()))

    def requeue(
        self, *, args: Sequence[object], kwargs: Mapping[str, object] | None = None, queue: str | None = None
    ) -> bool:
        """Push it now as `retry`, with other arguments or into another queue; it keeps its id and what hangs on it.

        Args:
            args: Positional arguments, as JSON.
            kwargs: Keyword arguments, as JSON.
            queue: The queue; its own without it.

        Returns:
            False if it is no longer there, or was in no set.

        Raises:
            InvalidName: If *queue* cannot name a queue.
            InvalidPayload: If it is no JSON object, or the arguments are no JSON.
            PayloadTooLarge: If it would be longer than a megabyte.
        """
        changes: dict[str, object] = {"args": list(args), "kwargs": dict(kwargs) if kwargs else None}
        if queue is not None:
            changes["queue"] = payload.check_queue(queue)
        return self._run(places.requeue(self.where, self.raw, changes, now=self._time.now()))

    def kill(self) -> bool:
        """Move it to the dead set; False if it is no longer where it was, or is dead or running."""
        now = self._time.now()
        killed = self._run(places.kill(self.where, self.raw, now=now))
        if killed:
            self._store.pipeline(sets.trim_dead(now - queues.DEAD_SECONDS, queues.DEAD_MOST))
        return killed

    def delete(self) -> bool:
        """Drop it for good; False if it is no longer where it was, or is running."""
        return self._run(places.delete(self.where, self.raw))

    def reschedule(self, when: datetime | float) -> bool:
        """Let it be due at *when*; a retry stays a retry, anything else becomes scheduled.

        Args:
            when: A datetime with a time zone, or unix seconds.

        Returns:
            False if it is no longer where it was, or is running.

        Raises:
            InvalidOption: If *when* is no time, or has no zone.
        """
        return self._run(places.reschedule(self.where, self.raw, at=moment(when)))

    def _run(self, command: Command[int] | None) -> bool:
        return command is not None and self._store.run(command) > 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _maybe_text(value: object) -> str | None:
    return None if value is None else _text(value)
