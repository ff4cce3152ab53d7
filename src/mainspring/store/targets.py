"""Verbs of targets: for how long the jobs of a queue may wait before somebody should look."""

from __future__ import annotations

from mainspring.store import keys
from mainspring.store.command import Command, Reply, ignore, pairs, plain


def read() -> Command[dict[str, float]]:
    """Read the targets of all queues that have one, in seconds, by the queue's name."""

    def read(reply: Reply) -> dict[str, float]:
        known = {name.decode("utf-8", "replace"): _seconds(text) for name, text in pairs(reply).items()}
        return {name: seconds for name, seconds in known.items() if seconds > 0}

    return plain("HGETALL", keys.TARGETS, decode=read)


def define(queue: str, seconds: float) -> Command[None]:
    """Let the jobs of *queue* wait for *seconds*."""
    return plain("HSET", keys.TARGETS, args=(queue, repr(float(seconds))), decode=ignore)


def forget(queue: str) -> Command[None]:
    """Let *queue* have no target."""
    return plain("HDEL", keys.TARGETS, args=(queue,), decode=ignore)


def _seconds(text: bytes) -> float:
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if found < float("inf") else 0.0
