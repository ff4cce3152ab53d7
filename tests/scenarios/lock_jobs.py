"""Unique jobs for scenarios: they say of which they are one, and end in each way that a job can."""

from __future__ import annotations

from typing import Final

from mainspring import App, Discard, Kill, Retry, Snooze, current_job
from scenarios.program import note, pause

#: Longer than any jump of a clock: no lock fades by itself.
UNIQUE_FOR: Final = 20 * 365 * 86_400.0


def only(key: int, milliseconds: float) -> None:
    """Run alone of its key; by that it fails the first time, puts itself off, dies, or is dropped."""
    note("start", key=key)
    pause(milliseconds / 1000)
    if key % 5 == 1 and current_job().attempt == 1:
        note("failed", key=key)
        raise ValueError("as it was told")
    if key % 5 == 2 and _is_fresh():
        note("failed", key=key)
        raise Snooze(0.2)
    note("done", key=key)
    if key % 5 == 3:
        raise Discard("as it was told")
    if key % 5 == 4 and milliseconds < 1:
        raise Kill("as it was told")


def _is_fresh() -> bool:
    """Return True unless the running job has waited in a set before."""
    job = current_job()
    return (job.enqueued_at or 0.0) - (job.created_at or 0.0) < 0.1


def add(app: App) -> None:
    """Make the functions of this file jobs of *app*."""
    options = {"unique_for": UNIQUE_FOR, "unique_by": lambda a: a.key}
    app.job(name="only", retry=Retry(max=25, backoff="fixed", base=0.3), **options)(only)
    app.job(name="until_start", retry=Retry(max=25, backoff="fixed", base=0.3), unique_until="start", **options)(only)
