"""Takes of limiters, of all or of none: at once, or after a wait that does not spin."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final

from mainspring.base.errors import OverLimit
from mainspring.base.timesource import TimeSource
from mainspring.features.limits.permits import Desk, Part, Permit
from mainspring.push import new_jid
from mainspring.store import limiters
from mainspring.store.command import Command
from mainspring.store.limiters import CONCURRENT

#: What the ``with`` blocks around hold, the innermost last.
_held: Final[ContextVar[tuple[tuple[Takeable, Permit], ...]]] = ContextVar("mainspring_limits_held", default=())

#: For how many seconds at most one listens for a free slot before it looks by itself.
_LISTEN: Final = 1.0
#: The longest single sleep, in seconds, of a thread that waits.
_NAP: Final = 1.0
#: The most jitter, in seconds, with which those that wait for the same instant look.
_JITTER: Final = 0.05


class Takeable:
    """One limiter or several, and how much to take of each: for ``with`` and ``async with``."""

    def __init__(self, desk: Desk, parts: Sequence[Part], wait: float) -> None:
        """Ask for nothing yet; made by `App.limiter`."""
        self._desk = desk
        self._parts = tuple(parts)
        self._wait = wait

    @property
    def parts(self) -> tuple[Part, ...]:
        """The limits, and how much is taken of each; none for what is unlimited."""
        return self._parts

    @property
    def wait(self) -> float:
        """For how many seconds it waits if it must."""
        return self._wait

    def acquire(self) -> Permit:
        """Take of all limits or of none, waiting if it must; ``with`` does the same, and raises.

        Returns:
            A `Permit`, true if it was taken; then slots of concurrent limiters are to be released. Else its
            ``retry_after`` tells when to try again: at once, if that is later than it would have waited.

        Raises:
            StoreError: If the store does not answer.
        """
        asking = _Asking(self._desk, self._parts, self._wait)
        while True:
            permit = asking.heard(self._desk.run(asking.command())) if self._parts else asking.given()
            if permit is not None:
                return permit
            if asking.signal is None:
                self._sleep(asking.pause)
            else:
                self._desk.store().run(asking.signal)

    async def aacquire(self) -> Permit:
        """Take of all limits or of none, from a coroutine; as `acquire`."""
        import asyncio

        asking = _Asking(self._desk, self._parts, self._wait)
        while True:
            permit = asking.heard(await self._desk.arun(asking.command())) if self._parts else asking.given()
            if permit is not None:
                return permit
            if asking.signal is None:
                await asyncio.sleep(asking.pause)
            else:
                await self._desk.async_store().run(asking.signal)

    def __enter__(self) -> Permit:
        """Take of all limits.

        Raises:
            OverLimit: If one gave nothing, not even after the wait.
            StoreError: If the store does not answer.
        """
        return self._enter(self.acquire())

    def __exit__(self, *_: object) -> None:
        """Give slots back."""
        self._exit().release()

    async def __aenter__(self) -> Permit:
        """Take of all limits; as ``with``."""
        return self._enter(await self.aacquire())

    async def __aexit__(self, *_: object) -> None:
        """Give slots back."""
        await self._exit().arelease()

    def _sleep(self, seconds: float) -> None:
        clock = self._desk.time
        until = clock.monotonic() + seconds
        while seconds > 0:
            # What a worker raises in a job's thread, such as at shutdown, can reach it only between two sleeps.
            clock.sleep(min(seconds, _NAP))
            seconds = until - clock.monotonic()

    def _enter(self, permit: Permit) -> Permit:
        if not permit:
            raise OverLimit(permit.name, permit.retry_after)
        _held.set((*_held.get(), (self, permit)))
        return permit

    def _exit(self) -> Permit:
        # One limiter may be entered by many threads and tasks, and by one of them again.
        held = _held.get()
        ours = [place for place, (owner, _) in enumerate(held) if owner is self]
        if not ours:
            raise RuntimeError(f"{self!r} was entered in another context than it is left in")
        _held.set((*held[: ours[-1]], *held[ours[-1] + 1 :]))
        return held[ours[-1]][1]


class _Asking:
    """One caller's way to a permit: ask, and if there is nothing, decide what to wait for.

    Attributes:
        pause: For how many seconds to wait before the next call.
        signal: What to wait for in place of a mere pause: a free slot; None if only time helps.
    """

    def __init__(self, desk: Desk, parts: Sequence[Part], wait: float) -> None:
        self._desk = desk
        self._parts = parts
        self._member = new_jid()
        self._time: TimeSource = desk.time
        self._deadline = self._time.monotonic() + wait
        self._left = wait
        self.pause = 0.0
        self.signal: Command[bool] | None = None

    def command(self) -> Command[tuple[float, ...]]:
        """Return the call to be made."""
        self._left = max(0.0, self._deadline - self._time.monotonic())
        return limiters.take(self._parts, self._member, self._left)

    def given(self) -> Permit:
        """Return the permit of one who was given all."""
        return Permit(self._desk, self._parts, self._member)

    def heard(self, waits: tuple[float, ...]) -> Permit | None:
        """Return what comes of the call's answer; None if it is worth waiting."""
        if not any(waits):
            return self.given()
        longest = max(waits)
        refusing = self._parts[waits.index(longest)][0]
        asked = zip(waits, self._parts, strict=True)
        certain = max((wait for wait, (limit, _) in asked if limit.kind != CONCURRENT), default=0.0)
        if self._left <= 0 or certain > self._left:
            return Permit(self._desk, (), self._member, name=refusing.name, retry_after=longest)
        if certain > 0:
            jitter = self._desk.rng.uniform(0.0, min(_JITTER, certain / 10))
            self.pause, self.signal = min(certain + jitter, self._left), None
        else:
            # Slots are given back at any time, and by the dead when their time is over.
            listen = self._desk.rng.uniform(_LISTEN / 2, _LISTEN)
            self.signal = limiters.freed(refusing.name, max(0.01, min(listen, longest, self._left)))
        return None
