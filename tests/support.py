"""What tests of whole processes share: waiting for a condition, with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def best(measure: Callable[[], float], bar: float, tries: int = 5) -> float:
    """Return the first of some measures that is below *bar*, or the least of them.

    Other processes make any one worse; a fault makes all of them worse.
    """
    found: list[float] = []
    while not found or (found[-1] >= bar and len(found) < tries):
        found.append(measure())
    return min(found)


def oversleeping() -> float:
    """Return by how many seconds a thread of this process is woken late at this moment."""
    late = []
    for _ in range(11):
        begun = time.monotonic()
        threading.Event().wait(0.01)
        late.append(time.monotonic() - begun - 0.01)
    return sorted(late)[5]


def until(predicate: Callable[[], T], timeout: float = 30.0, every: float = 0.01) -> T:
    """Return the first true value of *predicate*; fail after *timeout* seconds.

    Other processes cannot signal a test, so it looks; the deadline bounds the wait, and is long: it is met only where
    something is wrong, or where many others want the same processor.
    """
    pause = threading.Event()
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {timeout} s: {predicate}")
        pause.wait(every)
