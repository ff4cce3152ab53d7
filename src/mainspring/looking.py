"""What lies in an App's store, and what can be done with it: the part of an App that people ask.

The data API is imported by whoever asks for it: a process that only enqueues does not need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mainspring.base.timesource import TimeSource
from mainspring.job import Job
from mainspring.store import keys
from mainspring.store.connection import Store

if TYPE_CHECKING:
    from mainspring.api.attempts import Attempt, FinishedJob, Kept
    from mainspring.api.audit import Audit
    from mainspring.api.batches import Batches
    from mainspring.api.cancel import Cancelled
    from mainspring.api.checks import Finding
    from mainspring.api.failures import Failures
    from mainspring.api.gates import Gates
    from mainspring.api.jobs import StoredJob
    from mainspring.api.limiters import Limiters
    from mainspring.api.operations import Operations
    from mainspring.api.processes import Processes
    from mainspring.api.query import Query
    from mainspring.api.queues import Queue, Queues
    from mainspring.api.search import Budget, Found
    from mainspring.api.sets import JobSet
    from mainspring.api.stats import Stats
    from mainspring.metrics.query import Metrics


class Looking:
    """The part of an App that tells what lies in its store.

    Attributes:
        time: The App's clocks.
        namespace: What keeps its schedule apart from those of other Apps.
    """

    time: TimeSource
    namespace: str

    @property
    def store(self) -> Store:
        """The store; the App's."""
        raise NotImplementedError

    @property
    def jobs(self) -> Mapping[str, Job[Any, Any]]:
        """The App's jobs by name."""
        raise NotImplementedError

    @property
    def queues(self) -> Queues:
        """The queues, by name."""
        from mainspring.api.queues import Queues

        return Queues(self.store, self.time)

    def queue(self, name: str) -> Queue:
        """Return the queue *name*, whether it holds jobs or not."""
        from mainspring.api.queues import Queue

        return Queue(self.store, self.time, name)

    @property
    def scheduled(self) -> JobSet:
        """The jobs for later."""
        return self._set(keys.SCHEDULE)

    @property
    def retries(self) -> JobSet:
        """The failed jobs that will be tried again."""
        return self._set(keys.RETRY)

    @property
    def dead(self) -> JobSet:
        """The jobs that have no retries left."""
        return self._set(keys.DEAD)

    @property
    def processes(self) -> Processes:
        """The worker and clock processes."""
        from mainspring.api.processes import Processes

        return Processes(self.store, self.time)

    @property
    def limiters(self) -> Limiters:
        """The limiters that were used of late, to look at and to reset; `limiter` makes them."""
        from mainspring.api.limiters import Limiters

        return Limiters(self.store, self.time)

    @property
    def gates(self) -> Gates:
        """The gates: what limits jobs before they run, what holds each, and what waits by it."""
        from mainspring.api.gates import Gates

        return Gates(self.store, self.time)

    @property
    def batches(self) -> Batches:
        """The batches and workflows that are remembered, to look at and to cancel; `batch` makes them."""
        from mainspring.api.batches import Batches

        return Batches(self.store, self.time)

    @property
    def metrics(self) -> Metrics:
        """How long jobs waited and ran and how many failed, by queue and by job; and deploys."""
        from mainspring.metrics.query import Metrics

        return Metrics(self.store, self.time)

    def checks(self) -> list[Finding]:
        """Return what needs somebody, what is worst first, and what is well; see `mainspring.api.checks`."""
        from mainspring.api import checks, health

        return checks.judge(health.read(self.store, self.time, self.namespace))

    def stats(self) -> Stats:
        """Return counters, sizes, and the history of the last days."""
        from mainspring.api.stats import read_stats

        return read_stats(self.store, self.time)

    @property
    def audit(self) -> Audit:
        """Who did what: a log of people's actions."""
        from mainspring.api.audit import Audit

        return Audit(self.store)

    @cached_property
    def operations(self) -> Operations:
        """The bulk operations: what is done to all jobs that a filter means, part by part."""
        from mainspring.api.operations import Operations

        return Operations(self.store, self.time, self.jobs)

    def search(
        self,
        query: str | Query = "",
        *,
        state: str | None = None,
        cursor: str = "",
        count: int = 100,
        budget: Budget | None = None,
    ) -> Found:
        """Return a page of the jobs that *query* means, over all states or of one; see `api.search.Search.page`.

        Example:
            .. code-block:: python

                app.search("class:Sync* error:Timeout args.contact_id:50008", state="retrying")
        """
        from mainspring.api.search import Search

        look = Search(self.store, self.time, self.jobs)
        return look.page(query, state=state, cursor=cursor, count=count, budget=budget)

    def look_for(
        self, jid: str, *, state: str | None = None, cursor: str = "", budget: Budget | None = None
    ) -> tuple[Found, Kept]:
        """Look for the job *jid* as `search` does, and read what is kept of it with the same first call.

        Raises:
            InvalidOption: If there is no such state or cursor, or *jid* can be no job's id.
        """
        from mainspring.api.attempts import kept, questions
        from mainspring.api.query import of_ids
        from mainspring.api.search import Search

        look = Search(self.store, self.time, self.jobs)
        found = look.page(of_ids([jid]), state=state, cursor=cursor, count=1, budget=budget, beside=questions(jid))
        return found, kept(found.beside)

    def counts(self) -> Mapping[str, int]:
        """Return how many jobs are in each state, in one round trip."""
        from mainspring.api.search import Search

        return Search(self.store, self.time).counts()

    def find(self, jid: str) -> StoredJob | None:
        """Return the job *jid* wherever it is: waiting, running, scheduled, retrying or dead; None if nowhere."""
        from mainspring.api.find import find

        return find(self.store, self.time, jid)

    @property
    def failures(self) -> Failures:
        """The errors that jobs failed with, those of one kind together."""
        from mainspring.api.failures import Failures

        return Failures(self.store, self.time)

    def attempts(self, jid: str) -> list[Attempt]:
        """Return the newest 25 runs of the job *jid* that are over, the newest first, if it has failed."""
        return list(self.kept(jid).attempts)

    def finished(self, jid: str) -> FinishedJob | None:
        """Return the job *jid*, which is done; None if it is not, or did not ask for `history`, or long ago."""
        return self.kept(jid).finished

    def kept(self, jid: str) -> Kept:
        """Return what is kept of the job *jid* beside the job itself, at once: these two, and progress."""
        from mainspring.api.attempts import read_kept

        return read_kept(self.store, jid)

    def cancel(self, jid: str) -> Cancelled:
        """Drop the job *jid* where it waits, or tell the process that runs it to end it; see `api.cancel.cancel`."""
        from mainspring.api.cancel import cancel

        return cancel(self.store, self.time, jid)

    def _set(self, key: str) -> JobSet:
        from mainspring.api.sets import JobSet

        return JobSet(self.store, self.time, key)
