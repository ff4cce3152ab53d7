"""The running job, as its own code sees it: `current_job()`."""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final

from mainspring.base import payload
from mainspring.base.ends import JobCancelled, JobCut
from mainspring.base.errors import LeaseLost, NotInAJob
from mainspring.base.payload import Payload

_current: Final[ContextVar[JobContext]] = ContextVar("mainspring_current_job")
_log: Final = logging.getLogger("mainspring.job")


#: The longest note that is kept with a job's progress, in characters.
LONGEST_NOTE: Final = 200


def _never() -> bool:
    return False


def _nobody(_jid: str) -> bool:
    return False


def _unheard(_jid: str, _fraction: float, _note: str) -> None:
    """Hear of progress where nobody wants to know it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Under what identity a process runs jobs; the same for many of them.

    Attributes:
        process: The identity.
        is_lost: Tells whether others may hold the process for dead.
        is_stopping: Tells whether the process is shutting down.
        is_quiet: Tells whether the process starts no more jobs, to shut down later.
        is_cancelled: Tells of a job, by its id, whether somebody cancelled it.
        progress: Hears of a job, by its id, how far it has come, and what it does.
    """

    process: str
    is_lost: Callable[[], bool]
    is_stopping: Callable[[], bool]
    is_quiet: Callable[[], bool] = _never
    is_cancelled: Callable[[str], bool] = _nobody
    progress: Callable[[str, float, str], None] = _unheard


@dataclass(frozen=True, slots=True)
class PeriodicRun:
    """Which tick of the schedule a job is for.

    Attributes:
        name: The periodic entry's name.
        tick: Its nominal time, in the entry's zone: what the job is for, however late it runs. The same for
            each retry. For a manual run, when it was asked for.
        tz: The entry's zone, as an IANA name.
        late: Seconds from the time at which it was due to that at which it was enqueued.
        kind: ``"scheduled"``, ``"caught_up"`` if it was missed when it was due, ``"manual"`` or ``"backfilled"``.
    """

    name: str
    tick: datetime
    tz: str
    late: float
    kind: str


