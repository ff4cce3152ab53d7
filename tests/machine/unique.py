"""The steps of those to whom locks matter: who enqueues unique jobs, who starts them, and whoever takes a lock away."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from machine.base import DUE, FAR, KINDS, NOW, UNIQUE_MS, ties_of
from machine.holders import Delivery, Holders, which
from machine.model import DIGESTS, QUEUES, digest_of
from mainspring.base import payload
from mainspring.store import flows, keys, locks, queues, sets
from mainspring.store.flows import Row
from mainspring.store.ties import Ties

digests = st.sampled_from(DIGESTS)


class Unique(Holders):
    """What is done with unique jobs, beyond what is done with all."""

    @initialize()
    def begin(self):
        """As without them; and let two unique jobs be in flight, and one wait."""
        Holders.begin(self)
        self._enqueue(QUEUES[0], DIGESTS[:2], None, 1)
        self.fetch(0, 5)
        self._enqueue(QUEUES[0], DIGESTS, None, 1)

    @rule(
        queue=st.sampled_from((QUEUES[0], QUEUES[0], QUEUES[1])),
        wanted=st.lists(digests, min_size=1, max_size=3),
        at=st.sampled_from((None, None, DUE, FAR)),
        times=st.integers(1, 2),
    )
    def enqueue_unique(self, queue, wanted, at, times):
        """Somebody enqueues unique jobs, perhaps for later; the answer may be lost, and the push be sent again."""
        self._enqueue(queue, wanted, at, times)

    def _enqueue(self, queue, wanted, at, times):
        jobs = [self.new_job(queue, digest) for digest in wanted]
        token = payload.read(jobs[0]).jid if times > 1 else ""
        rows = [Row(ties_of(job), job, at, UNIQUE_MS) for job in jobs]
        for _ in range(times):
            holders = self.write(
                flows.enter(queue, rows, token=token), lambda model: model.enter(queue, jobs, at, token)
            )
            self.accept(job for job, holder in zip(jobs, holders or [], strict=holders is not None) if not holder)

    def unique(self, which: int) -> tuple[Delivery, Ties]:
        """Return one of the last deliveries of unique jobs, and what hangs on it."""
        found = [(each, ties) for each in self.deliveries if (ties := ties_of(each[2])) is not None]
        return found[which % len(found)]

    @rule(which=which)
    def start(self, which):
        """A job starts that holds its lock until then."""
        (holding, seq, job), ties = self.unique(which)
        if self.acts(holding):
            command = locks.release(*holding, seq, ties.lock, ties.jid)
            self.call(command, lambda model: model.start(holding, seq, job))

    @rule(which=which, ends=st.sampled_from((*KINDS, "start", "finish")))
    def overtake(self, which, ends):
        """A lock fades while its job is in flight, another of the same takes it, and the first one ends, or starts."""
        delivery, ties = self.unique(which)
        (queue, _), seq, _ = delivery
        self.unlock(ties.lock)
        self._enqueue(queue, [ties.lock], None, 1)
        place = self.deliveries.index(delivery)
        if ends == "start":
            self.start(which)
        elif ends == "finish" and seq not in self.model.marked.get(delivery[0], ()):
            self.acknowledge(place, others=False, twice=False)
        elif ends in KINDS:
            self._settle(delivery, ends)

    @rule(which=which, at=st.sampled_from((None, FAR)), taken=st.booleans())
    def revive(self, which, at, taken):
        """Somebody lets a dead unique job go on, now or later, whose lock another may have taken."""
        dead = sorted(filter(digest_of, self.model.sets[keys.DEAD]))
        if not dead:
            return
        job = dead[which % len(dead)]
        queue = payload.read(job).queue
        if taken:
            self._enqueue(queue, [digest_of(job)], None, 1)
        new = payload.changed(job, {"enqueued_at": NOW + self.count})
        if at is None:
            pairs = [(job, new)]
            self.call(sets.forward(keys.DEAD, queue, pairs), lambda model: model.forward(keys.DEAD, queue, pairs))
        else:
            command = sets.move(keys.DEAD, keys.SCHEDULE, job, new, at)
            self.call(command, lambda model: model.move(keys.DEAD, keys.SCHEDULE, job, new, at))

    @rule(digest=digests, at=st.sampled_from((None, FAR)), again=st.booleans())
    def clear_unique(self, digest, at, again):
        """Somebody clears where a unique job waits; who comes next must drop that first. Then all lets its locks go."""
        place, room = (QUEUES[0], queues) if at is None else (keys.SCHEDULE, sets)
        for turn in range(1 + again):
            if turn:
                self.unlock(digest)
            self._enqueue(QUEUES[0], [digest], at, 1)
            jobs = [*self.model.waiting.get(place, ()), *self.model.sets.get(place, ())]
            if self.call(room.clear(place), lambda model: model.clear(place)) > 0:
                self.finish(jobs)
        self.call(room.sweep(place), lambda model: model.sweep(place))

    @rule(place=st.sampled_from((keys.SCHEDULE, keys.RETRY)), which=which, digest=digests)
    def delete_unique(self, place, which, digest):
        """Somebody deletes a unique job that waits for its time."""
        self._enqueue(QUEUES[0], [digest], FAR, 1)
        there = sorted(filter(digest_of, self.model.sets[place]))
        if there:
            job = there[which % len(there)]
            self.call(sets.remove(place, [job]), lambda model: model.delete(place, job))
            self.finish([job])

    @precondition(lambda self: self.model.locks)
    @rule(digest=digests)
    def unlock(self, digest):
        """Somebody takes a lock away; the same is left when a lock has faded."""
        self.call(locks.remove(digest), lambda model: model.unlock(digest))
