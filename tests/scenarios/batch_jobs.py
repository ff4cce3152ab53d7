"""Jobs of batches, and their callbacks, for scenarios: good ones, and those that fail or die the first time."""

from __future__ import annotations

import os
from pathlib import Path

from mainspring import App, Kill, Retry, current_job
from scenarios.program import note, pause


def part(kind: str, milliseconds: float) -> None:
    """Be one job of a batch: good, or one that fails the first time, or dies as long as there is no amnesty."""
    note("start")
    pause(milliseconds / 1000)
    if kind == "fails" and current_job().attempt == 1:
        raise ValueError("as it was told")
    if kind == "dies" and not amnesty().exists():
        raise Kill("as it was told")
    note("done")


def amnesty() -> Path:
    """Return the file that stands once no job shall die any more."""
    return Path(os.environ["ORACLE"] + ".amnesty")


def told(bid: str, event: str) -> None:
    """Be the callback of an event."""
    note("told", bid=bid, of=event, enqueued_at=current_job().enqueued_at)


def add(app: App) -> None:
    """Make the functions of this file jobs of *app*."""
    for function in (part, told):
        app.job(name=function.__name__, retry=Retry(max=25, backoff="fixed", base=0.3))(function)
