"""Samples once a minute, for the whole cluster, how long the oldest job of each queue has waited.

A histogram of waits holds those that are over, and falls silent exactly while a queue
stands still; the age of the oldest job is what grows then. Every process that lives
asks to take the sample of a minute, and the first one does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from mainspring.base.errors import StoreError
from mainspring.base.loggers import Log
from mainspring.base.payload import unix
from mainspring.base.timesource import TimeSource
from mainspring.metrics.deploys import note_release
from mainspring.metrics.questions import told
from mainspring.store import metrics, queues
from mainspring.store.connection import Store
from mainspring.store.metrics import ALL, MOST_NAMES
from mainspring.store.tiers import SAMPLED

_log: Final = Log("mainspring.metrics")

#: How many jobs are read at once: one may be a megabyte long.
_AT_ONCE: Final = 20


class _Waiting(msgspec.Struct, gc=False):
    """What of a job says since when it waits."""

    enqueued_at: object = None
    created_at: object = None


_decoder = msgspec.json.Decoder(_Waiting)


class Sampler:
    """Takes the sample of each minute in which it is the first; belongs to one thread."""

    def __init__(self, store: Store, time: TimeSource, *, release: str = "") -> None:
        """Begin with the minute that follows.

        Args:
            store: The store.
            time: The clocks.
            release: The release of this process, which is marked as a deploy if the store does not know it.
        """
        self._store = store
        self._time = time
        self._release = release
        self._minute = int(time.now() // 60)

    def look(self) -> bool:
        """Take the sample of this minute, if nobody has; called every few seconds.

        For people only: what fails here is no trouble of the caller's.

        Returns:
            True if this call took it.
        """
        now = self._time.now()
        try:
            if self._release:
                note_release(self._store, self._release, now)
                self._release = ""
            if int(now // 60) == self._minute:
                return False
            self._minute = int(now // 60)
            return sample(self._store, now)
        except StoreError as error:
            _log.debug("the ages of queues cannot be sampled: %s", error)
            return False


def sample(store: Store, now: float) -> bool:
    """Write how long the oldest job of each queue has waited, unless that was done in this minute.

    Returns:
        True if this call did.

    Raises:
        StoreError: If the store does not answer.
    """
    if not store.run(metrics.claim_sample(int(now // 60) * 60)):
        return False
    ages = _ages(store, store.run(queues.names())[:MOST_NAMES], now)
    # Queues in which nothing waits take no room: they are known by what is written of all together.
    found = {name: age for name, age in ages.items() if age} | {ALL: max(ages.values(), default=0.0)}
    # Of an idle cluster's nothing a bucket is told once, at its beginning: who idles shall ask for little.
    tiers = [tier for tier in SAMPLED if found[ALL] or tier.start(now) > now - 60]
    starts = [(tier, tier.start(now)) for tier in tiers]
    known = told(store.pipeline([metrics.ages(*start) for start in starts])) if found[ALL] else [{}] * len(starts)
    calls = [
        call
        for (tier, start), before in zip(starts, known, strict=True)
        for call in metrics.keep_ages(tier, start, _greatest(before, found))
    ]
    told(store.pipeline(calls))
    return True


def _ages(store: Store, names: Sequence[str], now: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for first in range(0, len(names), _AT_ONCE):
        part = names[first : first + _AT_ONCE]
        heads = told(store.pipeline([queues.oldest(name) for name in part]))
        found |= {name: _age(raw, now) for name, raw in zip(part, heads, strict=True)}
    return found


def _age(raw: bytes | None, now: float) -> float:
    if raw is None:
        return 0.0
    try:
        waiting = _decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return 0.0
    since = unix(waiting.enqueued_at) or unix(waiting.created_at) or now
    return round(min(max(0.0, now - since), 1e10), 1)


def _greatest(before: Mapping[str, float], found: Mapping[str, float]) -> dict[str, float]:
    known = {name: age for name, age in found.items() if name in before or name == ALL or len(before) <= MOST_NAMES}
    return {name: max(age, before.get(name, 0.0)) for name, age in known.items()}
