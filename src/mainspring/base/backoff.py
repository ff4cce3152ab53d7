"""How long a failed job waits before its next try: curves over the number of retries made.

Pure arithmetic; `retry` chooses the curve, caps it and decides whether there is a next
try at all.
"""

from __future__ import annotations

from random import Random

# 2.0 ** 1024 overflows, and a retry_count may come from a payload that someone else wrote.
_STEEPEST = 1023


def polynomial(attempt: int, *, rng: Random) -> float:
    """Return the wait before retry number *attempt*, in seconds.

    The curve is Sidekiq's, so that 25 attempts span about three weeks:
    ``attempt ** 4 + 15``, plus up to ``10 * (attempt + 1)`` seconds of jitter that
    keep a crowd of jobs which failed together from coming back together.

    Args:
        attempt: Retries made so far; 0 for the first failure.
        rng: The source of jitter.

    Raises:
        ValueError: If *attempt* is negative.
    """
    count = float(_counted(attempt))
    return count**4 + 15 + rng.random() * 10 * (count + 1)


def exponential(attempt: int, *, base: float) -> float:
    """Return *base* seconds, doubled with every retry made: 2, 4, 8, 16, ...

    Raises:
        ValueError: If *attempt* is negative.
    """
    return base * 2.0 ** min(_counted(attempt), _STEEPEST)


def linear(attempt: int, *, base: float) -> float:
    """Return *base* seconds, and as many more with every retry made: 10, 20, 30, ...

    Raises:
        ValueError: If *attempt* is negative.
    """
    return base * (_counted(attempt) + 1)


def fixed(attempt: int, *, base: float) -> float:
    """Return *base* seconds, every time.

    Raises:
        ValueError: If *attempt* is negative.
    """
    _counted(attempt)
    return base


def jittered(wait: float, jitter: float, *, rng: Random) -> float:
    """Return a wait between ``(1 - jitter) * wait`` and *wait*.

    Jitter shortens and never lengthens, so that a cap stays a cap and jobs that have
    all reached it are spread as well ("full jitter" of the AWS Architecture Blog, at 1).

    Args:
        wait: Seconds.
        jitter: The share of *wait* that is left to chance, 0 to 1.
        rng: The source of jitter.
    """
    return wait * (1 - jitter * rng.random())


def _counted(attempt: int) -> int:
    if attempt < 0:
        raise ValueError(f"a job cannot have been retried {attempt} times")
    return attempt
