"""Which jobs an action means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mainspring.api.jobs import StoredJob


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What a job must be; what is None does not matter.

    Attributes:
        name: Its name, or the part of it after the last dot.
        queue: The queue that it is in, or would be pushed to.
        error: The class of its last error, or the part of it after the last dot.
        tag: One of its tags.
        text: What stands anywhere in its stored text, as it is written there.
    """

    name: str | None = None
    queue: str | None = None
    error: str | None = None
    tag: str | None = None
    text: str | None = None

    def matches(self, job: StoredJob) -> bool:
        """Return whether *job* is meant."""
        return (
            (self.text is None or self.text.encode() in job.raw)
            and (self.name is None or _is_named(self.name, job.display_name) or self.name == job.name)
            and (self.queue is None or self.queue == job.queue)
            and (self.error is None or _is_named(self.error, job.error_class or ""))
            and (self.tag is None or self.tag in job.tags)
        )


def _is_named(asked: str, name: str) -> bool:
    return asked in {name, name.rpartition(".")[2]}


#: Means every job.
EVERY: Final = JobFilter()
