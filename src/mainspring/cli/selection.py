"""Which jobs a command means: the options that say so, and the search for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import click

from mainspring.api.filters import JobFilter
from mainspring.api.jobs import StoredJob
from mainspring.api.sets import JobSet
from mainspring.app import App
from mainspring.cli.failure import Failure

F = TypeVar("F", bound=Callable[..., object])

#: Where a job may be, in the order in which they are listed.
STATES: Final = ("running", "waiting", "retry", "scheduled", "dead")


def filter_options(function: F) -> F:
    """Add the options that say which jobs are meant."""
    for option in (
        click.option("--text", help="With this anywhere in the stored job."),
        click.option("--tag", help="With this tag."),
        click.option("--error", metavar="CLASS", help="Whose last error was of this class."),
        click.option("--queue", help="Of this queue."),
        click.option("--class", "name", metavar="NAME", help="With this name, full or short."),
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Selection:
    """Some jobs of an App's store.

    Attributes:
        app: The App.
        states: Where to look, some of `STATES`.
        which: What they must be.
    """

    app: App
    states: Sequence[str]
    which: JobFilter

    def __iter__(self) -> Iterator[StoredJob]:
        """Yield the jobs, state by state, each in its order."""
        for state in STATES:
            if state in self.states:
                yield from (job for job in self._of(state) if self.which.matches(job))

    def _of(self, state: str) -> Iterator[StoredJob]:
        if state == "running":
            return (running.job for process in self.app.processes for running in process.work)
        if state == "waiting":
            return self._waiting()
        return iter(job_set(self.app, state))

    def _waiting(self) -> Iterator[StoredJob]:
        for queue in self.app.queues:
            if self.which.queue in {None, queue.name}:
                yield from queue


def job_set(app: App, state: str) -> JobSet:
    """Return the set for one of ``scheduled``, ``retry`` and ``dead``."""
    return {"scheduled": app.scheduled, "retry": app.retries, "dead": app.dead}[state]


def found(app: App, jid: str) -> StoredJob:
    """Return the job *jid*, wherever it is.

    Raises:
        Failure: If it is nowhere.
    """
    job = app.find(jid)
    if job is None:
        raise Failure(
            f"there is no job {jid}: it is done, was dropped, or never was; mainspring jobs lists what there is"
        )
    return job
