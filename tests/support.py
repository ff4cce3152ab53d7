"""What tests of whole processes share: waiting for a condition, with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(predicate: Callable[[], T], timeout: float = 10.0, every: float = 0.01) -> T:
    """Return the first true value of *predicate*; fail after *timeout* seconds.

    Other processes cannot signal a test, so it looks; the deadline bounds the wait.
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
