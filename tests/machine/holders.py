"""The steps of processes: join, fetch, finish, freeze, and those of the sweepers that find them dead.

A step is taken by any holder that ever joined, fenced or gone as it may be, and with
any delivery that it ever had: that is what a frozen process does when it thaws, and
what a packet does that was long under way.
"""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from machine.base import DAY, DUE, FAR, KINDS, LEASE_MS, NOW, Base, settlement, ties_of
from machine.model import QUEUES, Holding
from mainspring.store import flows, keys, processes, queues
from mainspring.worker.recoverer import verdicts

#: A process that holds a delivery: whose, which, and the job.
Delivery = tuple[Holding, int, bytes]
Changes = Sequence[tuple[bytes, str, bytes]]

#: Which process of the last that joined: 0 is the newest.
who = st.integers(0, 3)
#: Which delivery of all that were ever made: 0 is the newest.
which = st.integers(0, 9)
SOMETHING_WAS_FETCHED = precondition(lambda self: self.deliveries)


class Holders(Base):
    """What processes do."""

    def __init__(self, server) -> None:
        """Begin with nobody."""
        super().__init__(server)
        self.still: set[Holding] = set()
        self.requests: dict[Holding, int] = {}
        self.holdings: list[Holding] = []
        self.deliveries: list[Delivery] = []
        self.judged: dict[Holding, Changes] = {}

    def acts(self, holding: Holding) -> bool:
        """Return False if this process crashed, or is frozen."""
        return holding not in self.still

    # --- joining and leaving -----------------------------------------------------------

    @initialize()
    def begin(self):
        """Let two processes serve the first queue, and one have jobs of it."""
        self.join(QUEUES[0])
        self.join(QUEUES[0])
        self.enqueue(QUEUES[0], 6)
        self.fetch(0, 3)

    @precondition(lambda self: len(self.model.leases) < 3)
    @rule(queue=st.sampled_from((QUEUES[0], QUEUES[0], QUEUES[1])))
    def join(self, queue):
        """A process starts, or a fenced one begins anew under another identity."""
        self.count += 1
        holding = queue, f"host:1:{self.count:012x}"
        self.call(processes.register(*holding, LEASE_MS), lambda model: model.register(holding))
        self.holdings.insert(0, holding)

    def holding(self, who: int) -> Holding:
        """Return one of the last processes that joined, whatever has become of it."""
        return self.holdings[who % len(self.holdings)]

    @rule(who=who, asked=st.booleans())
    def leave(self, who, asked):
        """A process ends in order, perhaps with a request under way that comes after its farewell."""
        holding = self.holding(who)
        if self.acts(holding):
            self.call(processes.leave(*holding), lambda model: model.leave(holding))
            if asked:
                self.fetch(who, 1)

    @rule(who=who)
    def freeze(self, who):
        """A process stops acting; for ever, which is a crash, unless it thaws."""
        holding = self.holding(who)
        self.still.add(holding)

    @precondition(lambda self: self.still)
    @rule()
    def thaw(self):
        """Whoever was frozen acts again, and knows nothing of what happened since."""
        self.still.clear()

    @rule(who=who)
    def beat(self, who):
        """A process renews its lease."""
        holding = self.holding(who)
        if self.acts(holding):
            self.call(processes.beat(*holding, LEASE_MS), lambda model: model.beat(holding))

    # --- jobs ----------------------------------------------------------------------------

    @precondition(lambda self: any(self.model.waiting.values()))
    @rule(who=who, n=st.integers(1, 5))
    def fetch(self, who, n):
        """A process asks for jobs."""
        holding = self.holding(who)
        if self.acts(holding):
            self.requests[holding] = self.requests.get(holding, 0) + 1
            newest = self.model.fence[holding[0]]
            assert all(seq > newest for seq, _ in self._fetch(holding, n)), "a delivery's number was given before"

    @precondition(lambda self: self.requests)
    @rule(who=who, n=st.integers(1, 5))
    def fetch_again(self, who, n):
        """The answer was lost: the same request comes once more, perhaps long after."""
        holding = self.holding(who)
        if self.acts(holding) and holding in self.requests:
            self._fetch(holding, n)

    def _fetch(self, holding: Holding, n: int) -> Sequence[tuple[int, bytes]]:
        reqid = str(self.requests[holding])
        command = queues.fetch(*holding, n, reqid, "_req")
        fetched = self.call(command, lambda model: model.fetch(holding, n, reqid))
        made = [(holding, seq, job) for seq, job in fetched.jobs]
        self.deliveries[:0] = [delivery for delivery in made if delivery not in self.deliveries]
        return fetched.jobs

    def delivery(self, which: int) -> Delivery:
        """Return one of the last deliveries, whatever has become of it."""
        return self.deliveries[which % len(self.deliveries)]

    @SOMETHING_WAS_FETCHED
    @rule(which=which, others=st.booleans(), twice=st.booleans())
    def acknowledge(self, which, others, twice):
        """A job, or all that its process holds, succeeded; the call may be sent twice, or name one twice."""
        holding, seq, job = self.delivery(which)
        # The success of a marked job is settled, which takes the mark away.
        if not self.acts(holding) or seq in self.model.marked.get(holding, ()):
            return
        held = self.model.held.get(holding, {}) | {seq: job}
        rest = set(held) - {seq} - self.model.marked.get(holding, set())
        seqs = [seq, *(sorted(rest) if others else ()), *([seq] if twice else ())]
        plain = [each for each in seqs if ties_of(held[each]) is None]
        tied = [(each, ties) for each in seqs if (ties := ties_of(held[each])) is not None]
        for _ in range(1 + twice):
            if plain:
                answer = self.call(queues.done(*holding, plain, DAY), lambda model: model.done(holding, plain))
                self.finish(held[each] for each, mine in zip(plain, answer, strict=True) if mine)
            if tied:
                command = flows.finish(*holding, tied, DAY)
                answer = self.call(command, lambda model: model.finish(holding, [each for each, _ in tied]))
                self.finish(held[each] for (each, _), mine in zip(tied, answer, strict=True) if mine)

    @SOMETHING_WAS_FETCHED
    @rule(ends=st.lists(st.tuples(which, st.sampled_from(KINDS), st.integers(1, 2)), min_size=1, max_size=4))
    def settle(self, ends):
        """Jobs ended in other ways, the first of them marked as running; a call may be sent twice."""
        self.mark(ends[0][0])
        for number, kind, times in ends:
            for _ in range(times):
                self._settle(self.delivery(number), kind)

    def _settle(self, delivery: Delivery, kind: str) -> None:
        holding, seq, job = delivery
        what = settlement(kind, job, (DUE, FAR)[seq % 2])
        command = queues.settle(*holding, seq, what, now=NOW, day=DAY)
        if not self.acts(holding):
            return
        if self.call(command, lambda model: model.settle(holding, seq, what)) and what.place is None:
            self.finish([job])

    @SOMETHING_WAS_FETCHED
    @rule(which=which, others=st.booleans())
    def give_back(self, which, others):
        """A process returns a job that it has not started, or all."""
        holding, seq, _ = self.delivery(which)
        if self.acts(holding):
            seqs = [seq, *(other for other in self.model.held.get(holding, {}) if other != seq and others)]
            self.call(queues.give_back(*holding, seqs), lambda model: model.give_back(holding, seqs))

    @SOMETHING_WAS_FETCHED
    @rule(which=which)
    def mark(self, which):
        """A process is about to run a suspect."""
        holding, seq, _ = self.delivery(which)
        if self.acts(holding):
            self.call(queues.mark(*holding, seq), lambda model: model.mark(holding, seq))

    # --- finding the dead ------------------------------------------------------------------

    @rule(who=who)
    def lease_runs_out(self, who):
        """Time passes."""
        holding = self.holding(who)
        self.server.client.delete(keys.lease(*holding))
        self.model.leases.discard(holding)

    @rule(who=who)
    def suspect(self, who):
        """A sweeper looks for the first time."""
        holding = self.holding(who)
        self.write(processes.suspect(*holding), lambda model: model.suspect(holding))

    @rule(who=who, how=st.sampled_from(("early", "ripe", "certain")), is_slow=st.booleans())
    def reclaim(self, who, how, is_slow):
        """A sweeper looks for the second time, or a supervisor saw the process die.

        What becomes of the jobs was decided by an earlier look, perhaps long ago.
        """
        holding = self.holding(who)
        if holding not in self.judged or not is_slow:
            self.judged[holding] = verdicts(self.store.run(queues.inflight(*holding)), NOW)
        changes, is_early, is_certain = self.judged[holding], how == "early", how == "certain"
        self.call(
            processes.reclaim(*holding, grace_ms=LEASE_MS * is_early, now=NOW, changes=changes, certain=is_certain),
            lambda model: model.reclaim(holding, early=is_early, certain=is_certain, now=NOW, changes=changes),
        )

    @rule(who=who, how=st.sampled_from(("ripe", "ripe", "early")), runs=st.sampled_from((True, True, False)))
    def sweep(self, who, how, runs):
        """A process was silent for so long that it is suspected, and reclaimed."""
        holding = self.holding(who)
        for seq in self.model.held.get(holding, ()) if runs else ():
            self.call(queues.mark(*holding, seq), lambda model, seq=seq: model.mark(holding, seq))
        self.lease_runs_out(who)
        self.suspect(who)
        self.reclaim(who, how, is_slow=False)

    @rule(who=who)
    def be_late(self, who):
        """A process was suspected, renews its lease in time, and is silent again."""
        self.lease_runs_out(who)
        self.suspect(who)
        self.beat(who)
        self.lease_runs_out(who)
        self.reclaim(who, "ripe", is_slow=False)
