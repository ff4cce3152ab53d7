"""The steps of those to whom locks matter: who enqueues unique jobs, who starts them, and whoever takes a lock away."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from machine.base import DUE, FAR, UNIQUE_MS, ties_of
from machine.holders import SOMETHING_WAS_FETCHED, Holders, which
from machine.model import DIGESTS, QUEUES
from mainspring.base import payload
from mainspring.store import flows, locks
from mainspring.store.flows import Row

digests = st.sampled_from(DIGESTS)


class Unique(Holders):
    """What is done with unique jobs, beyond what is done with all."""

    @rule(
        queue=st.sampled_from((QUEUES[0], QUEUES[0], QUEUES[1])),
        wanted=st.lists(digests, min_size=1, max_size=3),
        at=st.sampled_from((None, None, DUE, FAR)),
        times=st.integers(1, 2),
    )
    def enqueue_unique(self, queue, wanted, at, times):
        """Somebody enqueues unique jobs, perhaps for later; the answer may be lost, and the push be sent again."""
        jobs = [self.new_job(queue, digest) for digest in wanted]
        token = payload.read(jobs[0]).jid if times > 1 else ""
        rows = [Row(ties_of(job), job, at, UNIQUE_MS) for job in jobs]
        for _ in range(times):
            holders = self.write(
                flows.enter(queue, rows, token=token), lambda model: model.enter(queue, jobs, at, token)
            )
            self.accept(job for job, holder in zip(jobs, holders or [], strict=holders is not None) if not holder)

    @SOMETHING_WAS_FETCHED
    @rule(which=which)
    def start(self, which):
        """A job starts that holds its lock until then."""
        holding, seq, job = self.delivery(which)
        ties = ties_of(job)
        if ties and self.acts(holding):
            command = locks.release(*holding, seq, ties.lock, ties.jid)
            self.call(command, lambda model: model.start(holding, seq, job))

    @precondition(lambda self: self.model.locks)
    @rule(digest=digests)
    def unlock(self, digest):
        """Somebody takes a lock away; the same is left when a lock has faded."""
        self.call(locks.remove(digest), lambda model: model.unlock(digest))
