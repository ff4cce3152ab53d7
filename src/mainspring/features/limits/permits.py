"""What a limiter has given: held meanwhile, then given back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias, TypeVar

from mainspring.base.errors import InvalidOption, StoreError, StoreUnavailable
from mainspring.base.loggers import Log
from mainspring.base.timesource import TimeSource
from mainspring.store import limiters
from mainspring.store.command import Command
from mainspring.store.connection import AsyncStore, Store
from mainspring.store.limiters import CONCURRENT, POINTS, Limit

T = TypeVar("T")

#: A limit, and how much is taken of it.
Part: TypeAlias = tuple[Limit, float]

_log: Final = Log("mainspring.limits")


@dataclass(frozen=True, slots=True)
class Desk:
    """What all limiters of an App have in common.

    Attributes:
        store: Returns the store, for calls that block.
        async_store: Returns the store, for calls that are awaited.
        time: The clocks.
        rng: The source of jitter.
    """

    store: Callable[[], Store]
    async_store: Callable[[], AsyncStore]
    time: TimeSource
    rng: Random

    def run(self, command: Command[T]) -> T:
        """Make a call; make it again if its answer was lost: so a limit may be taken of twice, and never too little."""
        try:
            return self.store().run(command)
        except StoreUnavailable as error:
            if error.applied is False:
                raise
            return self.store().run(command)

    async def arun(self, command: Command[T]) -> T:
        """Make a call from a coroutine; as `run`."""
        try:
            return await self.async_store().run(command)
        except StoreUnavailable as error:
            if error.applied is False:
                raise
            return await self.async_store().run(command)


class Permit:
    """What limiters answered; true if they gave.

    Attributes:
        name: The limiter that gave nothing; empty if all gave.
        retry_after: In how many seconds it would give, if nobody else took of it; 0 if all gave.
    """

    def __init__(
        self, desk: Desk, parts: Sequence[Part], member: str, *, name: str = "", retry_after: float = 0.0
    ) -> None:
        """Note what was asked, and what came out; made by limiters."""
        self._desk = desk
        self._member = member
        self._parts = () if name else tuple(parts)
        self._slots = [(limit, int(cost)) for limit, cost in self._parts if limit.kind == CONCURRENT]
        self.name = name
        self.retry_after = retry_after

    def __bool__(self) -> bool:
        """Return whether the limiters gave."""
        return not self.name

    # --- slots of concurrent limiters --------------------------------------------------

    def release(self) -> bool:
        """Give back the slots of concurrent limiters; what was taken of others comes back with time.

        A store that does not answer is logged and not raised: the work is done, and the slot is free
        when its time is over.

        Returns:
            False if a slot's time was over before, so that others may have worked at the same time.
        """
        slots = self._let_go()
        try:
            answers = self._desk.store().pipeline(self._releases(slots)) if slots else []
        except StoreError as error:
            answers = [error] * len(slots)
        return _judged(slots, answers)

    async def arelease(self) -> bool:
        """Give back the slots of concurrent limiters; as `release`."""
        slots = self._let_go()
        try:
            answers = await self._desk.async_store().pipeline(self._releases(slots)) if slots else []
        except StoreError as error:
            answers = [error] * len(slots)
        return _judged(slots, answers)

    def renew(self) -> bool:
        """Hold the slots of concurrent limiters for their whole time from now on.

        Returns:
            False if a slot's time was over before: stop, for others may have it.

        Raises:
            StoreError: If the store does not answer.
        """
        held = [self._desk.run(command) for command in self._renewals()]
        return all(held)

    async def arenew(self) -> bool:
        """Hold the slots of concurrent limiters for their whole time from now on; as `renew`."""
        held = [await self._desk.arun(command) for command in self._renewals()]
        return all(held)

    def _let_go(self) -> list[tuple[Limit, int]]:
        slots, self._slots = self._slots, []
        return slots

    def _releases(self, slots: Sequence[tuple[Limit, int]]) -> list[Command[int]]:
        return [limiters.release(limit, self._member, cost) for limit, cost in slots]

    def _renewals(self) -> list[Command[bool]]:
        return [limiters.renew(limit, self._member, cost) for limit, cost in self._slots]

    # --- estimates of points limiters ----------------------------------------------------

    def points_used(self, actual: float) -> None:
        """Correct the cost that was taken of a points limiter: *actual* is what was used in all.

        It may be more than there was; then the limiter gives nothing until that has come back, too.

        Raises:
            InvalidOption: If no points limiter gave, or *actual* is no number of points.
            StoreError: If the store does not answer; then perhaps the estimate stands.
        """
        for command in self._corrections(actual):
            self._desk.store().run(command)
        self._corrected(actual)

    async def apoints_used(self, actual: float) -> None:
        """Correct the cost that was taken of a points limiter; as `points_used`."""
        for command in self._corrections(actual):
            await self._desk.async_store().run(command)
        self._corrected(actual)

    def _corrections(self, actual: float) -> list[Command[None]]:
        points = [(limit, cost) for limit, cost in self._parts if limit.kind == POINTS]
        if not points or not 0 <= actual <= limiters.MOST_COST:
            raise InvalidOption(f"points_used({actual!r}): must be a number of points, of a points limiter that gave")
        return [limiters.adjust(limit, actual - cost) for limit, cost in points]

    def _corrected(self, actual: float) -> None:
        self._parts = tuple((limit, actual if limit.kind == POINTS else cost) for limit, cost in self._parts)


def _judged(slots: Sequence[tuple[Limit, int]], answers: Sequence[object]) -> bool:
    """Return whether all slots were held to the end, and let people know of those that were not."""
    is_held = True
    for (limit, cost), answer in zip(slots, answers, strict=True):
        if isinstance(answer, StoreError):
            _warn("limit.kept", limit, f"a slot could not be given back: {answer}")
        elif isinstance(answer, int) and answer < cost:
            _warn("limit.overrun", limit, f"a slot was held for longer than its ttl of {limit.seconds:g} s")
            is_held = False
    return is_held


def _warn(event: str, limit: Limit, text: str) -> None:
    facts = {"limiter": limit.name, "ttl": limit.seconds}
    _log.warning("limiter %s: %s", limit.name, text, extra={"event": event, "facts": facts})
