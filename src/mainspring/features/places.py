"""Where a job runs: in a thread, on an event loop, or in a process of its own."""

from __future__ import annotations

from typing import Any

from mainspring.base.errors import InvalidOption
from mainspring.job import Job, Tie


def tie(job: Job[Any, Any]) -> Tie | None:
    """Check where *job* shall run; its records say nothing of it, since the worker knows.

    Raises:
        InvalidOption: If its function cannot run there.
    """
    place = job.options.runs_in
    if place == "thread" and job.is_async:
        raise InvalidOption(
            f'{job.name}: runs_in="thread" is for def, and it is an async def; leave runs_in out, or take "process"'
        )
    if place == "async" and not job.is_async:
        raise InvalidOption(
            f'{job.name}: runs_in="async" is for async def, and it is a def, which would hold up the event loop;'
            ' leave runs_in out, or take "process"'
        )
    return None
