"""How a job ended, kept for a while for whoever asks: what is written, and how it is read and waited for.

A result is data: JSON by the function's return annotation, as arguments are. An error
is kept as its class's name, its text and its traceback's lines, never as an instance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from mainspring.base import codec, durations
from mainspring.base.converters import Unfit
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidOption, InvalidPayload, StoreRefused
from mainspring.base.flow import read as read_flow
from mainspring.base.flow_errors import DecryptFailed, JobFailed, NoResult, ResultTimeout
from mainspring.base.loggers import Log
from mainspring.base.sealed import is_sealed
from mainspring.base.timesource import TimeSource
from mainspring.job import Draft, Job, Tie
from mainspring.store import results
from mainspring.store.connection import AsyncStore, Store

_log: Final = Log("mainspring.job")

#: Where a result stands, for encryption: no argument can have this name.
PLACE: Final = "$result"

#: Seconds of the first wait for a result before the job itself is looked for, and of the longest.
_FIRST_LOOK: Final = 2.0
_RAREST_LOOK: Final = 60.0
#: Seconds between two looks at a server that is full.
_POLL: Final = 0.5


def tie(job: Job[Any, Any]) -> Tie | None:
    """Return what writes into the records of *job* for how long its result is kept; None if it is not."""
    seconds = job.options.result_ttl
    if seconds is None:
        return None

    def write(draft: Draft) -> None:
        draft.flow["result_ttl"] = seconds

    return write


# --- writing -------------------------------------------------------------------------


class Packer:
    """Makes what is kept of the jobs of one class."""

    def __init__(
        self,
        job: Job[Any, Any],
        *,
        limit: int,
        time: TimeSource,
        seal: Callable[[object, str, str, str], object] | None = None,
    ) -> None:
        """Prepare to pack what *job* gives.

        Args:
            job: The job.
            limit: The longest result that is kept, in bytes.
            time: The clocks.
            seal: Encrypts a value for a job, given its id, its name and `PLACE`; None if none is to be encrypted.
        """
        self._job = job
        self._limit = limit
        self._time = time
        self._seal = seal
        self._has_complained = False

    def given(self, jid: str, value: object) -> bytes:
        """Return what is kept of a job that returned *value*.

        The job has succeeded whatever its value is: one that cannot be kept is replaced by the reason, and the
        first is logged.
        """
        try:
            found = self._job.arguments.result.send(value)
            data = self._written(
                {"value": found if self._seal is None else self._seal(found, jid, self._job.name, PLACE)}
            )
        except (Unfit, InvalidPayload) as error:
            hidden = "it does not fit the function's annotation; it is encrypted, and not shown"
            return self._unfit(hidden if self._job.options.encrypt else str(error))
        except Exception as error:  # noqa: BLE001 - asks the user's value for its parts; the job succeeded all the same
            return self._unfit(f"it raised {type(error).__name__} when it was turned into JSON")
        if len(data) > self._limit:
            return self._unfit(f"it is {len(data):,} bytes long and the limit is {self._limit:,}")
        return data

    def _unfit(self, reason: str) -> bytes:
        if not self._has_complained:
            self._has_complained = True
            _log.warning(
                "%s: a result cannot be kept: %s; this is said once",
                self._job.name,
                reason,
                extra={"event": "job.result_lost", "facts": {"class": self._job.name, "reason": reason}},
            )
        return self._written({"problem": reason})

    def _written(self, found: Mapping[str, object]) -> bytes:
        return _record(self._job.name, self._time.now(), found)


def failed(name: str, now: float, *, state: str, kind: str, message: str, frames: Sequence[str]) -> bytes:
    """Return what is kept of a job that did not succeed.

    Args:
        name: The job's name.
        now: Unix seconds.
        state: ``dead`` or ``dropped``.
        kind: The name of the error's class; empty if there was none.
        message: The error's text, or why the job was dropped.
        frames: Where it came from, innermost last.
    """
    return _record(name, now, {"state": state, "error": {"type": kind, "message": message, "traceback": list(frames)}})


def _record(name: str, now: float, found: Mapping[str, object]) -> bytes:
    return codec.encode({"class": name, "at": now, **found})


# --- reading -------------------------------------------------------------------------


class Found(Protocol):
    """A job in the store, as far as one who waits for its result must know it."""

    @property
    def fields(self) -> Mapping[str, object]:
        """All fields of its record."""

    @property
    def place(self) -> str:
        """Where it is; ``dead`` among others."""

    @property
    def error_class(self) -> str | None:
        """The class of its last error."""

    @property
    def error_message(self) -> str | None:
        """The text of its last error."""

    @property
    def backtrace(self) -> Sequence[str]:
        """Where its last error came from."""


class Unsealing(Protocol):
    """What decrypts a result."""

    def unseal(self, sealed: object, jid: str, name: str, place: str) -> object:
        """Return the value of job *jid* of class *name* that was encrypted for *place*."""


class Answering:
    """The part of an App that tells how its jobs ended.

    Attributes:
        time: The App's clocks.
        keyring: What its jobs are encrypted with.
    """

    time: TimeSource
    keyring: Unsealing

    @property
    def store(self) -> Store:
        """The store; the App's."""
        raise NotImplementedError

    @property
    def async_store(self) -> AsyncStore:
        """The store, for calls that are awaited; the App's."""
        raise NotImplementedError

    @property
    def jobs(self) -> Mapping[str, Job[Any, Any]]:
        """The jobs by name; the App's."""
        raise NotImplementedError

    def find(self, jid: str) -> Found | None:
        """Return a job wherever it is; the App's."""
        raise NotImplementedError

    def result(self, jid: str, timeout: Duration | None = None, *, job: Job[Any, Any] | None = None) -> object:
        """Return what a job of any class gave, and wait for it if it has not ended.

        Args:
            jid: The job's id.
            timeout: How long to wait at most, a duration; None for as long as the job can still end. With 0 it looks
                once, and does not look for the job itself.
            job: What it is a job of; None to go by the name that is stored with the result.

        Returns:
            What its function returned, by the annotation if the App knows the job, else as JSON.

        Raises:
            JobFailed: If it died, or was discarded.
            NoResult: If there is none and will be none: it keeps none, it has expired, or there is no such job.
            ResultTimeout: If it has not ended in time.
            StoreError: If the store does not answer.
        """
        wait = _Wait(jid, timeout, self.time)
        data = self.store.run(results.read(jid))
        while data is None:
            if seconds := wait.seconds():
                data = self._awaited(jid, seconds)
            if data is None:
                found = self.find(jid)
                # It may have ended while it was looked for.
                data = self.store.run(results.read(jid))
                if data is None:
                    wait.judge(found)
        return self._value(data, jid, job)

    async def aresult(self, jid: str, timeout: Duration | None = None, *, job: Job[Any, Any] | None = None) -> object:
        """Return what a job of any class gave, awaiting it if it has not ended; as `result`."""
        import asyncio

        wait = _Wait(jid, timeout, self.time)
        data = await self.async_store.run(results.read(jid))
        while data is None:
            if seconds := wait.seconds():
                data = await self._aawaited(jid, seconds)
            if data is None:
                found = await asyncio.to_thread(self.find, jid)
                data = await self.async_store.run(results.read(jid))
                if data is None:
                    wait.judge(found)
        return self._value(data, jid, job)

    def _awaited(self, jid: str, seconds: float) -> bytes | None:
        try:
            return self.store.run(results.wait(jid, seconds))
        except StoreRefused as error:
            if error.code != "OOM":
                raise
            # A server that is full lets nobody wait, since all that could be waited for takes memory; but one may look.
            self.time.sleep(min(seconds, _POLL))
            return self.store.run(results.read(jid))

    async def _aawaited(self, jid: str, seconds: float) -> bytes | None:
        import asyncio

        try:
            return await self.async_store.run(results.wait(jid, seconds))
        except StoreRefused as error:
            if error.code != "OOM":
                raise
            await asyncio.sleep(min(seconds, _POLL))
            return await self.async_store.run(results.read(jid))

    def _value(self, data: bytes, jid: str, job: Job[Any, Any] | None) -> object:
        try:
            record = codec.decode(data)
        except InvalidPayload as error:
            raise NoResult(jid, f"what is kept of it is no result: {error}") from error
        if not isinstance(record, dict):
            raise NoResult(jid, "what is kept of it is no result")
        name = str(record.get("class"))
        if job is not None and job.name != name:
            raise NoResult(jid, f"it is a job of {name}, not of {job.name}")
        if "error" in record:
            raise _failure(jid, record)
        if "value" not in record:
            raise NoResult(jid, f"it succeeded, and what it returned could not be kept: {record.get('problem')}")
        value = record["value"]
        if is_sealed(value):
            try:
                value = self.keyring.unseal(value, jid, name, PLACE)
            except DecryptFailed as error:
                raise NoResult(jid, str(error)) from error
        return _received(value, jid, self.jobs.get(name) if job is None else job)


