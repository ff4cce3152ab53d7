"""Unique jobs: while one of some arguments waits or runs, no other of the same arguments is taken.

The lock is taken in the script that stores the job, and let go in the script that settles
or removes it, so neither is ever without the other. What two calls have in common that are
the same is a digest, made here of the job's class, its queue and its arguments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, ParamSpec

import msgspec

from mainspring.base.errors import InvalidOption, WrongArguments
from mainspring.job import Draft, Job, Tie
from mainspring.store import locks
from mainspring.store.connection import AsyncStore, Store

P = ParamSpec("P")

#: Hexadecimal digits of a digest: 128 bits, so that no two of all calls ever made have the same.
DIGITS: Final = 32
# Of these types, equal values are the same argument.
_SIMPLE: Final = frozenset({type(None), bool, int, float, str})


def tie(job: Job[Any, Any]) -> Tie | None:
    """Return what writes the lock of each call into its record; None if the job is not unique."""
    options = job.options
    if options.unique_for is None:
        return None
    digest = _digest(job)
    asked: dict[str, object] = {"unique_for": options.unique_for}
    if options.unique_until == "start":
        asked["until"] = "start"

    def write(draft: Draft) -> None:
        flow = draft.flow
        flow["lock"] = digest(draft)
        flow.update(asked)

    return write


class Unlocking:
    """The part of an App that takes locks away."""

    @property
    def store(self) -> Store:
        """The store; the App's."""
        raise NotImplementedError

    @property
    def async_store(self) -> AsyncStore:
        """The store, for calls that are awaited; the App's."""
        raise NotImplementedError

    def job_named(self, name: str) -> Job[Any, Any]:
        """Return the job *name*; the App's."""
        raise NotImplementedError

    def unlock(self, job: Job[P, Any] | str, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Take the unique lock of a call away, so that the same may be enqueued again at once.

        The job that held it stays what it is, and runs: it is for a job that will never end, or was dropped by
        other tools than these, and need not be waited for until its ``unique_for`` has passed.

        Args:
            job: The job, or its name; with ``using(queue=...)`` if that is how it was enqueued.
            args: Its arguments, as they were given to `Job.enqueue`.
            kwargs: Its keyword arguments.

        Example:
            ``app.unlock(sync_customer, 42)``

        Returns:
            True if a job held it.

        Raises:
            InvalidOption: If the job is not unique.
            UnknownJob: If there is no job of this name.
            WrongArguments: If they do not fit the function's signature.
        """
        return self.store.run(locks.remove(self._lock(job, args, kwargs)))

    async def aunlock(self, job: Job[P, Any] | str, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Take the unique lock of a call away, awaiting the store; as `unlock`."""
        return await self.async_store.run(locks.remove(self._lock(job, args, kwargs)))

    def _lock(self, job: Job[Any, Any] | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        known = self.job_named(job) if isinstance(job, str) else job
        if known.options.unique_for is None:
            raise InvalidOption(f"{known.name} has no lock: it is not unique, as with @app.job(unique_for=...)")
        wire_args, wire_kwargs = known.arguments.bind(args, kwargs)
        fields = {"class": known.name, "queue": known.options.queue, "args": wire_args, "kwargs": wire_kwargs}
        return _digest(known)(Draft(fields, 0.0, args, kwargs, known))


def _digest(job: Job[Any, Any]) -> Callable[[Draft], str]:
    """Return what makes the digest of a call of *job*."""
    choose = job.options.unique_by
    common = _by_all_arguments(job) if choose is None else lambda draft: choose(draft.named())

    def digest(draft: Draft) -> str:
        # Outside of the guard: what a function of the user's raises is the user's.
        found = common(draft)
        try:
            text = _ENCODER.encode([job.name, draft.fields["queue"], found])
        except (TypeError, ValueError, RecursionError) as error:
            raise WrongArguments(job.name, None, f"what makes the job unique has no JSON form: {error}") from error
        return hashlib.sha256(text).hexdigest()[:DIGITS]

    return digest


def _by_all_arguments(job: Job[Any, Any]) -> Callable[[Draft], object]:
    """Return what names all arguments, so that it does not matter which were given by name, or are the default."""
    parameters = [each for each in job.arguments.parameters if each.kind is not each.VAR_POSITIONAL]
    names = [each.name for each in parameters if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}]
    defaults = {each.name: each.default for each in parameters if type(each.default) in _SIMPLE}

    def common(draft: Draft) -> object:
        fields = draft.fields
        found: dict[str, object] = dict(zip(names, fields["args"], strict=False))
        found.update(fields.get("kwargs", {}))
        if defaults:
            given = {**dict(zip(names, draft.args, strict=False)), **draft.kwargs}
            for name in [name for name in found if name in defaults and _is_same(given[name], defaults[name])]:
                del found[name]
        return [found, fields["args"][len(names) :]]

    return common


def _is_same(value: object, default: object) -> bool:
    return type(value) is type(default) and value == default


def _base_value(value: object) -> object:
    """Return the plain text or number inside an instance of a subclass, such as Django's SafeString."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    raise TypeError(f"an object of type {type(value).__name__}")


# Keys of dicts and elements of sets are in order, so that what is equal has the same digest in all processes.
_ENCODER: Final = msgspec.json.Encoder(order="sorted", enc_hook=_base_value)