class JobContext:
    """One run of one job.

    Attributes:
        queue: The queue it was taken from.
        args: Its positional arguments, as their annotated types; a middleware may replace them.
        kwargs: Its keyword arguments, likewise.
        fence: A number that is greater at each delivery of any job of this queue. Written with
            what the job writes, it lets a database refuse a run that was given up for dead.
    """

    __slots__ = ("_cursor", "_holding", "_wire", "args", "fence", "kwargs", "queue")

    def __init__(self, wire: Payload, queue: str, fence: int, holding: Holding) -> None:
        """Describe the run of *wire*; made by the worker, for each job."""
        self._wire = wire
        self._holding = holding
        self.queue = queue
        self.fence = fence
        self.args: tuple[Any, ...] | list[Any] = wire.args
        self.kwargs: dict[str, Any] = wire.kwargs

    @property
    def jid(self) -> str:
        """The job's id."""
        return self._wire.jid

    @property
    def name(self) -> str:
        """The job's name."""
        return self._wire.name

    @property
    def expires_at(self) -> float | None:
        """Until when it may be started, in unix seconds; None for ever."""
        flow = self._wire.flow
        return None if flow is None else flow.expires_at

    @property
    def recoveries(self) -> int:
        """How often in the last days it was in flight when its process died, so that it may have been the cause."""
        return len(self._wire.recovered) if isinstance(self._wire.recovered, list) else 0

    @property
    def cursor(self) -> object:
        """Where an iterable job has come to, as it yielded it last; None at the beginning, and for other jobs."""
        # Not set for each job: most have none.
        return getattr(self, "_cursor", None)

    @cursor.setter
    def cursor(self, cursor: object) -> None:
        self._cursor = cursor

    @property
    def process(self) -> str:
        """The identity of what runs it: its process, and the capsule if that is not the default one."""
        return self._holding.process

    @property
    def attempt(self) -> int:
        """Which run this is: 1 for the first, 2 for the first retry."""
        count = self._wire.retry_count
        return count + 2 if isinstance(count, int) else 1

    @property
    def created_at(self) -> float | None:
        """When the job was first enqueued, in unix seconds; None if it does not say."""
        return payload.unix(self._wire.created_at)

    @property
    def enqueued_at(self) -> float | None:
        """When the job was last put into a queue, in unix seconds; None if it does not say."""
        return payload.unix(self._wire.enqueued_at)

    @property
    def tags(self) -> list[str]:
        """The job's tags."""
        return [str(tag) for tag in self._wire.tags] if isinstance(self._wire.tags, list) else []

    @property
    def carry(self) -> dict[str, Any]:
        """The values of the context variables that travel with it, as JSON."""
        return self._wire.carry if isinstance(self._wire.carry, dict) else {}

    @property
    def bid(self) -> str:
        """The id of the batch that it is in, or whose callback it is; empty if in none. See `App.current_batch`."""
        flow = self._wire.flow
        return flow.batch if flow is not None and flow.number >= 0 else ""

    @property
    def periodic(self) -> PeriodicRun | None:
        """Which tick of which periodic entry it is for; None if it was not enqueued for one."""
        return None if self._wire.periodic is None else _periodic_run(self._wire.periodic)

    @property
    def log(self) -> logging.LoggerAdapter[logging.Logger]:
        """A logger whose lines name this job."""
        return _JobLogger(_log, {"jid": self.jid, "class": self.name, "queue": self.queue, "attempt": self.attempt})

    def is_stopping(self) -> bool:
        """Return True if the worker is shutting down, so that a long job can end early."""
        return self._holding.is_stopping()

    def is_interrupted(self) -> bool:
        """Return True if the worker starts no more jobs, so that one which can go on elsewhere should end here."""
        return self._holding.is_quiet() or self._holding.is_stopping()

    def is_lost(self) -> bool:
        """Return True if this process has not proved for so long that it lives that others may hold it for dead."""
        return self._holding.is_lost()

    def is_cancelled(self) -> bool:
        """Return True if somebody cancelled the job. One that was told so and returns is dropped, not done."""
        return self._holding.is_cancelled(self.jid)

    def check(self) -> None:
        """Stop here if the job should not go on; cheap enough to be called between any two steps.

        Raises:
            LeaseLost: If the job may have been given to another process.
            JobCancelled: If somebody cancelled it. It is no `Exception`, so that only who means it catches it.
        """
        if self._holding.is_lost():
            raise LeaseLost(self.jid, self._holding.process)
        if self._holding.is_cancelled(self.jid):
            raise JobCancelled(self.jid)

    def progress(self, fraction: float, note: str = "") -> None:
        """Let whoever watches see how far this run has come; forgotten when it ends.

        It costs next to nothing, and is written to the store at most once a second.

        Args:
            fraction: From 0 to 1; what lies beyond counts as the nearest of them.
            note: What it does at the moment, for people; cut to 200 characters.

        Example:
            ``current_job().progress(done / total, f"row {done} of {total}")``
        """
        self._holding.progress(self.jid, min(max(float(fraction), 0.0), 1.0), str(note)[:LONGEST_NOTE])


def _periodic_run(field: object) -> PeriodicRun | None:
    """Read what a job says of its tick; None if that is not what a clock writes."""
    found = field if isinstance(field, dict) else {}
    name, tick, tz = found.get("name"), payload.unix(found.get("tick")), found.get("tz")
    if not isinstance(name, str) or tick is None:
        return None
    zone = _zone(tz)
    try:
        at = datetime.fromtimestamp(tick, zone)
    except (ValueError, OverflowError, OSError):
        return None
    kind = found.get("kind")
    return PeriodicRun(
        name=name,
        tick=at,
        tz="UTC" if zone is UTC else str(tz),
        late=payload.unix(found.get("late")) or 0.0,
        kind=kind if isinstance(kind, str) else "scheduled",
    )


def _zone(name: object) -> tzinfo:
    """Return the zone *name*; UTC where this machine knows none of that name."""
    if not isinstance(name, str) or name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


class _JobLogger(logging.LoggerAdapter[logging.Logger]):
    """Puts the job's facts into each line."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the facts to *kwargs*, as the formatters of `base.logs` expect them."""
        facts = dict(self.extra or {})
        given = kwargs.get("extra") or {}
        facts.update({key: value for key, value in given.items() if key not in ("event", "facts")})
        facts.update(given.get("facts", {}))
        kwargs["extra"] = {"event": given.get("event", "job.log"), "facts": facts}
        return msg, kwargs


def current_job() -> JobContext:
    """Return the job that is running here.

    Raises:
        NotInAJob: If called outside of a job.
    """
    try:
        return _current.get()
    except LookupError:
        raise NotInAJob from None


#: Make a job the one that `current_job()` returns in this context; for the worker.
enter: Final = _current.set


__all__ = ["Holding", "JobContext", "JobCut", "PeriodicRun", "current_job", "enter"]