def _received(value: object, jid: str, job: Job[Any, Any] | None) -> object:
    if job is None:
        return value
    try:
        return job.arguments.result.receive(value)
    except Unfit as error:
        raise NoResult(jid, f"it does not fit the annotation of {job.name}, which may have changed: {error}") from error


def _failure(jid: str, record: Mapping[str, object]) -> JobFailed:
    error = record["error"]
    facts = error if isinstance(error, dict) else {}
    frames = facts.get("traceback")
    return JobFailed(
        jid,
        str(facts.get("type", "")),
        str(facts.get("message", "")),
        [str(frame) for frame in frames] if isinstance(frames, list) else [],
        state=str(record.get("state", "dead")),
    )


class _Wait:
    """One wait for a result: how long to wait next, and when to give up."""

    def __init__(self, jid: str, timeout: Duration | None, clock: TimeSource) -> None:
        if not isinstance(jid, str) or not jid:
            raise InvalidOption(f"{jid!r} is no job's id: pass the jid of what `enqueue` returned")
        self._jid = jid
        self._timeout = None if timeout is None else durations.seconds(timeout)
        self._clock = clock.monotonic
        self._deadline = math.inf if self._timeout is None else self._clock() + self._timeout
        self._next = _FIRST_LOOK
        self._was_missed = False

    def seconds(self) -> float:
        """Return how long to wait before the job itself is looked for; 0 if the time is up.

        Raises:
            ResultTimeout: If nobody wanted to wait at all.
        """
        if self._timeout == 0:
            raise ResultTimeout(self._jid, 0.0)
        left = max(0.0, min(self._next, self._deadline - self._clock()))
        self._next = min(self._next * 2, _RAREST_LOOK)
        # The server reads milliseconds, and takes 0 for ever.
        return left if left >= 0.001 else 0.0

    def judge(self, found: Found | None) -> None:
        """Give up if the job will give nothing, or the time is up.

        Raises:
            NoResult: If it is nowhere, or keeps no result.
            JobFailed: If it is dead.
            ResultTimeout: If the time is up.
        """
        if found is None:
            # One that moved while it was looked for may have been overlooked once.
            if self._was_missed:
                raise NoResult(
                    self._jid, "there is no such job, or it has ended and no result of it is kept (any more)"
                )
            self._was_missed = True
            return
        self._was_missed = False
        if found.place == "dead":
            raise JobFailed(self._jid, found.error_class or "", found.error_message or "", found.backtrace)
        flow = read_flow(found.fields.get("flow"))
        if flow is None or not flow.result_ttl:
            raise NoResult(self._jid, "it keeps no result: give its job result_ttl=")
        if self._clock() >= self._deadline:
            raise ResultTimeout(self._jid, self._timeout or 0.0)
