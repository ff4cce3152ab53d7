"""Makes limiters: `App.limiter`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from random import Random
from types import SimpleNamespace
from typing import Final, TypeAlias

from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidDuration, InvalidName, InvalidOption
from mainspring.base.timesource import TimeSource
from mainspring.features.limits.permits import Desk, Part
from mainspring.features.limits.taking import Takeable
from mainspring.store.connection import AsyncStore, Store
from mainspring.store.limiters import CONCURRENT, MOST_COST, Limit

#: Chooses, from a job's arguments as attributes of one object, whose limit counts; None: none does.
Key: TypeAlias = Callable[[SimpleNamespace], object]

_NAME: Final = re.compile(r"[A-Za-z0-9_:.-]{1,200}")
_LONGEST_NAME: Final = 200
#: The most of what the store keeps a record of for each taking.
_MOST_RECORDS: Final = 10_000
_RECORDED: Final = frozenset({CONCURRENT, "window"})
#: Kinds of which parts of one can be taken.
_DIVISIBLE: Final = frozenset({"leaky", "points"})
_SHORTEST: Final = 0.001
_LONGEST: Final = 366 * 86_400.0
_LEAST: Final = 0.000001


class Limiter(Takeable):
    """One limit that all processes share: ``with limiter: ...``, or ``with limiter(cost=3): ...``."""

    def __init__(self, desk: Desk, limit: Limit | None, wait: float) -> None:
        """Describe it; made by `App.limiter`."""
        super().__init__(desk, () if limit is None else ((limit, 1),), wait)
        self._limit = limit

    def __repr__(self) -> str:
        """Show what it limits."""
        return f"<Limiter {'unlimited' if self._limit is None else self._limit.spec}>"

    @property
    def name(self) -> str:
        """Its name; empty if it limits nothing."""
        return "" if self._limit is None else self._limit.name

    def __call__(self, cost: float = 1, *, wait: Duration | None = None) -> Takeable:
        """Return what takes more than one, or waits for another time, in a ``with``.

        Args:
            cost: How much to take: a whole number; of leaky and points limiters also parts of one.
            wait: How long to wait if it must; the limiter's own time without it.

        Raises:
            InvalidOption: If *cost* is none, or can never be given; or *wait* is no duration.
        """
        parts: tuple[Part, ...] = () if self._limit is None else ((self._limit, _cost(self._limit, cost)),)
        return Takeable(self._desk, parts, self._wait if wait is None else _span("wait", wait, least=0.0))

    def by(self, key: Key) -> Keyed:
        """Return a limiter for each value of *key*, as an option of a job.

        Example:
            .. code-block:: python

                @app.job(limits=[app.limiter.window("sync", 10, "1m").by(lambda a: a.customer_id)])
                def sync(customer_id: int) -> None: ...

        Args:
            key: Given the job's arguments as attributes, returns a value; None if nothing limits this job.
        """
        return Keyed(self, key)

    def keyed(self, value: object) -> Limiter:
        """Return the limiter of the same kind for one *value*, such as a customer's id, by its text."""
        if self._limit is None:
            return self
        from hashlib import sha256
        from urllib.parse import quote

        limit = self._limit
        name = f"{limit.name}:{quote(str(value), safe='')}"
        if len(name) > _LONGEST_NAME:
            name = f"{limit.name[:100]}:{sha256(name.encode()).hexdigest()}"
        return Limiter(self._desk, Limit(limit.kind, limit.n, limit.us, name), self._wait)

    def specs(self, arguments: Mapping[str, object]) -> tuple[str, ...]:  # noqa: ARG002 - those of a `Keyed` need them
        """Return the specs of what limits a job with these *arguments*, for the option ``limits``."""
        return () if self._limit is None else (self._limit.spec,)


class Keyed:
    """A limiter for each value of a key; see `Limiter.by`."""

    def __init__(self, limiter: Limiter, key: Key) -> None:
        """Describe it."""
        if not callable(key):
            raise InvalidOption(f"by({key!r}): must be a function of the job's arguments")
        self.limiter = limiter
        self.key = key

    def of(self, arguments: Mapping[str, object]) -> Limiter | None:
        """Return the limiter of a job with these *arguments*, by name; None if nothing limits it."""
        value = self.key(SimpleNamespace(**arguments))
        return None if value is None else self.limiter.keyed(value)

    def specs(self, arguments: Mapping[str, object]) -> tuple[str, ...]:
        """Return the specs of what limits a job with these *arguments*, for the option ``limits``."""
        limiter = self.of(arguments)
        return () if limiter is None else limiter.specs(arguments)


