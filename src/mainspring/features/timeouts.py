"""How long a run may take: what a job's record says of it."""

from __future__ import annotations

from typing import Any

from mainspring.job import Draft, Job, Tie


def tie(job: Job[Any, Any]) -> Tie | None:
    """Return what writes the job's timeout into its records; None if it has none."""
    seconds = job.options.timeout
    if seconds is None:
        return None

    def write(draft: Draft) -> None:
        draft.flow["timeout"] = seconds

    return write
