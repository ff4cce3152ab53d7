"""Cancelling: a job that waits is dropped, one that runs is told to end."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from mainspring.api.find import find
from mainspring.api.jobs import StoredJob
from mainspring.api.places import InFlight
from mainspring.base.timesource import TimeSource
from mainspring.store import processes
from mainspring.store.connection import Store

#: What was done: it waited and is gone; it runs, and its process was told; nothing.
Cancelled: TypeAlias = Literal["dropped", "told", ""]

#: How often a job is looked for that moves on whenever it is found.
_TRIES: Final = 5


def cancel(store: Store, time: TimeSource, jid: str) -> Cancelled:
    """Cancel the job *jid*: it will not be tried again, and what hangs on it is settled as for a dropped job.

    One that waits in a queue, for its time or for a retry is dropped here and now. One that runs is told to
    end: an ``async def`` is cancelled and a process killed, within some milliseconds; a thread ends where its
    job asks (`JobContext.check`, `JobContext.is_cancelled`). Then it is dropped, and counts as no failure. If
    its process dies before it has heard of it, the job runs again.

    Returns:
        ``"dropped"``, ``"told"``, or an empty text if there was nothing to cancel: it is done, dead, was
        dropped or never was, or a Ruby process runs it.

    Raises:
        InvalidOption: If *jid* can be no job's id.
        StoreError: If the store does not answer.
    """
    for _ in range(_TRIES):
        # One that moves while it is looked for may be overlooked once.
        job = find(store, time, jid) or find(store, time, jid)
        if job is None or job.place == "dead":
            return ""
        if isinstance(job.where, InFlight):
            return _tell(store, job, job.where.identity)
        if job.delete():
            return "dropped"
    return ""


def _tell(store: Store, job: StoredJob, holder: str) -> Cancelled:
    if holder not in store.run(processes.owners(job.queue)):
        return ""
    store.run(processes.tell(identity_of(holder), f"{processes.CANCEL} {job.jid}"))
    return "told"


def identity_of(holder: str) -> str:
    """Return the identity of the process whose capsule holds jobs as *holder*."""
    machine, _, rest = holder.rpartition(":")
    return f"{machine}:{rest.partition('.')[0]}"
