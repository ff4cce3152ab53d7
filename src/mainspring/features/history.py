"""How long a job that is done is kept to be looked at: what its record says of it."""

from __future__ import annotations

from typing import Any

from mainspring.job import Draft, Job, Tie


def tie(job: Job[Any, Any]) -> Tie | None:
    """Return what writes into the records of *job* how long they are kept; None if they are not."""
    seconds = job.options.history
    if seconds is None:
        return None

    def write(draft: Draft) -> None:
        draft.flow["history"] = seconds

    return write
