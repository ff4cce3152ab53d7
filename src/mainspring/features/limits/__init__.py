"""Limiters: how much of something may be used at once, or in a time, by all processes together.

`App.limiter` makes them (`making`), ``with`` takes of them (`taking`) and holds a `Permit`
meanwhile. A job that lets `OverLimit` through is snoozed, as `after_limit` says.
"""

from mainspring.features.limits.making import Keyed, Limiter, LimiterKinds, Limiting
from mainspring.features.limits.permits import Desk, Permit
from mainspring.features.limits.taking import Takeable
from mainspring.features.limits.verdict import SNOOZES, after_limit

__all__ = [
    "SNOOZES",
    "Desk",
    "Keyed",
    "Limiter",
    "LimiterKinds",
    "Limiting",
    "Permit",
    "Takeable",
    "after_limit",
]
