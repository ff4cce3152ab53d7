"""One job, wherever it is."""

from __future__ import annotations

from mainspring.api.gates import Gate
from mainspring.api.jobs import StoredJob
from mainspring.api.places import InFlight, check_jid
from mainspring.api.processes import Processes
from mainspring.api.queues import Queue, Queues, likely
from mainspring.api.sets import JobSet
from mainspring.base.timesource import TimeSource
from mainspring.store import keys, processes, queues
from mainspring.store.connection import Store


def find(store: Store, time: TimeSource, jid: str) -> StoredJob | None:
    """Return the job *jid*, looked for in what runs, the queues and their lanes, and the three sets.

    It looks at the first 100,000 jobs of each queue and at a million of each set. A job that
    moves meanwhile may be missed. What a Ruby process runs is known from its last beat only.

    Returns:
        None if it is not there: it is done, was dropped, or never was.

    Raises:
        InvalidOption: If *jid* can be no job's id.
    """
    check_jid(jid)
    names = Queues(store, time)
    for queue in names:
        found = _in_flight(store, time, queue.name, jid) or queue.find(jid) or _in_lanes(store, time, queue, jid)
        if found:
            return found
    for key in (keys.RETRY, keys.SCHEDULE, keys.DEAD):
        found = JobSet(store, time, key).find(jid)
        if found:
            return found
    return _in_ruby(store, time, jid)


def _in_flight(store: Store, time: TimeSource, queue: str, jid: str) -> StoredJob | None:
    for identity in store.run(processes.owners(queue)):
        held = store.run(queues.inflight(queue, identity))
        payloads = [raw for field, raw in held.items() if not field.startswith(b"_")]
        for raw in likely(payloads, jid):
            job = StoredJob.read(store, time, raw, InFlight(identity))
            if job.jid == jid:
                return job
    return None


def _in_lanes(store: Store, time: TimeSource, queue: Queue, jid: str) -> StoredJob | None:
    for name in queue.lanes():
        found = Gate(store, time, name).find(jid)
        if found:
            return found
    return None


def _in_ruby(store: Store, time: TimeSource, jid: str) -> StoredJob | None:
    """Return the job if a process shows it that holds its jobs in its memory only, as Sidekiq does."""
    for process in Processes(store, time):
        for running in process.work:
            if running.job.jid == jid and not _holds(store, running.queue, process.identity):
                return running.job
    return None


def _holds(store: Store, queue: str, identity: str) -> bool:
    # Its capsules hold jobs under its identity and a name.
    return any(owner.startswith(identity) for owner in store.run(processes.owners(queue)))
