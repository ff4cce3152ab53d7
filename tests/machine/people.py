"""The steps of everybody else: producers, forwarders, people at the dashboard, and the server's own trouble."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from machine.base import DUE, FAR, NOW, Base
from machine.model import QUEUES, SETS
from mainspring.base import payload
from mainspring.store import keys, queues, sets

#: The first is the busier one.
names = st.sampled_from((QUEUES[0], QUEUES[0], QUEUES[1]))
places = st.sampled_from(SETS)
anywhere = st.sampled_from((*QUEUES, *SETS))
SOMETHING_WAITS = precondition(lambda self: any(self.model.waiting.values()))
SOMETHING_IS_KEPT = precondition(lambda self: any(self.model.sets.values()))
#: Which job of a place: taken modulo their number.
which = st.integers(0, 7)
times = st.sampled_from((DUE, FAR))


class People(Base):
    """What is done by others than processes."""

    def __init__(self, server) -> None:
        """Begin with nothing read."""
        super().__init__(server)
        self.read: tuple[Sequence[bytes], Sequence[bytes]] | None = None

    # --- producers -----------------------------------------------------------------------

    @rule(queue=names, n=st.sampled_from((1, 1, 2, 3, 12)), times=st.integers(1, 2))
    def push(self, queue, n, times):
        """Somebody enqueues a job, or many; the answer may be lost, and the push be sent again."""
        self.enqueue(queue, n, times=times)

    @rule(queue=names, scores=st.lists(times, min_size=1, max_size=4), times=st.integers(1, 2))
    def schedule(self, queue, scores, times):
        """Somebody enqueues for later; the answer may be lost, and the push be sent again."""
        pairs = list(zip(scores, self.new_jobs(queue, len(scores)), strict=True))
        token = payload.read(pairs[0][1]).jid if times > 1 else ""
        command = sets.add(pairs, queue=queue, token=token)
        for _ in range(times):
            if self.write(command, lambda model: model.add(queue, pairs, token)):
                self.accept(job for _, job in pairs)

    # --- forwarders ----------------------------------------------------------------------

    @SOMETHING_IS_KEPT
    @rule(limit=st.integers(1, 10), is_slow=st.booleans(), again=st.booleans())
    def forward(self, limit, is_slow, again):
        """A forwarder moves what it read, perhaps long ago; the other one, which read the same, does too."""
        read = self.read if is_slow else None
        self.read = self._due(limit)
        for _ in range(1 + again):
            for place, found in zip((keys.SCHEDULE, keys.RETRY), read or self.read, strict=True):
                for queue in QUEUES:
                    self._forward(place, queue, [job for job in found if payload.read(job).queue == queue])

    def _due(self, limit):
        due = self.store.run(sets.due(limit))
        for place, found in ((keys.SCHEDULE, due.scheduled), (keys.RETRY, due.retries)):
            promised = sorted(job for job, score in self.model.sets[place].items() if score == DUE)
            assert found == promised[:limit]
        return due.scheduled, due.retries

    def _forward(self, place, queue, jobs):
        pairs = [(job, payload.changed(job, {"enqueued_at": NOW})) for job in jobs]
        if pairs:
            self.call(sets.forward(place, queue, pairs), lambda model: model.forward(place, queue, pairs))

    # --- people --------------------------------------------------------------------------

    @SOMETHING_IS_KEPT
    @rule(place=places, which=which, queue=names, times=st.integers(1, 2))
    def retry(self, place, which, queue, times):
        """Somebody lets a job of a set run now, perhaps in two tabs."""
        job = _pick(self.model.sets[place], which)
        for _ in range(times if job else 0):
            self._forward(place, queue, [job])

    @SOMETHING_IS_KEPT
    @rule(source=places, to=places, which=which, at=times, times=st.integers(1, 2))
    def move(self, source, to, which, at, times):
        """Somebody buries a job of a set, or puts it off, perhaps in two tabs."""
        old, score = _pick(self.model.sets[source], which), NOW if to == keys.DEAD else at
        for _ in range(times if old else 0):
            new = payload.changed(old, {"moved_at": score})
            if new != old:
                command = sets.move(source, to, old, new, score)
                self.call(command, lambda model, new=new: model.move(source, to, old, new, score))

    @SOMETHING_WAITS
    @rule(queue=names, which=which, times=st.integers(1, 2))
    def bury(self, queue, which, times):
        """Somebody kills a waiting job, perhaps in two tabs."""
        job = _pick(self.model.waiting[queue], which)
        for _ in range(times if job else 0):
            command = queues.move(queue, keys.DEAD, job, score=NOW)
            self.call(command, lambda model: model.bury(queue, keys.DEAD, job, NOW))

    @precondition(lambda self: any((*self.model.waiting.values(), *self.model.sets.values())))
    @rule(place=anywhere, which=which)
    def delete(self, place, which):
        """Somebody deletes a job, in two tabs."""
        jobs, verb = (self.model.waiting, queues.remove) if place in QUEUES else (self.model.sets, _remove)
        job = _pick(jobs[place], which)
        for _ in range(2 if job else 0):
            if self.call(verb(place, job), lambda model: model.delete(place, job)):
                self.finish([job])

    @SOMETHING_WAITS
    @rule(places=st.sets(st.integers(1, 6), min_size=1), moved=st.integers(0, 1), buries=st.booleans())
    def drop(self, places, moved, buries):
        """Somebody picks jobs of a page, which the queue may have left behind; they are taken out in one step."""
        queue, waiting = max(self.model.waiting.items(), key=lambda each: len(each[1]))
        jobs = [(place, waiting[place - 1 + moved]) for place in sorted(places) if place - 1 + moved < len(waiting)]
        if jobs:
            died = NOW if buries else None
            count = self.call(queues.drop(queue, jobs, died=died), lambda model: model.drop(queue, jobs, died))
            if count and not buries:
                self.finish(job for _, job in jobs)

    @rule(place=anywhere)
    def clear(self, place):
        """Somebody clears a queue or a set."""
        jobs = [*self.model.waiting.get(place, ()), *self.model.sets.get(place, ())]
        clear = queues.clear if place in QUEUES else sets.clear
        if self.call(clear(place), lambda model: model.clear(place)) > 0:
            self.finish(jobs)

    @precondition(lambda self: any(self.model.cleared.values()))
    @rule(place=anywhere)
    def sweep(self, place):
        """Whoever cleared it, or a worker in the place of one that died, drops what was there."""
        sweep = queues.sweep if place in QUEUES else sets.sweep
        self.call(sweep(place), lambda model: model.sweep(place))

    @rule(queue=names, goes_on=st.booleans())
    def pause(self, queue, goes_on):
        """Somebody pauses a queue, or lets it go on."""
        if goes_on:
            self.call(queues.resume(queue), lambda model: model.paused.discard(queue))
        else:
            self.write(queues.pause(queue), lambda model: model.paused.add(queue))

    # --- the server ----------------------------------------------------------------------

    @rule()
    def forget_scripts(self):
        """The server restarts, or somebody flushes its scripts."""
        self.server.client.script_flush()


class Trouble(Base):
    """A server that is full from time to time."""

    @rule()
    def fill(self):
        """The server reaches its limit."""
        self.server.client.config_set("maxmemory", 1)
        self.is_full = True

    @rule()
    def make_room(self):
        """The limit is raised."""
        self.server.client.config_set("maxmemory", 0)
        self.is_full = False


def _remove(place, job):
    return sets.remove(place, [job])


def _pick(jobs, which):
    """Return one of *jobs*; None if there is none."""
    found = sorted(jobs)
    return found[which % len(found)] if found else None
