"""Once, and not too often: for code that fans out over many processes, of which one shall do it.

The first caller sets a key that the server lets expire by itself; everybody else finds it
set. Nothing is held by a process, so there is nothing that a crash could leave behind but
the time that is left on the key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidDuration, InvalidName, InvalidOption, NotInAJob, StoreError, StoreUnavailable
from mainspring.base.loggers import Log
from mainspring.context import current_job
from mainspring.push import new_jid
from mainspring.store import once
from mainspring.store.command import Command

if TYPE_CHECKING:
    from mainspring.store.connection import AsyncStore, Store

T = TypeVar("T")

_log: Final = Log("mainspring.once")

#: The longest time, in milliseconds, that a server takes: about a century.
_LONGEST: Final = 100 * 366 * 86_400_000
_LONGEST_NAME: Final = 500


class Once:
    """The part of an App that lets one caller do a thing, out of all callers on all machines."""

    @property
    def store(self) -> Store:
        """The store; the App's."""
        raise NotImplementedError

    @property
    def async_store(self) -> AsyncStore:
        """The store, for calls that are awaited; the App's."""
        raise NotImplementedError

    def throttle(self, key: str, every: Duration) -> bool:
        """Return True for at most one caller in each period *every*, across all machines.

        Example:
            .. code-block:: python

                if app.throttle("low-stock:42", "12h"):
                    mail_the_buyer(42)

        The period begins with the call that got True; calls that got False do not lengthen it.

        Args:
            key: What is throttled; 1 to 500 printable characters.
            every: A duration, at least a millisecond.

        Raises:
            InvalidName: If *key* cannot be a name.
            InvalidOption: If *every* is no duration, or none at all.
            StoreError: If the store does not answer; then perhaps the period has begun.
        """
        return _insist(self.store.run, once.throttle(_name(key), new_jid(), _milliseconds("every", every)))

    async def athrottle(self, key: str, every: Duration) -> bool:
        """Return True for at most one caller in each period; as `throttle`."""
        command = once.throttle(_name(key), new_jid(), _milliseconds("every", every))
        return await _ainsist(self.async_store, command)

    def run_once(self, key: str, ttl: Duration) -> bool:
        """Return True for the first caller only, across all machines, until *ttl* has passed.

        Inside a job it is the job that is the first caller, and not the run: a retry of the same job gets
        True again, so that what failed half-way is done. Elsewhere every call is a caller of its own; with
        `once` the body's failure gives it back.

        Args:
            key: What shall be done once; 1 to 500 printable characters.
            ttl: A duration, at least a millisecond: how long it is remembered, counted from the first call.

        Raises:
            InvalidName: If *key* cannot be a name.
            InvalidOption: If *ttl* is no duration, or none at all.
            StoreError: If the store does not answer; then perhaps nobody gets True until *ttl* has passed.
        """
        return _insist(self.store.run, once.take(_name(key), _caller(), _milliseconds("ttl", ttl)))

    async def arun_once(self, key: str, ttl: Duration) -> bool:
        """Return True for the first caller only; as `run_once`."""
        return await _ainsist(self.async_store, once.take(_name(key), _caller(), _milliseconds("ttl", ttl)))

    def once(self, key: str, ttl: Duration) -> Claim:
        """Return a context that is True for the first caller only, and gives it back if the body raises.

        Example:
            .. code-block:: python

                with app.once("import:2026-11", "1d") as mine:
                    if mine:
                        import_month()

        Also ``async with``. A process that dies in the body gives nothing back: then *ttl* has to pass.

        Raises:
            InvalidName: If *key* cannot be a name.
            InvalidOption: If *ttl* is no duration, or none at all.
        """
        return Claim(self, _name(key), _milliseconds("ttl", ttl))


class Claim:
    """What `App.once` returns: entered, it says whether it is this caller's."""

    def __init__(self, app: Once, name: str, ttl_ms: int) -> None:
        self._app = app
        self._name = name
        self._ttl_ms = ttl_ms
        self._owner = _caller()
        self._is_mine = False

    def __enter__(self) -> bool:
        """Try to take it."""
        self._is_mine = _insist(self._app.store.run, once.take(self._name, self._owner, self._ttl_ms))
        return self._is_mine

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Give it back if the body raised."""
        if kind is None or not self._is_mine:
            return
        try:
            self._app.store.run(once.release(self._name, self._owner))
        except StoreError as trouble:
            self._could_not(trouble)

    async def __aenter__(self) -> bool:
        """Try to take it."""
        self._is_mine = await _ainsist(self._app.async_store, once.take(self._name, self._owner, self._ttl_ms))
        return self._is_mine

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Give it back if the body raised."""
        if kind is None or not self._is_mine:
            return
        try:
            await self._app.async_store.run(once.release(self._name, self._owner))
        except StoreError as trouble:
            self._could_not(trouble)

    def _could_not(self, trouble: StoreError) -> None:
        # What the body raised is what the caller must hear of.
        facts = {"key": self._name, "ttl_ms": self._ttl_ms}
        _log.warning(
            "%s failed, and could not be given back: %s; it is free when its time has passed",
            self._name,
            trouble,
            extra={"event": "once.kept", "facts": facts},
        )


def _insist(run: Callable[[Command[T]], T], command: Command[T]) -> T:
    """Make a call; make it again if its answer was lost, which its owner's token makes harmless."""
    try:
        return run(command)
    except StoreUnavailable as error:
        if error.applied is False:
            raise
        return run(command)


async def _ainsist(store: AsyncStore, command: Command[T]) -> T:
    """Make a call from a coroutine, as `_insist`."""
    try:
        return await store.run(command)
    except StoreUnavailable as error:
        if error.applied is False:
            raise
        return await store.run(command)


def _caller() -> str:
    """Return who asks: the running job, whose retries ask in its name; else nobody who will ask again."""
    try:
        return current_job().jid
    except NotInAJob:
        return new_jid()


def _name(key: object) -> str:
    if not isinstance(key, str) or not key.isprintable() or not 0 < len(key) <= _LONGEST_NAME:
        raise InvalidName(f"{key!r} cannot name what is done once: use 1 to {_LONGEST_NAME} printable characters")
    return key


def _milliseconds(option: str, span: Duration) -> int:
    try:
        found = round(durations.seconds(span) * 1000)
    except InvalidDuration as error:
        raise InvalidOption(f"{option}={span!r}: {error}") from error
    if not 1 <= found <= _LONGEST:
        raise InvalidOption(f"{option}={span!r}: must be from a millisecond to a century")
    return found
