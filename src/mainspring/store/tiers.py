"""The tiers of the metrics: how long a bucket of time is, and for how long it is kept. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

DAY: Final = 86_400
_WEEK: Final = 7 * DAY
#: The first Monday after the epoch: weeks begin on Mondays, UTC.
_MONDAY: Final = 4 * DAY


@dataclass(frozen=True, slots=True)
class Tier:
    """Buckets of one length.

    Attributes:
        name: Its name in keys.
        step: Seconds in a bucket.
        keep: Seconds for which a bucket is kept after its last write.
        origin: A moment at which a bucket begins, unix seconds.
    """

    name: str
    step: int
    keep: int
    origin: int = 0

    def start(self, at: float) -> int:
        """Return when the bucket that holds *at* began; both in unix seconds."""
        return int((at - self.origin) // self.step) * self.step + self.origin

    def starts(self, seconds: float, now: float) -> tuple[int, ...]:
        """Return when the buckets of the last *seconds* began, up to that of *now*, which is unfinished."""
        last = self.start(now)
        count = max(1, round(seconds / self.step))
        return tuple(range(last - (count - 1) * self.step, last + 1, self.step))


MINUTE: Final = Tier("1m", 60, 2 * DAY)
FIVE: Final = Tier("5m", 300, 14 * DAY)
HOUR: Final = Tier("1h", 3600, 90 * DAY)
DAILY: Final = Tier("1d", DAY, 400 * DAY)
#: Only for sums over months: ninety days are read as thirteen buckets.
WEEKLY: Final = Tier("1w", _WEEK, 400 * DAY, _MONDAY)
TIERS: Final = (MINUTE, FIVE, HOUR, DAILY, WEEKLY)
#: Those of sampled ages, of which there are no sums.
SAMPLED: Final = (MINUTE, FIVE, HOUR, DAILY)


@dataclass(frozen=True, slots=True)
class Period:
    """A window that ends now, and which buckets answer for it.

    Attributes:
        name: As people write it: ``1h``.
        seconds: How long it is.
        fine: The tier for the course of one queue, or of one job.
        coarse: The tier for all queues or all jobs at once.
    """

    name: str
    seconds: int
    fine: Tier
    coarse: Tier


PERIODS: Final = MappingProxyType(
    {
        period.name: period
        for period in (
            Period("5m", 300, MINUTE, MINUTE),
            Period("1h", 3600, MINUTE, FIVE),
            Period("24h", DAY, FIVE, HOUR),
            Period("7d", 7 * DAY, HOUR, DAILY),
            Period("90d", 90 * DAY, DAILY, WEEKLY),
        )
    }
)
