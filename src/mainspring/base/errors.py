"""Every error that mainspring raises, one class for each thing that can go wrong.

Each class is also a subclass of the built-in that a stranger would catch, carries
its facts as attributes, and says in its message what to do where there is a way
out.  `Snooze`, `Discard`, `Kill` and `RetryIn` stand here too: a job raises them
to say what shall become of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta


class MainspringError(Exception):
    """The root of all errors of this package."""


# --- wrong use -----------------------------------------------------------------


class InvalidDuration(MainspringError, ValueError):
    """A text, number or timedelta that is no duration.

    Attributes:
        value: What was given.
    """

    def __init__(self, value: object, reason: str) -> None:
        super().__init__(f'{value!r} is not a duration: {reason}; write a timedelta, seconds, or text like "1h30m"')
        self.value = value


class InvalidName(MainspringError, ValueError):
    """A queue, job or entry name outside the alphabet that every reader of the store accepts."""


class InvalidOption(MainspringError, ValueError):
    """An option of a job, an App, a worker or an entry that cannot mean anything."""


class InvalidFilter(MainspringError, ValueError):
    """A filter of jobs that cannot be read.

    Attributes:
        key: The key that there is none of, or that cannot have its value; empty if it is about the whole.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


class InvalidSchedule(MainspringError, ValueError):
    """A period, time, cron expression or zone that a periodic entry cannot have.

    Attributes:
        text: The part that is wrong.
    """

    def __init__(self, text: object, reason: str) -> None:
        super().__init__(f"{text!r}: {reason}")
        self.text = text


class WrongArguments(MainspringError, TypeError):
    """Arguments that do not fit a job's signature, or cannot travel as JSON.

    Attributes:
        job: The job's name.
        parameter: The parameter at fault; None if the number of arguments is wrong.
    """

    def __init__(self, job: str, parameter: str | None, reason: str) -> None:
        where = f"{job}()" if parameter is None else f"{job}(), parameter {parameter!r}"
        super().__init__(f"{where}: {reason}")
        self.job = job
        self.parameter = parameter


class PayloadTooLarge(MainspringError, ValueError):
    """A job whose JSON is longer than the limit.

    Attributes:
        size: Its length in bytes.
        limit: The most that is accepted, in bytes.
    """

    def __init__(self, job: str, size: int, limit: int) -> None:
        super().__init__(
            f"{job}: the job's JSON is {size:,} bytes long and the limit is {limit:,};"
            " store the document elsewhere and pass its id, or raise MAINSPRING_PAYLOAD_LIMIT"
        )
        self.size = size
        self.limit = limit


class UnknownJob(MainspringError, LookupError):
    """A job name that the App does not know, or a short name that fits several.

    Attributes:
        name: The name that was asked for.
        candidates: Names that come close, or the ones among which it is ambiguous.
    """

    def __init__(self, name: str, candidates: Sequence[str] = (), *, ambiguous: bool = False) -> None:
        if ambiguous:
            text = f"the job name {name!r} is ambiguous: it may be {' or '.join(candidates)}"
        elif candidates:
            text = f"no job is named {name!r}; did you mean {' or '.join(candidates)}?"
        else:
            text = f"no job is named {name!r}"
        super().__init__(text)
        self.name = name
        self.candidates = tuple(candidates)


class UnknownEntry(MainspringError, KeyError):
    """A periodic entry that is neither in the store nor in the App's code.

    Attributes:
        name: The name that was asked for.
        candidates: Names that come close.
    """

    def __init__(self, name: str, candidates: Sequence[str] = ()) -> None:
        hint = f"; did you mean {' or '.join(map(repr, candidates))}?" if candidates else ""
        super().__init__(f"no periodic entry is named {name!r}{hint}")
        self.name = name
        self.candidates = tuple(candidates)

    def __str__(self) -> str:
        """Return the text, which KeyError would quote."""
        return str(self.args[0])


class NotInAJob(MainspringError, RuntimeError):
    """`current_job()` was called outside of a running job."""

    def __init__(self) -> None:
        super().__init__("current_job() was called, but no job is running here; call it from a job's own code")


class NoTransaction(MainspringError, RuntimeError):
    """Something was enqueued through an outbox whose transaction is not open, or cannot be written in."""


