"""What people look for on a fault day, over all states."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenarios.faultday import Day


def look_around(day: Day) -> None:
    """Count all jobs, page through some while others move them, and note that it was done."""
    day.insist(lambda: day.app.audit.record("ann", "look", "day"))
    day.insist(day.app.counts)
    day.insist(lambda: day.app.search(count=10))
    day.insist(lambda: day.app.search("class:work -queue:shelf", count=10))
