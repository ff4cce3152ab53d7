"""How much of the machine is used by others than us: what is measured beside them has to say so."""

from __future__ import annotations

import time
from pathlib import Path

#: The busy share at which the machine counts as calm.
CALM = 0.15

_LOOK = 0.5


def wait(patience: float) -> float:
    """Wait until the machine is calm, but *patience* seconds at most.

    Returns:
        The share of the machine that was busy at the end, from 0 to 1.
    """
    deadline = time.monotonic() + patience
    while True:
        share = busy(_LOOK)
        if share <= CALM or time.monotonic() >= deadline:
            return share


def busy(seconds: float) -> float:
    """Return the share of the machine that is busy, over some seconds in which we do nothing."""
    before = _ticks()
    time.sleep(seconds)
    used, idle = (after - earlier for after, earlier in zip(_ticks(), before, strict=True))
    return used / max(1, used + idle)


def _ticks() -> tuple[int, int]:
    """Return how many ticks all cores together were busy, and how many they were idle."""
    user, nice, system, idle, waiting, *others = map(int, Path("/proc/stat").read_text("ascii").split()[1:9])
    return user + nice + system + sum(others), idle + waiting
