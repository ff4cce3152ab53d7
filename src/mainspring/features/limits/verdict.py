"""What becomes of a job that lets `OverLimit` through. Pure."""

from __future__ import annotations

from random import Random
from typing import Final

from mainspring.base.errors import OverLimit

#: How often limiters may snooze one job; after that, it has failed.
SNOOZES: Final = 20

#: The longest jitter, in seconds.
_LONGEST: Final = 900.0


def after_limit(error: OverLimit, count: int, *, rng: Random) -> float | None:
    """Return for how many seconds a job is snoozed; None if it has been often enough, and now has failed.

    It comes back when the limit gives again, plus jitter, which begins with up to as much and doubles each
    time, up to a quarter of an hour: a crowd of jobs that came too early together must not come back together,
    and the larger the crowd, the oftener each comes too early. Sidekiq waits for five minutes more each time,
    whatever the limit.

    Args:
        error: What the job raised.
        count: How often it has been snoozed for a limit before.
        rng: The source of jitter.
    """
    if count >= SNOOZES:
        return None
    wait = max(0.0, error.retry_after)
    return wait + rng.uniform(0.0, min(max(wait, 1.0) * 2**count, _LONGEST))