class LimiterKinds:
    """The kinds of limiters. Make each once, where its module is loaded, and use it everywhere.

    A limiter is one for all processes on the same store, by kind and name. *wait* is how long those wait
    that come when there is nothing left, before `OverLimit` is raised; they do not spin.
    """

    def __init__(self, desk: Desk) -> None:
        """Make limiters for an App."""
        self._desk = desk

    def concurrent(self, name: str, n: int, *, wait: Duration = 5.0, ttl: Duration = 30.0) -> Limiter:
        """Let *n* work at once.

        Who waits is woken as soon as a slot is given back. A slot is held until the block ends, and for *ttl* at
        most: then it is taken for lost with its process, and given to others. Choose *ttl* longer than the longest
        block, or call `Permit.renew` in it.

        Args:
            name: 1 to 200 letters, digits and _ : . -
            n: How many, 1 to 10,000.
            wait: How long to wait for a slot.
            ttl: How long a slot is held at most, a millisecond to a year.

        Raises:
            InvalidName: If *name* cannot name a limiter.
            InvalidOption: If an option cannot mean anything.
        """
        return self._make(CONCURRENT, name, n, _span("ttl", ttl), wait)

    def bucket(self, name: str, n: int, per: Duration, *, wait: Duration = 5.0) -> Limiter:
        """Let *n* through in each interval *per*, counted from 1970 UTC: in each minute, hour or day of the clock.

        Around the end of an interval, twice as many can come within a moment; `window` has no such place.

        Args:
            name: 1 to 200 letters, digits and _ : . -
            n: How many, 1 to a thousand million.
            per: The interval, a millisecond to a year.
            wait: How long to wait for the next interval.

        Raises:
            InvalidName: If *name* cannot name a limiter.
            InvalidOption: If an option cannot mean anything.
        """
        return self._make("bucket", name, n, _span("per", per), wait)

    def window(self, name: str, n: int, per: Duration, *, wait: Duration = 5.0) -> Limiter:
        """Let *n* through in any span *per*, wherever it begins: exact.

        The store keeps a record of each that is in the window, which is why *n* is bounded.

        Args:
            name: 1 to 200 letters, digits and _ : . -
            n: How many, 1 to 10,000; for more, `bucket` and `leaky` need no records.
            per: The span, a millisecond to a year.
            wait: How long to wait until the oldest leaves the window.

        Raises:
            InvalidName: If *name* cannot name a limiter.
            InvalidOption: If an option cannot mean anything.
        """
        return self._make("window", name, n, _span("per", per), wait)

    def leaky(self, name: str, size: int, drain: Duration, *, wait: Duration = 5.0) -> Limiter:
        """Let a burst of *size* through, then one each *drain* / *size*.

        A bucket of *size* that drains in *drain* when full; who comes when it is full must wait.

        Args:
            name: 1 to 200 letters, digits and _ : . -
            size: How much it holds, 1 to a thousand million.
            drain: How long a full one takes to drain, a millisecond to a year.
            wait: How long to wait for room.

        Raises:
            InvalidName: If *name* cannot name a limiter.
            InvalidOption: If an option cannot mean anything.
        """
        return self._make("leaky", name, size, _span("drain", drain), wait)

    def points(self, name: str, n: int, refill: float, *, wait: Duration = 5.0) -> Limiter:
        """Let *n* points be used, of which *refill* come back each second, as many GraphQL services count.

        Take an estimate, and correct it when the service has said what it was.

        Example:
            .. code-block:: python

                shop = app.limiter.points("shop", 1000, 50)

                with shop(cost=100) as permit:
                    permit.points_used(query_the_shop())

        Args:
            name: 1 to 200 letters, digits and _ : . -
            n: How many points there are, 1 to a thousand million.
            refill: How many come back each second.
            wait: How long to wait until there are enough.

        Raises:
            InvalidName: If *name* cannot name a limiter.
            InvalidOption: If an option cannot mean anything.
        """
        count = _whole("n", n, MOST_COST)
        if not _is_number(refill) or not _SHORTEST <= count / max(refill, _LEAST / _LONGEST) <= _LONGEST:
            raise InvalidOption(f"refill={refill!r}: all {count:,} must come back in a millisecond to a year")
        return self._make("points", name, count, count / refill, wait)

    def unlimited(self) -> Limiter:
        """Return what limits nothing, to stand in the place of a limiter; it asks no store."""
        return Limiter(self._desk, None, 0.0)

    def all(self, *takeables: Takeable, wait: Duration | None = None) -> Takeable:
        """Return what takes of several limiters together: of all of them, or of none.

        Example:
            .. code-block:: python

                with app.limiter.all(per_second, per_day(cost=3)):
                    call_the_partner()

        Args:
            takeables: Limiters, or what they return when they are called with a cost.
            wait: How long to wait if it must; without it the shortest time of theirs.

        Raises:
            InvalidOption: If none is given, two of them have one name and mean different limits, or the sum
                of the costs for one of them can never be given.
        """
        if not takeables:
            raise InvalidOption("limiter.all(): must be given limiters")
        span = min(each.wait for each in takeables) if wait is None else _span("wait", wait, least=0.0)
        return Takeable(self._desk, _together(takeables), span)

    def _make(self, kind: str, name: str, n: int, span: float, wait: Duration) -> Limiter:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise InvalidName(f"{name!r} cannot name a limiter: use 1 to 200 letters, digits and _ : . -")
        count = _whole("size" if kind == "leaky" else "n", n, _MOST_RECORDS if kind in _RECORDED else MOST_COST)
        return Limiter(
            self._desk, Limit(kind, count, math.ceil(span * 1_000_000), name), _span("wait", wait, least=0.0)
        )


