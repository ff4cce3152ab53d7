"""Jobs that pass gates before they run, for scenarios: three of one kind at once, and ten of the other in two seconds."""

from __future__ import annotations

from mainspring import App, Retry
from scenarios.program import note, pause

AT_ONCE = 3
MANY, SECONDS = 10, 2.0


def narrow(milliseconds: float) -> None:
    """Take a while; three of these may at a time."""
    note("start")
    pause(milliseconds / 1000)
    note("done")


def metered() -> None:
    """Be over at once; ten of these may start in two seconds."""
    note("start")
    note("done")


def add(app: App) -> None:
    """Make the functions of this file jobs of *app*, by their short names."""
    retry = Retry(max=25, backoff="fixed", base=0.3)
    app.job(name="narrow", retry=retry, concurrency=AT_ONCE)(narrow)
    app.job(name="metered", retry=retry, limits=[app.limiter.window("partner", MANY, SECONDS)])(metered)
