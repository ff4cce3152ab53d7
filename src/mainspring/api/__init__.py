"""What may be asked of a running system, and done to it: for people, dashboards and commands.

Everything here reads in pages and acts on the bytes that are stored, so it works on
a store of millions of jobs, and on jobs that Ruby, or a release to come, has written.
"""

from mainspring.api.filters import EVERY, JobFilter
from mainspring.api.find import find
from mainspring.api.jobs import StoredJob
from mainspring.api.paging import Page
from mainspring.api.processes import Process, Processes, Running
from mainspring.api.queues import Queue, Queues, QueueState
from mainspring.api.sets import JobSet
from mainspring.api.stats import Day, Stats, read_stats

__all__ = [
    "EVERY",
    "Day",
    "JobFilter",
    "JobSet",
    "Page",
    "Process",
    "Processes",
    "Queue",
    "QueueState",
    "Queues",
    "Running",
    "Stats",
    "StoredJob",
    "find",
    "read_stats",
]