class Limiting:
    """The part of an App that makes limiters."""

    time: TimeSource
    rng: Random

    @property
    def store(self) -> Store:
        """The store; the App's."""
        raise NotImplementedError

    @property
    def async_store(self) -> AsyncStore:
        """The store, for calls that are awaited; the App's."""
        raise NotImplementedError

    @property
    def limiter(self) -> LimiterKinds:
        """The kinds of limiters, each of which makes one: ``app.limiter.window("partner", 10, "1s")``."""
        return LimiterKinds(Desk(lambda: self.store, lambda: self.async_store, self.time, self.rng))


def _together(takeables: tuple[Takeable, ...]) -> tuple[Part, ...]:
    """Return all parts, those of one limit added up, in the order of their names."""
    sums: dict[tuple[str, str], Part] = {}
    for limit, cost in (part for each in takeables for part in each.parts):
        known, before = sums.get((limit.kind, limit.name), (limit, 0.0))
        if known != limit:
            raise InvalidOption(f"limiter.all(): {known.spec} and {limit.spec} have one name and are different limits")
        sums[limit.kind, limit.name] = limit, _cost(limit, before + cost)
    return tuple(sums[key] for key in sorted(sums))


def _cost(limit: Limit, cost: float) -> float:
    is_divisible = limit.kind in _DIVISIBLE
    if not _is_number(cost) or cost < _LEAST or not (is_divisible or float(cost).is_integer()):
        what = "a number above 0" if is_divisible else "a whole number above 0"
        raise InvalidOption(f"cost={cost!r}: must be {what} for the {limit.kind} limiter {limit.name!r}")
    if cost > limit.n:
        raise InvalidOption(f"cost={cost!r}: the limiter {limit.name!r} can never give more than {limit.n}")
    return cost


def _whole(option: str, value: object, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidOption(f"{option}={value!r}: must be a whole number from 1 to {most:,}")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _span(option: str, value: Duration, *, least: float = _SHORTEST) -> float:
    try:
        found = durations.seconds(value)
    except InvalidDuration as error:
        raise InvalidOption(f"{option}={value!r}: {error}") from error
    if not least <= found <= _LONGEST:
        raise InvalidOption(f"{option}={value!r}: must be from a millisecond to a year")
    return found
