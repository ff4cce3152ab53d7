"""A job's whole life: pushed, fetched, failed, retried, recovered, done; in one place after each step."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mainspring.store import keys, processes, queues, sets
from mainspring.store.connection import Store
from mainspring.store.queues import Settlement

A, B = "host:1:aaaaaaaaaaaa", "host:2:bbbbbbbbbbbb"
Q, DAY = "default", "2026-11-21"


def test_a_job_is_pushed_failed_retried_recovered_and_done(server, store):
    store.run(queues.push(Q, [b"job 0"]))
    [(seq, _)] = store.run(queues.fetch(Q, A, 5, "1", "_req")).jobs
    store.run(queues.settle(Q, A, seq, Settlement(keys.RETRY, 1.0, b"job 1", fails=True), now=1.0, day=DAY))
    due = store.run(sets.due())
    assert due.retries == [b"job 1"]
    assert store.run(sets.forward(keys.RETRY, Q, [(b"job 1", b"job 2")])) == 1
    assert store.run(queues.fetch(Q, A, 5, "2", "_req")).jobs == [(2, b"job 2")]

    assert store.run(processes.reclaim(Q, A, grace_ms=0, now=1.0, certain=True)) == 1
    assert store.run(queues.fetch(Q, B, 5, "1", "_req")).jobs == [(3, b"job 2")]
    assert store.run(queues.done(Q, A, [2], DAY)) == [0]
    assert store.run(queues.done(Q, B, [3], DAY)) == [1]

    assert server.client.mget(keys.STAT_PROCESSED, keys.STAT_FAILED) == [b"2", b"1"]
    assert store.run(queues.size(Q)) == 0
    assert not server.exists(keys.RETRY)


class Life(RuleBasedStateMachine):
    """Three processes do what they may, and what the dead may not, in any order."""

    server: object = None  # set by the test

    @initialize()
    def begin(self):
        self.server.flush()
        self.store = Store(self.server.url)
        self.pushed = self.settled = self.request = 0
        self.names = ["p1", "p2", "p3"]

    @rule(n=st.integers(1, 5))
    def push(self, n):
        self.store.run(queues.push(Q, [b"%d" % (self.pushed + i) for i in range(n)]))
        self.pushed += n

    @rule(who=st.integers(0, 2), n=st.integers(1, 4), again=st.booleans())
    def fetch(self, who, n, again):
        self.request += 0 if again else 1
        self.store.run(queues.fetch(Q, self.names[who], n, str(self.request), "_req"))

    @rule(who=st.integers(0, 2), seqs=st.lists(st.integers(1, 30), min_size=1, max_size=5))
    def done(self, who, seqs):
        self.settled += sum(self.store.run(queues.done(Q, self.names[who], seqs, DAY)))

    @rule(who=st.integers(0, 2), seq=st.integers(1, 30), place=st.sampled_from([keys.RETRY, keys.DEAD, None]))
    def settle(self, who, seq, place):
        held = self.store.run(queues.inflight(Q, self.names[who])).get(b"%d" % seq, b"")
        what = Settlement(place, 5e9, held)
        mine = self.store.run(queues.settle(Q, self.names[who], seq, what, now=5e9, day=DAY))
        self.settled += mine if place is None else 0

    @rule(who=st.integers(0, 2), seqs=st.lists(st.integers(1, 30), min_size=1, max_size=5))
    def give_back(self, who, seqs):
        self.store.run(queues.give_back(Q, self.names[who], seqs))

    @rule(who=st.integers(0, 2), job=st.integers(0, 30))
    def forward(self, who, job):
        self.store.run(sets.forward(keys.RETRY, Q, [(b"%d" % job, b"%d" % job)]))

    @rule(who=st.integers(0, 2), certain=st.booleans())
    def die(self, who, certain):
        verb = processes.reclaim(Q, self.names[who], grace_ms=0, now=1.0, certain=certain)
        self.store.run(verb)

    @rule(who=st.integers(0, 2))
    def leave(self, who):
        self.store.run(processes.leave(Q, self.names[who]))

    @invariant()
    def every_job_is_in_exactly_one_place(self):
        client = self.server.client
        places = list(client.lrange(keys.queue(Q), 0, -1))
        for key in (keys.RETRY, keys.DEAD):
            places += client.zrange(key, 0, -1)
        for name in self.names:
            places += [job for seq, job in client.hgetall(keys.inflight(Q, name)).items() if seq.isdigit()]
        assert len(places) == len(set(places)) == self.pushed - self.settled

    def teardown(self):
        self.store.close()


def test_whatever_happens_every_job_is_in_exactly_one_place(server):
    machine = type("LifeHere", (Life,), {"server": server})
    limits = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))

    run_state_machine_as_test(machine, settings=limits)
