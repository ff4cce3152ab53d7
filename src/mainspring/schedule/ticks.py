"""What a tick is, and what becomes of those that came due while nobody looked.

A tick is the nominal instant at which an entry is due, in unix seconds with three
decimals. The job's id, the claim in the store and the next tick are all made from
it; systems that made them from the time at which they happened to look have fired
twice (GoodJob, Solid Queue, River, sidekiq-scheduler).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

Missed: TypeAlias = Literal["once", "all", "skip"]

#: What `missed` may be.
MISSED: tuple[str, ...] = get_args(Missed)
#: The resolution of ticks, in seconds.
MILLISECOND = 0.001
#: How many missed ticks of an entry are caught up, and counted, at most.
CAP = 1_000
#: Bounds of the default grace, in seconds.
LEAST_GRACE, MOST_GRACE = 60.0, 12 * 3600.0


class Rule(Protocol):
    """When an entry is due."""

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*; None if there is none."""

    def before(self, t: float) -> float | None:
        """Return the last tick strictly before *t*; None if there is none."""

    def anchored(self, anchor: float) -> Rule:
        """Return this rule as it counts from *anchor*, when the entry was first registered.

        A rule that names times of day counts from nothing and returns itself.
        """


@dataclass(frozen=True, slots=True)
class Never:
    """The rule of what is never due, such as an entry that cannot be read."""

    def after(self, _: float) -> None:
        """Return None."""

    def before(self, _: float) -> None:
        """Return None."""

    def anchored(self, _: float) -> Rule:
        """Return itself."""
        return self


@dataclass(frozen=True, slots=True)
class Due:
    """What to do about missed ticks.

    Attributes:
        ticks: Those to run, oldest first.
        folded: How many are left out; counted up to `CAP`.
        newest: The newest missed tick, from which the next one follows; where none was missed, where the look began.
    """

    ticks: tuple[float, ...]
    folded: int
    newest: float


def _at_once(_: float) -> float:
    return 0.0


def due(
    rule: Rule,
    last: float,
    now: float,
    *,
    missed: Missed = "once",
    grace: float | None = None,
    delay: Callable[[float], float] = _at_once,
) -> Due:
    """Decide what becomes of the ticks after *last* and before *now*.

    A tick at *now* itself was not missed, and neither was one that its delay still holds back.

    Args:
        rule: The entry's rule, anchored.
        last: The newest tick that was claimed, or the instant from which the entry counts.
        now: When a clock began, or began again, to look.
        missed: ``"once"`` runs the newest one, ``"all"`` the newest `CAP`, ``"skip"`` none.
        grace: Seconds by which a tick may be late. None means `default_grace` for ``"once"``,
            and no limit for ``"all"``, which is asked for by those who need every tick.
        delay: By how many seconds a tick is put off; by less than the gap to the next.
    """
    first = rule.after(last)
    if first is None or first >= now:
        return Due((), 0, last)
    found = _recent(rule, last, now, CAP + 1)
    if found[-1] + delay(found[-1]) >= now:
        found = found[:-1]
    if not found:
        return Due((), 0, last)
    kept = tuple(tick for tick in _kept(found, missed) if now - tick - delay(tick) <= _limit(rule, tick, missed, grace))
    return Due(kept, min(len(found) - len(kept), CAP), found[-1])


def default_grace(rule: Rule, tick: float) -> float:
    """Return by how many seconds *tick* may be late: half the gap to the next, from 60 s to 12 h."""
    following = rule.after(tick)
    if following is None:
        return MOST_GRACE
    return min(max((following - tick) / 2, LEAST_GRACE), MOST_GRACE)


def text(tick: float) -> str:
    """Return *tick* as it stands in the store: unix seconds with three decimals."""
    return f"{tick:.3f}"


def jid(name: str, tick: float, namespace: str = "") -> str:
    """Return the id of the job of one tick: 24 hex digits, the same on every node.

    A name holds no control character, so that the separator makes the parts unambiguous.
    """
    import hashlib

    parts = [name, text(tick), namespace] if namespace else [name, text(tick)]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def _kept(found: tuple[float, ...], missed: Missed) -> tuple[float, ...]:
    """Return those of the missed ticks that run, if they are not too late."""
    if missed == "skip":
        return ()
    return found[-CAP:] if missed == "all" else found[-1:]


def _limit(rule: Rule, tick: float, missed: Missed, grace: float | None) -> float:
    """Return by how many seconds *tick* may be late."""
    if grace is not None:
        return grace
    return math.inf if missed == "all" else default_grace(rule, tick)


def _recent(rule: Rule, last: float, now: float, limit: int) -> tuple[float, ...]:
    """Return the newest *limit* ticks between *last* and *now*, both excluded, oldest first.

    It walks backwards: a year of downtime of a job of every second is 31 million steps the other way.
    """
    found: deque[float] = deque()
    tick = rule.before(now)
    while tick is not None and tick > last and len(found) < limit:
        found.appendleft(tick)
        tick = rule.before(tick)
    return tuple(found)
