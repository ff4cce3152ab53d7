"""A job that nobody wants any more once it is late: it is dropped if it was not started in time.

Only the first start counts. A job that has begun is finished, however often it is
retried: what it has half done is not left so for the clock's sake.
"""

from __future__ import annotations

from typing import Any

from mainspring.base.flow import Flow
from mainspring.base.payload import Payload
from mainspring.job import Draft, Job, Tie


def tie(job: Job[Any, Any]) -> Tie | None:
    """Return what writes into the records of *job* until when they may start; None if that is for ever.

    The time counts from when the job is due, so that a delay comes on top.
    """
    seconds = job.options.expires_in
    if seconds is None:
        return None

    def write(draft: Draft) -> None:
        draft.flow["expires_at"] = draft.at + seconds

    return write


def is_expired(payload: Payload, flow: Flow, now: float) -> bool:
    """Tell whether the job is too late for its first start.

    It has started before if it has failed, or was in flight in a process that died.
    """
    if flow.expires_at is None or now <= flow.expires_at:
        return False
    return payload.retry_count is None and not payload.recovered
