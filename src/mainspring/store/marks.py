"""Verbs of deploys: marks in Sidekiq's keys, and which releases were seen."""

from __future__ import annotations

import time
from typing import Final

from mainspring.store import keys
from mainspring.store.command import Command, Reply, ignore, integer, pairs, plain

DAY: Final = 86_400
#: For how long marks and releases are remembered, in seconds; Sidekiq's.
KEEP: Final = 90 * DAY
#: Seconds for which one label is marked by one process only; Sidekiq's.
LOCK: Final = 60
#: The most releases that are remembered.
MOST: Final = 1000


def claim(label: str) -> Command[bool]:
    """Claim the mark of *label* for whoever asks first in a minute; True if it is the caller's."""
    return plain("SET", keys.deploy_lock(label), args=("1", "NX", "EX", LOCK), decode=lambda reply: reply is not None)


def mark(label: str, at: float) -> Command[str]:
    """Write the mark of a deploy at a minute, unless that has one, and return the label that it has then."""
    minute, key = _minute(at), keys.deploy_marks(_day(at))
    return plain("HSETNX", key, args=(minute, label), decode=lambda reply: label if integer(reply) else "")


def label_at(at: float) -> Command[str]:
    """Read the label of the deploy that was marked at a minute; empty if none was."""

    def read(reply: Reply) -> str:
        return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else ""

    return plain("HGET", keys.deploy_marks(_day(at)), args=(_minute(at),), decode=read)


def keep(at: float) -> Command[None]:
    """Let the marks of the day of *at* expire."""
    return plain("EXPIRE", keys.deploy_marks(_day(at)), args=(KEEP,), decode=ignore)


def of_day(at: float) -> Command[dict[str, str]]:
    """Read the marks of the day of *at*, unix seconds: labels by minute, in ISO 8601."""

    def read(reply: Reply) -> dict[str, str]:
        return {
            minute.decode("utf-8", "replace"): label.decode("utf-8", "replace")
            for minute, label in pairs(reply).items()
        }

    return plain("HGETALL", keys.deploy_marks(_day(at)), decode=read)


def seen(label: str) -> Command[bool]:
    """Ask whether a release was seen before."""
    return plain("ZSCORE", keys.RELEASES, args=(label,), decode=lambda reply: reply is not None)


def note(label: str, at: float) -> list[Command[None]]:
    """Remember that a release was seen; the newest thousand are."""
    return [
        plain("ZADD", keys.RELEASES, args=("NX", at, label), decode=ignore),
        plain("ZREMRANGEBYRANK", keys.RELEASES, args=(0, -MOST - 1), decode=ignore),
        plain("EXPIRE", keys.RELEASES, args=(KEEP,), decode=ignore),
    ]


def _day(at: float) -> str:
    return time.strftime("%Y%m%d", time.gmtime(at))


def _minute(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:00Z", time.gmtime(at))