class InvalidPayload(MainspringError, ValueError):
    """A stored record that is no job: not JSON, or without the fields a job needs.

    Attributes:
        reason: One word for logs and the dead set, such as ``"not_json"``.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class BootError(MainspringError, RuntimeError):
    """Something that keeps a process from starting: the text says what, why and the way out."""


# --- the store -------------------------------------------------------------------


class StoreError(MainspringError):
    """The store could not do what it was asked.

    Attributes:
        applied: False if the command had certainly no effect; None if nobody can tell.
    """

    applied: bool | None = None


class StoreUnavailable(StoreError, ConnectionError):
    """The store did not answer: refused, gone, or too slow."""

    def __init__(self, message: str, *, applied: bool | None) -> None:
        super().__init__(message)
        self.applied = applied


class StoreRefused(StoreError):
    """The store answered with an error and did nothing.

    Attributes:
        code: The first word of the server's reply, such as ``"OOM"`` or ``"WRONGPASS"``.
    """

    applied: bool | None = False

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Fenced(StoreError):
    """This process was declared dead, and its jobs were given to others.

    Attributes:
        identity: The identity that is fenced for ever.
    """

    applied: bool | None = False

    def __init__(self, identity: str) -> None:
        super().__init__(f"{identity} was declared dead and its jobs were given back; it must take a new identity")
        self.identity = identity


class PushFailed(MainspringError, ConnectionError):
    """A push that certainly had no effect: the job is not in the store, push it again.

    Attributes:
        jids: The jobs that were not stored.
    """

    def __init__(self, message: str, jids: Sequence[str]) -> None:
        super().__init__(message)
        self.jids = tuple(jids)


class PushAmbiguous(MainspringError, ConnectionError):
    """A push of which nobody can tell whether it reached the store.

    Attributes:
        jids: The jobs in question; `app.find(jid)` tells later whether one is there.
    """

    def __init__(self, message: str, jids: Sequence[str]) -> None:
        super().__init__(message)
        self.jids = tuple(jids)


class BatchNotFound(MainspringError, LookupError):
    """There is no such batch, or it has been forgotten since it ended.

    Attributes:
        bid: The batch's id.
    """

    def __init__(self, bid: str) -> None:
        super().__init__(f"there is no batch {bid}: it was never pushed, or ended so long ago that it is forgotten")
        self.bid = bid


class BatchClosed(MainspringError, RuntimeError):
    """Jobs were added to a batch that takes no more.

    Attributes:
        bid: The batch's id.
        reason: ``"succeeded"`` or ``"cancelled"``.
    """

    def __init__(self, bid: str, reason: str) -> None:
        super().__init__(
            f"batch {bid} takes no more jobs, as it has ended ({reason}); put them into a batch of their own"
        )
        self.bid = bid
        self.reason = reason


class OutboxUnavailable(MainspringError, ConnectionError):
    """The database of an outbox did not do what a relay asked; what is in the outbox waits on.

    Attributes:
        database: The database, without its password.
    """

    def __init__(self, database: str, reason: str) -> None:
        super().__init__(f"the outbox in {database} cannot be relayed: {reason}")
        self.database = database


class LeaseLost(MainspringError):
    """The job was given to another process while this one was running it.

    Attributes:
        jid: The job's id.
        process: The identity of the process that lost it.
    """

    def __init__(self, jid: str, process: str) -> None:
        super().__init__(f"{process} no longer holds job {jid}: its lease ran out and it was recovered")
        self.jid = jid
        self.process = process


class OverLimit(MainspringError, RuntimeError):
    """A limiter gave nothing, not even after the time that the caller would wait.

    A job that lets it through is snoozed: it runs again later, and that is no failure.

    Attributes:
        name: The limiter's name.
        retry_after: In how many seconds it would give, if nobody else took of it.
    """

    def __init__(self, name: str, retry_after: float) -> None:
        super().__init__(f"the limiter {name!r} has nothing left; try again in {retry_after:.3f} s")
        self.name = name
        self.retry_after = retry_after


# --- what a job may say of itself --------------------------------------------------


class Verdict(MainspringError):
    """What a running job decides about itself; not a failure."""


class Snooze(Verdict):
    """Run this job again later; it counts neither as an attempt nor as a failure.

    Attributes:
        delay: A duration: seconds, a timedelta, or text such as ``"5m"``.
    """

    def __init__(self, delay: timedelta | float | str) -> None:
        super().__init__(f"again in {delay}")
        self.delay = delay


class Discard(Verdict):
    """Drop this job: it is neither retried nor dead.

    Attributes:
        reason: Why, for the log.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Kill(Verdict):
    """Move this job to the dead set now, whatever retries are left.

    Attributes:
        reason: Why, kept with the job.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class RetryIn(Verdict):
    """Fail, and retry after this delay in place of the policy's; it counts as an attempt.

    Attributes:
        delay: A duration: seconds, a timedelta, or text such as ``"5m"``.
        reason: Why, kept with the job.
    """

    def __init__(self, delay: timedelta | float | str, reason: str = "") -> None:
        super().__init__(reason or f"retry in {delay}")
        self.delay = delay
        self.reason = reason


class ProcessDied(MainspringError, RuntimeError):
    """The process in which a job ran came to its end before the job did; the run counts as a failed one.

    Attributes:
        reason: Why, such as ``"killed by signal SIGSEGV"`` or ``"exited with code 3"``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the job's process died: {reason}")
        self.reason = reason


class OutOfMemory(ProcessDied, MemoryError):
    """A job used more memory than its process may have."""
