"""Verbs of metrics: totals and histograms by job and minute, in Sidekiq 8's keys where it has them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from mainspring.store import keys
from mainspring.store.command import Argument, Command, ignore, integers, pairs, plain

#: Lifetimes, in seconds: of minutes, and of ten minutes.
MINUTES_TTL: Final = 8 * 3600
TENS_TTL: Final = 72 * 3600

_BUCKETS: Final = 26


def add_totals(name: str, processed: int, failed: int, run_ms: int, now: float) -> list[Command[None]]:
    """Add runs, failed runs, and milliseconds of successful ones, to the minute and to the ten minutes."""
    calls = []
    fields = ((f"{name}|p", processed), (f"{name}|f", failed), (f"{name}|ms", run_ms))
    for key, ttl in ((minute(now), MINUTES_TTL), (minute(now)[:-1], TENS_TTL)):
        calls += [plain("HINCRBY", key, args=(what, n), decode=ignore) for what, n in fields if n]
        calls.append(plain("EXPIRE", key, args=(ttl,), decode=ignore))
    return calls


def add_runs(name: str, counts: Sequence[int], now: float) -> list[Command[None]]:
    """Add durations of runs, by bucket, to the minute's histogram."""
    return _add(keys.run_histogram(name, _stamp(now)), counts)


def add_waits(name: str, counts: Sequence[int], now: float) -> list[Command[None]]:
    """Add durations of waiting, by bucket, to the minute's histogram."""
    return _add(keys.wait_histogram(name, _stamp(now)), counts)


def _add(key: str, counts: Sequence[int]) -> list[Command[None]]:
    changes: list[Argument] = []
    for number, count in enumerate(counts):
        if count:
            changes += ["INCRBY", "u16", f"#{number}", count]
    if not changes:
        return []
    return [
        plain("BITFIELD", key, args=("OVERFLOW", "SAT", *changes), decode=ignore),
        plain("EXPIRE", key, args=(MINUTES_TTL,), decode=ignore),
    ]


def totals(at: float) -> Command[dict[bytes, bytes]]:
    """Read the totals of the minute of *at*, unix seconds: ``NAME|p``, ``NAME|f``, ``NAME|ms``."""
    return plain("HGETALL", minute(at), decode=pairs)


def runs(name: str, at: float) -> Command[list[int]]:
    """Read the durations of runs of *name* in the minute of *at*, by bucket."""
    return _read(keys.run_histogram(name, _stamp(at)))


def waits(name: str, at: float) -> Command[list[int]]:
    """Read the durations of waiting of *name* in the minute of *at*, by bucket."""
    return _read(keys.wait_histogram(name, _stamp(at)))


def _read(key: str) -> Command[list[int]]:
    words = [word for number in range(_BUCKETS) for word in ("GET", "u16", f"#{number}")]
    return plain("BITFIELD_RO", key, args=tuple(words), decode=integers)


def minute(at: float) -> str:
    """Return the key of the totals of one minute; without its last digit, of ten minutes."""
    when = time.gmtime(at)
    return keys.totals(f"{when.tm_year % 100:02}{when.tm_mon:02}{when.tm_mday:02}", f"{when.tm_hour}:{when.tm_min:02}")


def _stamp(at: float) -> str:
    when = time.gmtime(at)
    return f"{when.tm_mday}-{when.tm_hour}:{when.tm_min}"
