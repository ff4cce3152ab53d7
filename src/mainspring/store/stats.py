"""Verbs of counters and of the server's own state."""

from __future__ import annotations

import time
from collections.abc import Sequence

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, blob, integer, plain, texts


def counters(days: Sequence[str] = ()) -> Command[list[int]]:
    """Read runs and failed runs: for ever, then for each of *days* (``YYYY-MM-DD``, UTC), two numbers each."""
    daily = [key for day in days for key in (keys.stat_processed_day(day), keys.stat_failed_day(day))]

    def read(reply: Reply) -> list[int]:
        return [integer(item) for item in array(reply)]

    return plain("MGET", keys.STAT_PROCESSED, keys.STAT_FAILED, *daily, decode=read)


def tally(name: str) -> Command[int]:
    """Read how many jobs were not run for one reason, such as ``expired``."""
    return plain("GET", keys.stat(name), decode=integer)


def server_info() -> Command[dict[str, str]]:
    """Read what the server says of itself: version, memory, role, persistence."""

    def read(reply: Reply) -> dict[str, str]:
        lines = blob(reply).decode("utf-8", "replace").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    return plain("INFO", decode=read)


def server_time() -> Command[float]:
    """Read the server's clock, in unix seconds."""

    def read(reply: Reply) -> float:
        seconds, microseconds = array(reply)
        return integer(seconds) + integer(microseconds) / 1e6

    return plain("TIME", decode=read)


def ping() -> Command[bool]:
    """Ask for a sign of life."""
    return plain("PING", decode=lambda reply: reply == b"PONG")


def day(now: float) -> str:
    """Return the UTC day of *now*, unix seconds, as ``YYYY-MM-DD``."""
    return time.strftime("%Y-%m-%d", time.gmtime(now))


def keys_with(prefix: str, cursor: int) -> Command[tuple[int, list[str]]]:
    """Look through a part of the server for keys whose names begin with *prefix*, which has no pattern's signs.

    Returns:
        The cursor for the next part, 0 at the end, and the names, prefix included.
    """

    def read(reply: Reply) -> tuple[int, list[str]]:
        following, found = array(reply)
        return integer(following), texts(found)

    return plain("SCAN", args=(cursor, "MATCH", f"{prefix}*", "COUNT", 1000), decode=read)


def drop(names: Sequence[str]) -> Command[int]:
    """Delete whole keys, and return how many there were."""
    return plain("UNLINK", *names, decode=integer)


def size() -> Command[int]:
    """Count all keys."""
    return plain("DBSIZE", decode=integer)


def some() -> Command[list[str]]:
    """Read the names of about a thousand keys, or of all if there are fewer: a sample, by no order."""

    def read(reply: Reply) -> list[str]:
        return texts(array(reply)[1])

    return plain("SCAN", args=(0, "COUNT", 1000), decode=read)
